"""Holds that rows say what subjects answered: whole runs whose subjects answer with known times, usage and doses."""

from __future__ import annotations

import array
import dataclasses
import itertools
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bench import schema
from bench.driver import dose, subject_group
from bench.driver.launch import Settings
from bench.driver.process import Block, SubjectError, Usage
from bench.machine import fitness
from bench.measure import run
from bench.measure.run_state import Run
from bench.measure.schedule import padding
from bench.plan import setup
from bench.plan.limits import Limit, Limits
from bench.plan.setup import Setup
from bench.schema import Role
from bench.schema.dose import DOSE_NAMES, Dose
from tests.engine import PYTHON, Watcher, measure, needs_control, needs_fork, rows

pytestmark = needs_fork
MIB = 1 << 20
CALL_NS = {Role.MECHANISM: 50_000, Role.CONTROL: 25_000}
COLD_NS = 900_000
# Of one call, in the order in which a subject reads it: faults, user, system, switches; own, then the children's.
USAGE = (2, 30, 500, 7, 11, 130, 1700, 19)
USAGE_COLUMNS = {
    "parent_faults": 2,
    "child_faults": 11,
    "parent_user_ns": 30,
    "parent_sys_ns": 500,
    "child_user_ns": 130,
    "child_sys_ns": 1700,
    "parent_switches": 7,
    "child_switches": 19,
}
HELD = Dose(**{name: 3 + place for place, name in enumerate(DOSE_NAMES)})
TOLD = {"objects": 101, "hooks": 102, "env_bytes": 103}


class FakeSubject:
    """A subject that needs no process: its calls take `CALL_NS`, but for the first of a block, which is cold."""

    made: ClassVar[list[FakeSubject]] = []
    answers: ClassVar[list[tuple[str, Block]]] = []
    fails_at: ClassVar[dict[int, str]] = {}
    """Numbers of blocks, counted over all subjects from 0, that end in an error."""
    bytes: ClassVar[int] = 0
    """What the levels of all that live now are together, and the most that it was."""
    most_bytes: ClassVar[int] = 0
    alive: ClassVar[int] = 0
    beside_busy: ClassVar[list[int]] = []
    """How many live when one with busy threads starts, and when another one starts beside it."""
    busy: ClassVar[int] = 0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.count(1)
        self.pid = (1 << 22) + len(self.made)  # beyond the largest that a process can have
        self.patience_s = 1.0
        self.members = [self]
        self.gone = False
        self.blocks = 0
        self.killed = False
        self.made.append(self)

    def stage(self, deadline_s: float, look: Callable[[], None]) -> dict[str, int]:
        """At once, with what it tells of itself."""
        look()
        return TOLD

    def ready(self, deadline_s: float) -> int:
        """At once, with 31 modules."""
        return 31

    def age_ns(self) -> int:
        """Always the same."""
        return 4_321

    def observe_path(self, deadline_s: float) -> str:
        """The path of a fork."""
        return "fork"

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """Calls of known times; an error where the test wants one."""
        assert not self.killed
        if text := self.fails_at.get(len(self.answers)):
            self.answers.append((role, Block(0, 0, None, array.array("q"))))
            raise SubjectError(text)
        begin = time.perf_counter_ns()
        totals = [COLD_NS if i == 0 and calls > 1 else CALL_NS[Role(role)] + i for i in range(calls)]
        stamps = array.array(
            "q", [stamp for i, total in enumerate(totals) for stamp in (total, 300 + i, i and 400 + i)]
        )
        usage = Usage(*(calls * value for value in USAGE))
        answer = Block(begin, begin + sum(totals) + 77, usage, stamps)
        self.answers.append((role, answer))
        return answer

    def request_stop(self) -> None:
        """Nothing to stop."""

    def count(self, sign: int) -> None:
        """Add what it holds to what lives, or take it off."""
        held = sum(int(word.rpartition("=")[2]) for word in self.settings.scenarios if ":rss=" in word)
        FakeSubject.alive += sign
        FakeSubject.busy += sign * any("threads_busy" in word for word in self.settings.scenarios)
        if FakeSubject.busy:
            FakeSubject.beside_busy.append(FakeSubject.alive)
        FakeSubject.bytes += sign * held
        FakeSubject.most_bytes = max(FakeSubject.most_bytes, FakeSubject.bytes)

    def stop(self, patience_s: float | None = None) -> bool:
        """Without force."""
        if not self.gone:
            self.count(-1)
        self.gone = True
        return False

    def kill(self) -> None:
        """It answers no more."""
        self.killed = True


@pytest.fixture(autouse=True)
def _fake_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every subject of this file is a fake one that holds `HELD`."""
    for name, empty in (
        ("made", []),
        ("answers", []),
        ("fails_at", {}),
        ("bytes", 0),
        ("most_bytes", 0),
        ("alive", 0),
        ("beside_busy", []),
        ("busy", 0),
    ):
        monkeypatch.setattr(FakeSubject, name, empty)
    monkeypatch.setattr(subject_group, "Subject", FakeSubject)
    monkeypatch.setattr(dose, "read", lambda pid: HELD)
    monkeypatch.setattr(run, "prepare", prepared)
    monkeypatch.setattr(fitness, "assess", lambda: [])


@cache
def _prepared(cpu: str, pythons: tuple[str, ...]) -> Setup:
    return setup.prepare(cpu, pythons)


def prepared(cpu: str, pythons: tuple[str, ...], *wanted: object) -> Setup:
    """The set-up of a run: to look at an interpreter takes half a second, and once is enough here."""
    return _prepared(cpu, pythons)


def ran(results: Path, **changes: Any) -> Run:
    """A run of os_fork in one round."""
    return measure(results, **{"rounds": 1, "mechanisms": ("os_fork",), **changes})


def answered(done: Run) -> list[Block]:
    """The answers of a run's rounds: what comes before them is the calibration's."""
    written = rows(done.directory, schema.BLOCKS)
    return [block for _, block in FakeSubject.answers[-len(written) :]]


def test_blocks_begin_since_the_run_began(tmp_path: Path) -> None:
    """Start and length of every block are the subject's own stamps; the start counts from the run's beginning."""
    done = ran(tmp_path)
    written = rows(done.directory, schema.BLOCKS)
    assert written
    for row, block in zip(written, answered(done), strict=True):
        assert int(row["start_ns"]) == block.begin_ns - done.began_ns
        assert int(row["elapsed_ns"]) == block.end_ns - block.begin_ns
        assert int(row["calls"]) == len(block.stamps) // 3
    for row in rows(done.directory, schema.SUBJECTS):
        assert 0 < int(row["start_ns"]) < min(int(row["start_ns"]) for row in written)


def test_a_warm_up_has_no_place_in_the_schedule(tmp_path: Path) -> None:
    """The blocks before the schedule have -1 as number and as order, one of each role; the others count from 0."""
    written = rows(ran(tmp_path).directory, schema.BLOCKS)
    roles = len({row["role"] for row in written})
    assert [(row["block"], row["order"]) for row in written[:roles]] == [("-1", "-1")] * roles
    assert [(row["block"], row["order"]) for row in written[roles:]] == [("0", str(i)) for i in range(roles)]


def test_usage_is_per_call_and_in_its_own_column(tmp_path: Path) -> None:
    """Faults, user time, system time and switches of parent and children do not change places."""
    for row in rows(ran(tmp_path).directory, schema.BLOCKS):
        assert {name: float(row[name]) for name in USAGE_COLUMNS} == USAGE_COLUMNS


def test_usage_that_is_unknown_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that does not count leaves eight empty fields, and no zeros."""
    real = FakeSubject.block
    monkeypatch.setattr(
        FakeSubject,
        "block",
        lambda *words: Block((known := real(*words)).begin_ns, known.end_ns, None, known.stamps),
    )
    for row in rows(ran(tmp_path).directory, schema.BLOCKS):
        assert {row[name] for name in USAGE_COLUMNS} == {""}


def test_calls_are_written_as_they_were_stamped(tmp_path: Path) -> None:
    """Total, call and ready of each call in their order; a ready that is unknown is empty."""
    done = ran(tmp_path)
    written = [(row["total_ns"], row["call_ns"], row["ready_ns"]) for row in rows(done.directory, schema.SAMPLES)]
    stamps = [list(block.stamps) for block in answered(done)]
    each = [block[i : i + 3] for block in stamps for i in range(0, len(block), 3)]
    assert written == [(str(total), str(call), str(ready or "")) for total, call, ready in each]
    assert {ready for *_, ready in written} > {"", "401"}


def test_what_is_cold_is_marked_and_in_no_median(tmp_path: Path) -> None:
    """Of a block of ten the first call is marked; the median that progress and drift see is that of the other nine."""
    done = ran(tmp_path)
    assert done.tasks[0].calibration.calls == 10  # of 50 us in 0.5 ms
    marks = [row["warmup"] for row in rows(done.directory, schema.SAMPLES) if row["block"] == "0"]
    assert marks.count("1") == len({row["role"] for row in rows(done.directory, schema.BLOCKS)})
    medians = {block.role: block.median_ns for block in done.measured}
    assert medians[Role.MECHANISM] == CALL_NS[Role.MECHANISM] + 5  # of 1 to 9
    assert all(block.start_ns > 0 and block.round == 0 and block.cell == 0 for block in done.measured)


def test_time_in_calls_is_that_of_all_calls(tmp_path: Path) -> None:
    """The time inside of timed calls counts every call of the rounds, those of the warm-up included."""
    done = ran(tmp_path, rounds=2)
    assert done.in_calls_ns == sum(int(row["total_ns"]) for row in rows(done.directory, schema.SAMPLES))
    assert done.in_calls_ns > 0


def test_a_subject_that_holds_its_dose_is_told_with_it(tmp_path: Path) -> None:
    """The verified dose, the modules, the path and the time of set-up stand in the subject's row."""
    done = ran(tmp_path, scenarios=("rss=100MiB",))
    (row,) = [row for row in rows(done.directory, schema.SUBJECTS) if row["round"] == "0"]
    assert (row["status"], row["error"], row["setup_ns"], row["modules"]) == ("ok", "", "4321", "31")
    assert [int(row[name]) for name in DOSE_NAMES] == [3 + place for place in range(len(DOSE_NAMES))]
    assert {name: int(row[name]) for name in TOLD} == TOLD
    assert row["path"] == "fork"


@pytest.mark.parametrize(
    ("raised", "said"), [(98 * MIB, False), (98 * MIB - 1, True), (102 * MIB, False), (102 * MIB + 1, True), (0, True)]
)
def test_a_dose_that_is_another_one_is_recorded_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: int, said: bool
) -> None:
    """What the scenario raised stands in `dose`; beyond 2 % of the level there is one warning, whatever the rounds."""
    # Before and after the scenario, and after the warm-up, which calibration has none of.
    looks = itertools.chain([5 * MIB, 5 * MIB + raised], itertools.cycle([5 * MIB, 5 * MIB + raised, 7]))
    monkeypatch.setattr(dose, "read", lambda pid: Dose(copied_bytes=next(looks)))
    watcher = Watcher()
    done = ran(tmp_path, rounds=3, watcher=watcher, scenarios=("rss=100MiB",), mechanisms=("noop",))
    found = [row for row in rows(done.directory, schema.SUBJECTS) if row["round"] != "-1"]
    assert [(row["status"], row["dose"], row["copied_bytes"]) for row in found] == [("ok", str(raised), "7")] * 3
    warning = (
        f"warning: noop rss=100MiB {done.cells[0].python.label}: rss=100MiB: copied_bytes rose by {raised}, "
        f"not by {100 * MIB}; recorded as it is"
    )
    assert [text for text in watcher.messages if "rose by" in text] == [warning] * said


def test_a_dose_that_cannot_be_read_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel tells nothing the dose is empty, and nothing is said."""
    monkeypatch.setattr(dose, "read", lambda pid: Dose())
    watcher = Watcher()
    done = ran(tmp_path, watcher=watcher, scenarios=("rss=100MiB",))
    assert [row["dose"] for row in rows(done.directory, schema.SUBJECTS)] == [""]
    assert [text for text in watcher.messages if "rose by" in text] == []


def test_a_parent_that_works_by_itself_has_no_other_beside_it(tmp_path: Path) -> None:
    """While a subject with busy threads lives, in calibration or in a round, it is the only one."""
    done = ran(tmp_path, rounds=3, scenarios=("threads_busy=1", "parent=bare,equal"), mechanisms=("noop", "thread"))
    assert len(done.cells) == 6
    assert len(FakeSubject.beside_busy) == 4 * 2  # of two cells, in the calibration and three rounds
    assert set(FakeSubject.beside_busy) == {1}


def test_level_0_is_reached_whatever_a_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few pages more or less are no warning where nothing was asked for."""
    looks = itertools.count(0, 4096)
    monkeypatch.setattr(dose, "read", lambda pid: Dose(copied_bytes=next(looks)))
    watcher = Watcher()
    done = ran(tmp_path, watcher=watcher, scenarios=("rss=0",), mechanisms=("noop",))
    assert [row["dose"] for row in rows(done.directory, schema.SUBJECTS)] == ["4096"]
    assert [text for text in watcher.messages if "rose by" in text] == []


def test_what_does_not_fit_side_by_side_is_measured_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parents of 3, 3, 2 and 2 MiB in a room of 4 MiB never fill more; blocks are numbered on through all sittings."""
    here = setup.prepare("none", ())
    room = dataclasses.replace(here.resources, limits=Limits({"memory": Limit(4 * MIB, "the room")}))
    monkeypatch.setattr(run, "prepare", lambda *words: dataclasses.replace(here, resources=room))
    done = ran(tmp_path, rounds=3, scenarios=("rss=3MiB,2MiB,5MiB",), mechanisms=("noop", "thread"))
    assert {cell.level.text for cell in done.cells} == {"3MiB", "2MiB"}
    for number in range(3):
        blocks = [row for row in rows(done.directory, schema.BLOCKS) if row["round"] == str(number)]
        ordered = [row for row in blocks if row["order"] != "-1"]
        assert [int(row["order"]) for row in ordered] == list(range(len(ordered)))
        assert {row["cell"] for row in ordered} == {"0", "1", "2", "3"}
    assert FakeSubject.most_bytes == 4 * MIB
    assert FakeSubject.bytes == 0


@needs_control
@pytest.mark.parametrize("place", range(4))
def test_a_block_that_fails_ends_its_subject_and_no_other(tmp_path: Path, place: int) -> None:
    """Warm-up or schedule: the error names which, earlier blocks are kept, later ones are not asked for."""
    FakeSubject.fails_at[6 + place] = "it broke"  # six blocks calibrate the two roles
    done = ran(tmp_path)
    written = rows(done.directory, schema.BLOCKS)
    (row,) = [row for row in rows(done.directory, schema.SUBJECTS) if row["round"] == "0"]
    failed_role = FakeSubject.answers[6 + place][0]
    assert row["status"] == "error"
    assert row["error"] == (f"warm-up of the {failed_role}: it broke" if place < 2 else f"{failed_role}: it broke")
    assert len(written) == place
    assert len(FakeSubject.answers) == 6 + place + 1
    assert (row["setup_ns"] != "") == (place >= 2)


def paddings_by_round(subjects: int) -> list[set[int]]:
    """The paddings of each round's `subjects`, the calibration's first."""
    paddings = [subject.settings.padding for subject in FakeSubject.made]
    return [set(paddings[first : first + subjects]) for first in range(0, len(paddings), subjects)]


def test_memory_is_shifted_where_interpreters_are_compared(tmp_path: Path) -> None:
    """With two interpreters all subjects of a round have the round's shift; one alone is never shifted."""
    other = tmp_path / "python"
    other.symlink_to(PYTHON)
    ran(tmp_path / "two", rounds=3, seed=5, pythons=(PYTHON, str(other)))
    shifts = paddings_by_round(2)
    assert shifts == [{0}, *({padding(5, number)} for number in range(3))]
    assert len(set(map(frozenset, shifts))) == 4
    FakeSubject.made.clear()
    ran(tmp_path / "alone", rounds=3, seed=5, pythons=(PYTHON,))
    assert paddings_by_round(1) == [{0}] * 4


def test_a_subject_is_started_as_its_cell_says(tmp_path: Path) -> None:
    """Interpreter, mechanism, scenario, level and pins of a cell are the settings of its subjects."""
    done = ran(tmp_path, mechanisms=("os_fork", "thread"), scenarios=("rss=1MiB",))
    for subject, cell in zip(FakeSubject.made, [*done.cells, *done.cells], strict=True):
        assert subject.settings.python == cell.python.executable
        assert subject.settings.mechanism == cell.mechanism.entry_point
        assert subject.settings.scenarios == (f"scenarios.memory:rss={MIB}",)
        assert subject.settings.verified
        assert subject.settings.allowed_cpus == tuple(sorted(os.sched_getaffinity(0)))
        assert subject.settings.cpu == max(os.sched_getaffinity(0))
        assert subject.settings.true_program.startswith("/")
