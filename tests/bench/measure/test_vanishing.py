"""What a run needs goes away, or the clock on the wall steps, while it measures."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.read.run import load_run
from bench import schema
from bench.progress import Medians
from tests.engine import Watcher, document, measure, needs_fork, register_faulty, rows

pytestmark = needs_fork


class AtRound(Watcher):
    """A progress that does something once, at the first block of a round."""

    def __init__(self, round_number: int, act: Callable[[], object]) -> None:
        super().__init__()
        self._round = round_number
        self._act = act

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        super().update(cell_name, round_number, left_s, medians)
        if round_number == self._round:
            self._round = sys.maxsize
            self._act()


def test_an_interpreter_that_vanishes_is_given_up(tmp_path: Path) -> None:
    """Its cells have an error row in each of two rounds, the other interpreter's go on; the run says what it lacks."""
    link = tmp_path / "python"
    link.symlink_to(os.path.realpath(sys.executable))
    watcher = AtRound(1, link.unlink)
    one = measure(tmp_path / "results", watcher, rounds=5, pythons=(os.path.realpath(sys.executable), str(link)))
    gone = one.cells[1]
    errors = [row for row in rows(one.directory, schema.SUBJECTS) if row["status"] == "error"]
    assert [(row["cell"], row["round"]) for row in errors] == [("1", "2"), ("1", "3")]
    assert all("cannot be started (No such file or directory)" in row["error"] for row in errors)
    assert one.lacks() == f"given up: {gone.name}"
    assert document(one)["status"] == "partial"
    blocks = load_run(one.directory).blocks
    assert set(blocks["round"][blocks["cell"] == 0]) == set(range(5))


def test_a_stopped_child_is_ended_with_its_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is stopped misses the deadline; the cell has an error row, and the other one is measured."""
    register_faulty(monkeypatch)
    one = measure(tmp_path, mechanisms=("child_stopped", "noop"), rounds=2, deadline_s=0.5)
    (error,) = [row["error"] for row in rows(one.directory, schema.SUBJECTS) if row["status"] == "error"]
    assert error == "calibration: timed out: a watched call took more than 0.5 s"
    assert {row["cell"] for row in rows(one.directory, schema.BLOCKS)} == {"1"}


def test_a_wall_clock_that_steps_changes_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock on the wall goes back by a day in a round: the run can be read, and its times are in order."""
    usual = time.time
    steps = [0.0]
    monkeypatch.setattr(time, "time", lambda: usual() - steps[0])
    monkeypatch.setattr(time, "gmtime", lambda now=None, real=time.gmtime: real(time.time() if now is None else now))
    watcher = AtRound(1, lambda: steps.__setitem__(0, 86_400.0))
    run = load_run(measure(tmp_path, watcher, rounds=3).directory)
    assert run.document.ended is not None
    assert run.document.ended < run.document.started
    assert (run.document.status, run.rounds, len(run.samples) > 0) == ("complete", 3, True)
