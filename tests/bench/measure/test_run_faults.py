"""Holds that a run goes on when something fails: one cell's failure is its own, and what is missing is told."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.read.run import load_run
from analysis.summary.cells import summarise
from bench import schema
from bench.commands import carry_out
from bench.machine import control_build
from bench.machine.control_build import Control
from bench.measure import certificate, run, run_state
from bench.measure.run_state import Run
from bench.options import Options
from bench.plan import interpreters, registry
from bench.schema import Role
from tests.engine import HAS_PROC, TESTS, Watcher, document, measure, needs_fork, register_faulty, rows

pytestmark = needs_fork


FAIL_AT_ONCE = {
    "wrong_status": "CallError: the child ended with exit status 3",
    "killed_child": "CallError: the child ended with exit status -9",
    "subject_exits": "the subject ended with exit status 7: MemoryError: out of it",
    "set_up_fails": "set-up: BlockingIOError: [Errno 11] no more of it, and that on two lines",
}
if HAS_PROC:
    FAIL_AT_ONCE["no_more_processes"] = "BlockingIOError: [Errno 11] Resource temporarily unavailable"
HANG_AT_ONCE = {"child_hangs": "timed out: a watched call took more than 0.5 s"}


@pytest.mark.parametrize(("reasons", "deadline_s"), [(FAIL_AT_ONCE, 20.0), (HANG_AT_ONCE, 0.5)])
def test_cells_that_fail_at_once_do_not_touch_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reasons: dict[str, str], deadline_s: float
) -> None:
    """Each has one error row and no block; the other cell is measured as if it were alone, and the run is complete."""
    register_faulty(monkeypatch)
    told = Watcher()
    one = measure(tmp_path, told, mechanisms=(*reasons, "os_fork"), rounds=2, deadline_s=deadline_s)
    said = rows(one.directory, schema.SUBJECTS)
    errors = sorted((int(row["cell"]), row["round"], row["error"]) for row in said if row["status"] == "error")
    assert errors == [(cell, "-1", f"calibration: {text}") for cell, text in enumerate(reasons.values())]
    good_cell = str(len(reasons))
    assert [(row["round"], row["cell"]) for row in said if row["status"] == "ok"] == [
        ("0", good_cell),
        ("1", good_cell),
    ]
    assert {row["cell"] for row in rows(one.directory, schema.BLOCKS)} == {good_cell}
    *broken, good = rows(one.directory, schema.CELLS)
    none = [(name, "0", "0", "0") for name in reasons]
    assert [(row["mechanism"], row["blocks"], row["block_calls"], row["control_calls"]) for row in broken] == none
    assert int(good["blocks"]) >= 1
    assert document(one)["status"] == "complete"
    for name, text in reasons.items():
        assert any(name in message and text in message for message in told.messages)
    summary = summarise(load_run(one.directory)).set_index("mechanism")
    assert summary["errors"].to_dict() == {**dict.fromkeys(reasons, 1), "os_fork": 0}
    assert summary["rounds"].to_dict() == {**dict.fromkeys(reasons, 0), "os_fork": 2}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fails_later", "CallError: the child ended with exit status 3"),
        ("hangs_later", r"timed out: a block of \d+ calls took more than 0.5 s"),
    ],
)
def test_a_cell_that_fails_in_rounds_is_given_up_after_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """Two error rows, then its subjects are no longer started; the other cell goes on to the last round."""
    register_faulty(monkeypatch)
    told = Watcher()
    changes: dict[str, Any] = {"module_path": os.pathsep.join((str(TESTS), str(tmp_path))), "deadline_s": 0.5}
    monkeypatch.setattr(
        control_build, "find", lambda: Control("", "not wanted")
    )  # its folder would be the last of the path
    one = measure(tmp_path / "results", told, mechanisms=(name, "os_fork"), rounds=3, **changes)
    subjects = rows(one.directory, schema.SUBJECTS)
    errors = [row for row in subjects if row["status"] == "error"]
    assert [row["round"] for row in errors] == ["0", "1"]
    assert all(re.search(text, row["error"]) for row in errors)
    assert [row["round"] for row in subjects if row["cell"] == "1"] == ["0", "1", "2"]
    assert {row["status"] for row in subjects if row["cell"] == "1"} == {"ok"}
    assert f"error: {one.cells[0].name} failed 2 times; subjects.csv has each with its reason" in told.messages
    assert document(one)["rounds"] == 3
    assert document(one)["status"] == "partial"
    assert f"WARNING: given up: {one.cells[0].name}; the run is marked partial" in told.messages
    assert (one.directory / "samples.csv").exists()


def test_a_cell_that_recovers_leaves_the_run_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that failed in one round and worked in others was not given up."""
    register_faulty(monkeypatch)
    monkeypatch.setattr(control_build, "find", lambda: Control("", "not wanted"))
    folders = os.pathsep.join((str(TESTS), str(tmp_path)))
    one = measure(tmp_path / "results", mechanisms=("fails_once",), rounds=3, module_path=folders)
    assert [row["status"] for row in rows(one.directory, schema.SUBJECTS)] == ["error", "ok", "ok"]
    assert document(one)["status"] == "complete"
    assert one.lacks() == ""


def test_a_cell_that_never_worked_is_given_up_in_a_single_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One round is too short for two failures in a row, but a run that measured nothing of a cell lacks it."""
    register_faulty(monkeypatch)
    monkeypatch.setattr(control_build, "find", lambda: Control("", "not wanted"))
    folders = os.pathsep.join((str(TESTS), str(tmp_path)))
    one = measure(tmp_path / "results", mechanisms=("fails_later", "noop"), rounds=1, module_path=folders)
    assert one.lacks() == f"given up: {one.cells[0].name}"
    assert document(one)["status"] == "partial"


@pytest.mark.parametrize(("name", "number"), [("set_up_hangs", "-1"), ("set_up_hangs_later", "0")])
def test_a_set_up_that_hangs_does_not_hold_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: str
) -> None:
    """In calibration and in rounds it is given what is left of the budget; then its cell has an error row."""
    register_faulty(monkeypatch)
    monkeypatch.setattr(run_state, "_LEAST_SET_UP_S", 2.0)
    monkeypatch.setattr(control_build, "find", lambda: Control("", "not wanted"))
    folders = os.pathsep.join((str(TESTS), str(tmp_path)))
    one = measure(tmp_path / "results", rounds=None, budget_s=1.0, mechanisms=(name,), module_path=folders)
    (row,) = [row for row in rows(one.directory, schema.SUBJECTS) if row["round"] == number]
    assert row["error"].endswith("set-up: timed out: set-up took more than 2 s")


def test_a_block_that_hangs_at_the_end_does_not_hold_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given what is left of the budget, and not the deadline that a block has in the middle of a run."""
    register_faulty(monkeypatch)
    monkeypatch.setattr(run_state, "_LEAST_BLOCK_S", 1.5)
    monkeypatch.setattr(run_state, "_TIMES_CALIBRATED", 0)
    monkeypatch.setattr(control_build, "find", lambda: Control("", "not wanted"))
    folders = os.pathsep.join((str(TESTS), str(tmp_path)))
    one = measure(
        tmp_path / "results",
        rounds=None,
        budget_s=0.1,
        mechanisms=("hangs_later",),
        module_path=folders,
        deadline_s=90.0,
    )
    (row, *_) = [row for row in rows(one.directory, schema.SUBJECTS) if row["round"] == "0"]
    assert re.search(r"timed out: a block of \d+ calls took more than 1.5 s", row["error"])


def test_what_a_subject_leaves_behind_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mechanism that leaves a child is measured, the child is ended by force, and the certificate says so."""
    register_faulty(monkeypatch)
    monkeypatch.setattr("bench.driver.process.STOP_TIMEOUT_S", 0.2)
    one = measure(tmp_path, mechanisms=("leaves_behind",))
    assert one.forced == 1
    left = next(check for check in certificate.of_run([], 1.0, one.processes_left()) if check.name == "processes_left")
    assert not left.passed


def test_a_run_in_which_nothing_works_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells failed: the errors are kept, no round is counted, and the messages say it."""
    register_faulty(monkeypatch)
    told = Watcher()
    one = measure(tmp_path, told, mechanisms=("wrong_status",))
    assert document(one)["rounds"] == 0
    assert rows(one.directory, schema.BLOCKS) == []
    assert any("exit status 3" in text for text in told.messages)
    assert "WARNING: no cell could be measured to the end; the run is marked partial" in told.messages
    assert document(one)["status"] == "partial"


def test_a_command_that_lacks_something_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the directory all the same, where the reasons are; 0 if one cell failed before the first round only."""
    options = Options(tmp_path)
    cells = measure(tmp_path / "results", mechanisms=("noop", "os_fork")).cells
    capsys.readouterr()
    for tasks, given_up, status in (({}, [], 1), ({0: None}, [], 0), ({0: None}, [1], 1)):
        one = Run(options, Watcher(), directory=tmp_path, cells=cells, tasks=tasks, given_up=given_up)  # type: ignore[arg-type]
        monkeypatch.setattr(run, "execute", lambda *_, one=one: one)
        assert carry_out("bench run", "run", "", ["--no-progress"]) == status
        assert capsys.readouterr().out == f"{tmp_path}\n"


def test_without_a_compiler_everything_else_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No control: the reason is told at once, its mechanisms are unavailable, and no cell has blocks of it."""
    (tmp_path / "empty").mkdir()
    source = tmp_path / "empty" / control_build.SOURCE.name
    shutil.copy(control_build.SOURCE, source)
    monkeypatch.setattr(control_build, "SOURCE", source)
    monkeypatch.setattr(control_build, "compiler", lambda: None)
    told = Watcher()
    one = measure(tmp_path, told, mechanisms=("native_fork", "os_fork"))
    said = document(one)
    assert said["control"]["available"] is False
    assert said["control"]["reason"].startswith("no C compiler found; install gcc")
    assert [row["mechanism"] for row in said["unavailable"]] == ["native_fork"]
    (cell,) = rows(one.directory, schema.CELLS)
    assert (cell["mechanism"], cell["control"], cell["control_calls"]) == ("os_fork", "", "0")
    assert {row["role"] for row in rows(one.directory, schema.BLOCKS)} == {Role.MECHANISM}
    assert any(text.startswith("without the C control there is no relative latency: no C") for text in told.messages)


def test_a_system_without_fork_measures_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an interpreter has no os.fork, what needs it is unavailable with the reason, and the run is complete."""
    real = interpreters.find

    def without_fork(paths: Any, needs: Any, modules: Any) -> list[interpreters.Interpreter]:
        gone = {need: f"this Python has no {need}" for need in ("os.fork", "start:fork")}
        return [dataclasses.replace(one, missing=gone) for one in real(paths, needs, modules)]

    monkeypatch.setattr(interpreters, "find", without_fork)
    one = measure(tmp_path, mechanisms=("os_fork", "mp_fork", "thread"))
    assert {row["mechanism"]: row["reason"] for row in document(one)["unavailable"]} == {
        "os_fork": "this Python has no os.fork",
        "mp_fork": "this Python has no start:fork",
    }
    assert [row["mechanism"] for row in rows(one.directory, schema.CELLS)] == ["thread"]


def test_an_opening_check_that_fails_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate whose own subjects cannot work is told, and the run's cells are measured all the same."""
    register_faulty(monkeypatch)
    broken = {**registry.mechanisms(), "known_delay": registry.mechanisms()["set_up_fails"]}
    monkeypatch.setattr(registry, "mechanisms", lambda: broken)
    one = measure(tmp_path, mechanisms=("noop",), certificate=True)
    assert document(one)["status"] == "complete"
    assert [row["status"] for row in rows(one.directory, schema.SUBJECTS)] == ["ok"]
    checks = {check["name"]: check for check in document(one)["certificate"]["checks"]}
    assert checks["known_delay_error"]["text"].startswith("could not be measured: ")
    assert document(one)["certificate"]["passed"] is False


def test_a_control_that_this_interpreter_cannot_load_costs_only_the_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file built for another machine or kind of interpreter: the mechanism is measured without relative latency."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / control_build.EXTENSION_NAME).write_bytes(b"\x7fELF of another machine")
    monkeypatch.setattr(control_build, "find", lambda: Control(str(folder), ""))
    one = measure(tmp_path / "results", mechanisms=("os_fork",))
    assert [row["status"] for row in rows(one.directory, schema.SUBJECTS)] == ["ok"]
    assert {row["role"] for row in rows(one.directory, schema.BLOCKS)} == {Role.MECHANISM}


def test_only_failures_in_a_row_give_a_cell_up(tmp_path: Path) -> None:
    """A cell that fails, works and fails again stays; one that fails in two rounds in a row goes. All are counted."""
    cells = measure(tmp_path, Watcher(), mechanisms=("noop", "os_fork"), rounds=1).cells
    one = Run(Options(tmp_path), Watcher(), cells=cells, tasks={0: None, 1: None})  # type: ignore[dict-item]
    for failed in ({0: "a"}, {1: "b"}, {0: "c", 1: "d"}):
        run._give_up(one, failed)
    assert list(one.tasks) == [0]
    assert dict(one.failures) == {0: 2, 1: 2}
