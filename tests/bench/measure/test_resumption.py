"""Interrupted runs that go on: with real runs, real kills and real files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.read.run import Run as ReadRun
from analysis.read.run import load_run
from bench.errors import UsageError
from bench.machine import suspension
from bench.measure import resumption
from bench.measure.run import execute
from bench.progress import Medians
from tests import engine
from tests.engine import Watcher, needs_fork, status

pytestmark = needs_fork


class Interrupter(Watcher):
    """A progress that is interrupted at the `number`-th block of a round."""

    def __init__(self, round_number: int, number: int) -> None:
        super().__init__()
        self._left = number
        self._round = round_number

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        super().update(cell_name, round_number, left_s, medians)
        if round_number == self._round:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


def interrupted(results: Path, round_number: int, number: int = 2, **changes: Any) -> Path:
    """A run of three rounds of two mechanisms that was interrupted in the middle of a round."""
    with pytest.raises(KeyboardInterrupt):
        engine.measure(
            results,
            Interrupter(round_number, number),
            **{"rounds": 3, "mechanisms": ("os_fork", "posix_spawn"), "core_pairs": 2} | changes,
        )
    (run,) = results.glob("*/*/run.json")
    return run.parent


def go_on(run: Path, watcher: Watcher | None = None) -> ReadRun:
    """Resume a run in this process, and read it."""
    with engine.unchanged():
        found = resumption.read(run)
        execute(found.options, watcher or Watcher(), found)
    return load_run(run)


def rows(run: ReadRun) -> dict[str, list[dict[str, Any]]]:
    """The rows of the raw tables."""
    return {
        name: getattr(run, name).astype(object).fillna("").to_dict("records")
        for name in ("cells", "subjects", "blocks", "samples")
    }


TORN = "0,1,0,mech"


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted in its second round; it is shared, so only read it."""
    return interrupted(tmp_path_factory.mktemp("partial"), 1)


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory, partial: Path) -> ReadRun:
    """That run, which had half a line at the end of a file, after it went on; it is shared, so only read it."""
    run = tmp_path_factory.mktemp("resumed") / "machine" / partial.name
    shutil.copytree(partial, run)
    with open(run / "samples.csv", "a") as stream:
        stream.write(TORN)
    return go_on(run)


def test_an_interrupted_run_becomes_complete(partial: Path, resumed: ReadRun) -> None:
    """The same cells and the next round: earlier rounds stay as they were, and the document says that it went on."""
    before = load_run(partial)
    kept = {name: [row for row in table if row.get("round", -1) < 1] for name, table in rows(before).items()}
    assert before.document.status == "partial"
    assert (resumed.document.status, resumed.rounds) == ("complete", 3)
    assert [one.round for one in resumed.document.resumed] == [1]
    for name, table in rows(resumed).items():
        assert kept[name], name
        assert [row for row in table if row.get("round", -1) < 1] == kept[name], name
    assert set(resumed.blocks["round"]) == set(range(3))
    assert not before.blocks[before.blocks["round"] == 1].empty


def test_what_was_measured_of_the_unfinished_round_is_kept_beside(partial: Path, resumed: ReadRun) -> None:
    """The blocks of the round that was interrupted are in a folder of the run, under the header of their file."""
    lines = (partial / "blocks.csv").read_text().splitlines()
    kept = (resumed.path / "interrupted" / "1" / "blocks.csv").read_text().splitlines()
    assert kept[0] == lines[0]
    assert kept[1:] == [line for line in lines[1:] if line.split(",")[1] == "1"]


def test_a_torn_last_line_is_no_row(resumed: ReadRun) -> None:
    """Half a line at the end of a file is moved aside with the unfinished round."""
    assert resumed.rounds == 3
    assert (resumed.path / "interrupted" / "1" / "samples.csv").read_text().endswith(TORN)


def test_blocks_have_the_order_of_a_run_that_was_not_interrupted(tmp_path: Path) -> None:
    """The seed decides the order of every round, whether a run was interrupted before it or not."""

    def order(run: ReadRun) -> list[Any]:
        names = ["cell", "round", "block", "order", "role"]
        # How long a warm-up is, and whether there is one, follows from the calibration.
        return run.blocks[run.blocks["block"] >= 0][names].to_dict("records")

    # With one pair each, a busy machine cannot make them fewer.
    whole = engine.measure(tmp_path / "whole", rounds=3, mechanisms=("os_fork", "posix_spawn"), core_pairs=1)
    resumed = go_on(interrupted(tmp_path / "resumed", 1, core_pairs=1))
    assert order(resumed) == order(load_run(whole.directory))


@pytest.mark.parametrize("round_number", [-1, 0])
def test_a_run_without_a_complete_round_begins_again(tmp_path: Path, round_number: int) -> None:
    """Interrupted in the calibration or in the first round, a run is calibrated anew, in its own directory."""
    run = interrupted(tmp_path, round_number, 1, rounds=1)
    after = go_on(run)
    assert (after.document.status, after.rounds, len(after.cells)) == ("complete", 1, 2)
    assert after.document.resumed[0].round == 0


def test_a_run_can_be_interrupted_and_go_on_twice(tmp_path: Path) -> None:
    """Each interruption is told, and each leaves its unfinished round in a folder of its own."""
    run = interrupted(tmp_path, 1)
    with pytest.raises(KeyboardInterrupt):
        go_on(run, Interrupter(2, 1))
    after = go_on(run)
    assert [resumed.round for resumed in after.document.resumed] == [1, 2]
    assert sorted(folder.name for folder in (run / "interrupted").iterdir()) == ["1", "2"]
    assert after.document.status == "complete"


def _edit(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((run / "run.json").read_text())
    change(document)
    (run / "run.json").write_text(json.dumps(document))


REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another commit": (lambda run: run["suite"].update(commit="0000"), "it was measured by forkbench"),
    "another kernel": (
        lambda run: run["machine_facts"].update(kernel="2.6"),
        "the machine is no longer the same: kernel was '2.6'",
    ),
    "another interpreter": (
        lambda run: next(iter(run["pythons"].values())).update(build="other"),
        "the interpreter is no longer the same",
    ),
    "another CPU": (lambda run: run["cpus"].update(allowed=99), "CPUs is no longer the same: allowed was 99"),
    "complete": (lambda run: run.update(status="complete"), "is complete; there is nothing to resume"),
    "budget spent": (lambda run: run["options"].update(budget_s=0.001, rounds=None), "its budget of 0.001 s is spent"),
    "no seed": (lambda run: run.update(seed=None), "has not all that it takes to go on"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_run_that_is_no_longer_the_same_is_refused(tmp_path: Path, partial: Path, what: str) -> None:
    """Another suite, machine, interpreter or option, and nothing left to measure: one line, and no file is touched."""
    run = tmp_path / "machine" / partial.name
    shutil.copytree(partial, run)
    change, said = REFUSALS[what]
    _edit(run, change)
    files = {file: file.read_bytes() for file in run.iterdir()}
    with pytest.raises(UsageError, match=r"^\S+/") as caught:
        go_on(run)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {file: file.read_bytes() for file in run.iterdir()} == files


def test_damaged_files_are_refused(tmp_path: Path, partial: Path) -> None:
    """A row that does not fit its table, a file that is missing and a directory without a run are one line each."""
    run = tmp_path / "machine" / partial.name
    shutil.copytree(partial, run)
    lines = (run / "blocks.csv").read_text().splitlines()
    (run / "blocks.csv").write_text("\n".join([lines[0], "x" + lines[1], *lines[2:]]) + "\n")
    with pytest.raises(UsageError, match=r"blocks\.csv:2: "):
        go_on(run)
    (run / "blocks.csv").unlink()
    with pytest.raises(UsageError, match=r"blocks\.csv is missing"):
        go_on(run)
    with pytest.raises(UsageError, match=r"no run \(no run\.json\)"):
        go_on(tmp_path)


def test_the_command_line_takes_a_run_and_no_other_option(
    tmp_path: Path, partial: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`bench run --resume RUN` prints the same directory at its end, and refuses options beside it."""
    run = tmp_path / "machine" / partial.name
    shutil.copytree(partial, run)
    assert status("run", "--resume", str(run), "--seed", "3") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--resume: a run goes on with its own options; leave out --seed" in err
    assert status("run", "--resume", str(run), "--no-progress") == 0
    assert capsys.readouterr().out == f"{run}\n"


def test_a_killed_run_says_nothing_and_an_interrupted_one_how_to_go_on(tmp_path: Path) -> None:
    """The last line of an interrupted run is the command that goes on with it."""
    watcher = Interrupter(1, 1)
    with pytest.raises(KeyboardInterrupt):
        engine.measure(tmp_path, watcher, rounds=6)
    (run,) = tmp_path.glob("*/*/run.json")
    assert watcher.messages[-1] == f"go on with it: python -m bench run --resume {run.parent}"


def test_a_round_in_which_the_machine_was_suspended_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the clock that counts suspension goes ahead in a round, its rows are moved aside and it is repeated."""
    readings = iter([0, 0, 0, 10**10])
    monkeypatch.setattr(suspension, "asleep_ns", lambda: next(readings, 10**10))
    watcher = Watcher()
    run = load_run(engine.measure(tmp_path, watcher, rounds=3).directory)
    assert "the machine was suspended in round 1; the round is measured again" in watcher.messages
    assert (run.rounds, set(run.blocks["round"])) == (3, {0, 1, 2})
    moved = (run.path / "interrupted" / "1" / "blocks.csv").read_text().splitlines()[1:]
    assert {line.split(",")[1] for line in moved} == {"1"}


def test_the_clock_of_suspension_stands_still_while_nothing_sleeps() -> None:
    """The difference of the two clocks does not grow while this machine is awake."""
    first = suspension.asleep_ns()
    subprocess.run(["true"], check=True)
    assert abs(suspension.asleep_ns() - first) < suspension.LEAST_NS
