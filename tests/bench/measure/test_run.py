"""Holds whole runs, in this process: what is measured, in which order, and that one cell's failure is its own."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import schema
from bench.driver import pinning
from bench.driver.launch import Settings
from bench.errors import UsageError
from bench.files.store import StoreError
from bench.machine import fitness
from bench.machine.finding import note, unfit
from bench.measure import run, run_state
from bench.measure.calibrate import Calibration
from bench.measure.round import CALLS_WITH_LEAD, WARMUP_BLOCK, Task
from bench.measure.run_state import Run
from bench.measure.schedule import Share, round_steps
from bench.plan import availability, interpreters
from bench.plan.levels import PlanError
from bench.schema import Role
from tests import engine
from tests.engine import PYTHON, Watcher, document, measure, needs_fork, rows

pytestmark = needs_fork
GOOD = ("os_fork", "subprocess_run", "noop")


@pytest.fixture(scope="module")
def watcher() -> Watcher:
    """What the shared run told its progress."""
    return Watcher()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, watcher: Watcher) -> Run:
    """Two rounds of three mechanisms in two states: a complete run that the tests below only read."""
    changes: dict[str, Any] = {"rounds": 2, "mechanisms": GOOD, "scenarios": ("parent=bare,equal",), "core_pairs": 2}
    return measure(tmp_path_factory.mktemp("results"), watcher, seed=5, certificate=True, **changes)


def test_a_run_leaves_its_files_complete(shared: Run) -> None:
    """All raw tables, the packed calls, and a document that says complete and what was done."""
    names = ["blocks.csv", "cells.csv", "run.json", "samples.csv.gz", "subjects.csv"]
    assert sorted(os.listdir(shared.directory)) == names
    said = document(shared)
    assert (said["status"], said["rounds"], said["seed"], said["machine"]) == ("complete", 2, 5, "here")
    assert shared.directory.name == said["run"]
    assert said["started"] <= said["ended"]
    assert 0 < said["share_in_calls"] < 1
    assert said["unavailable"] == []
    assert set(said["pythons"]) == {row["python"] for row in rows(shared.directory, schema.CELLS)}


def test_rows_fit_their_columns(shared: Run) -> None:
    """Every field of every row is of its column's kind, and empty only where that is allowed."""
    for table in schema.RAW_TABLES:
        for row in rows(shared.directory, table):
            for column in table.columns:
                text = row[column.name]
                if not text:
                    assert column.optional, (table.name, column.name)
                elif column.kind != "str":
                    assert (int if column.kind == "int" else float)(text) >= -1


def test_every_cell_is_measured_in_every_round(shared: Run) -> None:
    """Each cell has one fresh subject a round, all of them ok, and as many blocks of each role as cells.csv says."""
    cells = rows(shared.directory, schema.CELLS)
    assert len(cells) == 6
    subjects = rows(shared.directory, schema.SUBJECTS)
    assert Counter((row["round"], row["cell"]) for row in subjects) == Counter(
        (str(number), row["cell"]) for number in range(2) for row in cells
    )
    assert {(row["status"], row["error"]) for row in subjects} == {("ok", "")}
    counted = Counter(
        (row["cell"], row["round"], row["role"])
        for row in rows(shared.directory, schema.BLOCKS)
        if row["block"] != "-1"
    )
    for row in cells:
        for number in range(2):
            assert counted[row["cell"], str(number), Role.MECHANISM] == int(row["blocks"])
            has_control = row["control"] != ""
            assert counted[row["cell"], str(number), Role.CONTROL] == (int(row["blocks"]) if has_control else 0)


def test_blocks_come_in_the_order_of_the_schedule(shared: Run) -> None:
    """The rows of a round are the schedule's steps for its seed, one after the other in time."""
    cells = rows(shared.directory, schema.CELLS)
    shares = {int(row["cell"]): Share(int(row["blocks"]), row["control"] != "") for row in cells}
    blocks = [row for row in rows(shared.directory, schema.BLOCKS) if row["block"] != str(WARMUP_BLOCK)]
    for number in range(2):
        found = [row for row in blocks if row["round"] == str(number)]
        steps = round_steps(shares, 5, number)
        assert [(int(row["order"]), int(row["cell"]), int(row["block"]), row["role"]) for row in found] == [
            (step.order, step.cell, step.block, step.role) for step in steps
        ]
        ends = [int(row["start_ns"]) + int(row["elapsed_ns"]) for row in found]
        assert all(end <= int(row["start_ns"]) for end, row in zip(ends, found[1:], strict=False))


def test_every_call_is_kept(shared: Run) -> None:
    """samples.csv has a row for each call that blocks.csv counts, and their times fit into the block."""
    calls: Counter[tuple[str, ...]] = Counter()
    spent: Counter[tuple[str, ...]] = Counter()
    for row in rows(shared.directory, schema.SAMPLES):
        key = (row["cell"], row["round"], row["block"], row["role"])
        calls[key] += 1
        spent[key] += int(row["total_ns"])
        assert 0 < int(row["call_ns"]) <= int(row["total_ns"])
    blocks = rows(shared.directory, schema.BLOCKS)
    assert len(calls) == len(blocks)
    for row in blocks:
        key = (row["cell"], row["round"], row["block"], row["role"])
        assert calls[key] == int(row["calls"])
        assert spent[key] <= int(row["elapsed_ns"])


def test_warm_up_is_marked_and_kept(shared: Run) -> None:
    """All calls before the schedule are marked, of a long block the first one, of others none."""
    blocks = {
        (row["cell"], row["round"], row["block"], row["role"]): int(row["calls"])
        for row in rows(shared.directory, schema.BLOCKS)
    }
    marks: dict[tuple[str, ...], list[str]] = {key: [] for key in blocks}
    for row in rows(shared.directory, schema.SAMPLES):
        marks[row["cell"], row["round"], row["block"], row["role"]].append(row["warmup"])
    for key, found in marks.items():
        warm = len(found) if key[2] == "-1" else int(len(found) >= CALLS_WITH_LEAD)
        assert found == ["1"] * warm + ["0"] * (len(found) - warm)


def test_faults_and_time_of_every_block_are_told(shared: Run) -> None:
    """A fork faults in the child; a block of nothing has no child at all."""
    cells = {row["cell"]: row["mechanism"] for row in rows(shared.directory, schema.CELLS)}
    for row in rows(shared.directory, schema.BLOCKS):
        if row["role"] == Role.MECHANISM and cells[row["cell"]] == "os_fork":
            assert float(row["child_faults"]) >= 1
            assert float(row["parent_faults"]) >= 1
        if row["role"] == Role.MECHANISM and cells[row["cell"]] == "noop":
            assert float(row["child_faults"]) == float(row["child_switches"]) == 0


def test_progress_hears_of_calibration_and_rounds(shared: Run, watcher: Watcher) -> None:
    """Calibration is round -1, every block of the schedule is one update, and the end says what was reached."""
    assert [number for _, number in watcher.updates].count(-1) == 6
    blocks = [row for row in rows(shared.directory, schema.BLOCKS) if row["block"] != "-1"]
    assert Counter(number for _, number in watcher.updates if number >= 0) == Counter(
        int(row["round"]) for row in blocks
    )
    assert any(
        text.startswith("2 rounds of 6 cells in ") and "inside measured calls" in text for text in watcher.messages
    )
    assert any(text.startswith("WARNING: only 2 complete rounds; an interval needs 6") for text in watcher.messages)
    assert watcher.closed


def test_the_certificate_is_in_the_document(shared: Run) -> None:
    """A run carries the short form, each check with its bound."""
    checks = {one["name"]: one for one in document(shared)["certificate"]["checks"]}
    assert {"observer_effect", "timer_cost", "known_delay_error", "processes_left"} <= set(checks)
    assert checks["processes_left"]["value"] == 0


def test_medians_are_those_of_blocks(shared: Run) -> None:
    """The figures on the way name every cell, the core's first."""
    names = [name for name, _ in shared.medians()]
    assert len(names) == 6
    assert {name.split()[0] for name in names[:2]} == {"os_fork", "subprocess_run"}
    assert all(ns > 0 for _, ns in shared.medians())


def test_the_same_seed_gives_the_same_order_and_another_another(tmp_path: Path) -> None:
    """Whatever the calls cost, the order of the first pairs depends on the seed alone."""
    orders = []
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        one = measure(
            tmp_path / name, seed=seed, mechanisms=("noop", "os_fork", "known_delay", "thread"), block_ns=200_000
        )
        blocks = [row for row in rows(one.directory, schema.BLOCKS) if row["block"] != "-1"]
        orders.append([(row["cell"], row["block"], row["role"]) for row in blocks])
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"mechanisms": ("no_such",)}, PlanError, "no_such: no such mechanism"),
        ({"scenarios": ("rss=big",)}, PlanError, "rss=big: not a size"),
        ({"pythons": ("/nowhere/python",)}, interpreters.InterpreterError, "cannot be started"),
        ({"cpu": "999999"}, UsageError, "--cpu 999999: "),
        ({"mechanisms": ("os_fork",), "scenarios": ("rss=900000GiB",)}, UsageError, "nothing can be measured here: "),
    ],
)
def test_bad_input_leaves_no_directory(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], text: str
) -> None:
    """What cannot be carried out is refused before the results directory is touched."""
    with pytest.raises(error) as caught:
        measure(tmp_path / "results", **changes)
    assert text in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_a_run_never_goes_into_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of the same second and label: the second is refused, and the first stays as it is."""
    monkeypatch.setattr("bench.files.run_document._utc", lambda form="": "20260101T000000Z")
    first = measure(tmp_path, mechanisms=("noop",))
    before = {path: path.read_bytes() for path in first.directory.iterdir()}
    with pytest.raises(StoreError, match="already there; nothing was overwritten"):
        measure(tmp_path, mechanisms=("noop",))
    assert {path: path.read_bytes() for path in first.directory.iterdir()} == before
    other = measure(tmp_path, mechanisms=("noop",), label="again")
    assert other.directory.name == "20260101T000000Z-again"


class Clock:
    """A clock that moves only when a fake round says so."""

    def __init__(self) -> None:
        self.ns = 0

    def perf_counter_ns(self) -> int:
        """Now."""
        return self.ns


@pytest.mark.parametrize(
    ("budget_s", "round_s", "rounds"),
    [(10.8, 1.0, 10), (1.0, 5.0, 1), (4.9, 1.0, 5), (5.9, 1.0, 6), (7.9, 1.0, 7), (60.8, 2.5, 24)],
)
def test_as_many_whole_rounds_as_the_budget_holds(
    monkeypatch: pytest.MonkeyPatch, budget_s: float, round_s: float, rounds: int
) -> None:
    """Rounds of known length: none is begun that would not fit, but that the first six may take a quarter more."""
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), rounds=None, budget_s=budget_s), Watcher(), began_ns=0)
    while run._another(one):
        clock.ns += round(round_s * 1e9)
        one.rounds += 1
        one.rounds_ns.append(round(round_s * 1e9))
    assert one.rounds == rounds


def test_a_number_of_rounds_is_kept_whatever_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--rounds`` counts alone."""
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), rounds=4, budget_s=0.1), Watcher(), began_ns=0)
    while run._another(one):
        clock.ns += 10**12
        one.rounds += 1
        one.rounds_ns.append(10**12)
    assert one.rounds == 4


def test_what_is_left_and_what_was_in_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of ten seconds are gone and 0.7 are kept for the end: 7.3 are left. Half a second in calls is a quarter."""
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), budget_s=10.0), Watcher(), began_ns=3_000_000_000, in_calls_ns=500_000_000)
    clock.ns = 5_000_000_000
    assert one.wall_ns() == 2_000_000_000
    assert one.left_s() == pytest.approx(7.3)
    assert one.share_in_calls() == 0.25
    clock.ns = 3_000_000_000
    one.in_calls_ns = 0
    assert one.share_in_calls() == 0.0


def test_the_share_while_subjects_are_ready_leaves_their_start_and_end_out(shared: Run) -> None:
    """Each round has its share: the time in its calls over that from its first block to its last, and a little more.

    The middle of the rounds is what the certificate judges; before the first round there is none.
    """
    assert Run(shared.options, Watcher()).share_while_ready() is None
    assert Run(shared.options, Watcher(), shares_while_ready=[0.9, 0.1, 0.8]).share_while_ready() == 0.8
    assert len(shared.shares_while_ready) == 2
    calls, blocks = rows(shared.directory, schema.SAMPLES), rows(shared.directory, schema.BLOCKS)
    for number, share in enumerate(shared.shares_while_ready):
        in_calls = sum(int(row["total_ns"]) for row in calls if int(row["round"]) == number)
        mine = [row for row in blocks if int(row["round"]) == number]
        ends = [int(row["start_ns"]) + int(row["elapsed_ns"]) for row in mine]
        assert 0.5 * in_calls < share * (max(ends) - min(int(row["start_ns"]) for row in mine)) <= in_calls


@pytest.mark.parametrize(
    ("budget_s", "rounds", "set_up_s"),
    [(300.0, None, 120.0), (60.0, None, 49.3), (20.0, None, 10.0), (5.0, None, 10.0), (5.0, 3, 120.0)],
)
def test_no_set_up_takes_longer_than_what_is_left_of_the_budget(
    monkeypatch: pytest.MonkeyPatch, budget_s: float, rounds: int | None, set_up_s: float
) -> None:
    """After 10 s: 120 s at most, what is left if less, 10 s at least; a number of rounds has no budget."""
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), rounds=rounds, budget_s=budget_s), Watcher(), began_ns=0)
    clock.ns = 10_000_000_000
    assert one.set_up_s() == pytest.approx(set_up_s)


@pytest.mark.parametrize(
    ("budget_s", "rounds", "call_ms", "control_ms", "block_s"),
    [
        (300.0, None, 1, 1, 20.0),
        (25.0, None, 1, 1, 14.3),
        (12.0, None, 1, 1, 5.0),
        (12.0, None, 7, 1, 7.0),
        (12.0, None, 1, 8, 8.0),
        (12.0, None, 30, 1, 20.0),
        (12.0, None, 0, 0, 20.0),
        (12.0, 3, 1, 1, 20.0),
    ],
)
def test_no_block_takes_longer_than_what_is_left_of_the_budget(
    monkeypatch: pytest.MonkeyPatch, budget_s: float, rounds: int | None, call_ms: int, control_ms: int, block_s: float
) -> None:
    """After 10 s: what is left, but 5 s and a hundred times what ten calls took at least, and 20 s at most.

    A number of rounds has no budget, and a resumed run (0 ms) does not know how long its blocks are.
    """
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), rounds=rounds, budget_s=budget_s), Watcher(), began_ns=0)
    calibration = Calibration(10, 10, call_ms * 1e6, control_ms * 1e6, None)
    one.tasks = {0: Task(None, None, calibration, 1)}  # type: ignore[arg-type]
    clock.ns = 10_000_000_000
    assert one.block_s() == pytest.approx(block_s)


@pytest.mark.parametrize(
    ("rounds_s", "left_s", "another"),
    [
        ((9.0, 1.0, 2.0, 3.0), 1.9, True),  # six rounds are not reached: a tenth of the budget more, 1 s
        ((1.0,) * 3 + (9.0, 1.0, 2.0, 3.0), 2.1, True),  # the last three: 2 s
        ((1.0,) * 3 + (9.0, 1.0, 2.0, 3.0), 1.9, False),
        ((9.0, 1.0, 1.0, 9.0, 1.0), 3.0, True),
        ((1.0, 1.0, 1.0, 3.0, 3.0, 3.0), 2.5, False),
    ],
)
def test_the_next_round_is_as_long_as_the_last_three(
    monkeypatch: pytest.MonkeyPatch, rounds_s: tuple[float, ...], left_s: float, another: bool
) -> None:
    """A round is begun where the mean of the last three fits into what is left of a budget of 10 s."""
    clock = Clock()
    monkeypatch.setattr(run_state.time, "perf_counter_ns", clock.perf_counter_ns)  # type: ignore[attr-defined]
    one = Run(engine.options(Path("r"), rounds=None, budget_s=10.0), Watcher(), began_ns=0)
    clock.ns = round((10.0 - 0.7 - left_s) * 1e9)
    one.rounds, one.rounds_ns = len(rounds_s), [round(seconds * 1e9) for seconds in rounds_s]
    assert run._another(one) is another


def test_surroundings_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`true` is an absolute path found on the PATH, or nothing where there is none."""
    pins = pinning.choose("none")
    assert Settings(
        PYTHON, "m:n", true_program=availability.read_resources(pins, "").true_program
    ).true_program.startswith("/")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert availability.read_resources(pins, "why").true_program == ""
    assert availability.read_resources(pins, "why").control_problem == "why"
    assert not availability.read_resources(pins, "").subjects_pinned


@needs_fork
def test_an_unfit_machine_is_told_and_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes the machine unfit is said before anything is measured, and stands in run.json."""
    monkeypatch.setattr(fitness, "assess", lambda: [unfit("load", "too much", "end it"), note("boost", "on", "off")])
    watcher = Watcher()
    done = measure(tmp_path, watcher)
    assert watcher.messages[0] == "unfit machine: load: too much; end it"
    assert document(done)["unfit"] == ["load: too much; end it"]
