"""Holds that a run of a user's program and mechanism is one like all others, and names no path."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.read.run import load_run
from bench.driver.subject_group import SubjectGroup
from bench.errors import UsageError
from bench.measure import resumption
from bench.measure.run import execute
from bench.plan import limits, own_files
from bench.plan.limits import Limit, Limits
from bench.schema import CELLS, SUBJECTS
from tests import engine
from tests.bench.measure.test_resumption import interrupted
from tests.bench.plan.test_own_files import MINE, write
from tests.engine import Watcher, needs_fork

pytestmark = needs_fork


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program, one that fails, and a mechanism."""
    folder = tmp_path / "somebody"
    folder.mkdir()
    write(folder / "server.py", "import sys\nkept = bytearray(1 << 20)\nsys.exit(0)\n")
    write(folder / "broken.py", "raise ValueError('no port')\n")
    write(folder / "mine.py", MINE)
    return folder


def test_a_run_records_names_and_hashes_and_no_path(folder: Path, tmp_path: Path) -> None:
    """Cells, options and reasons name the files; a program that fails is an error row beside the measured ones."""
    watcher = Watcher()
    run = engine.measure(
        tmp_path / "results",
        watcher,
        mechanisms=("os_fork", f"{folder}/mine.py:my_fork"),
        scenarios=(f"program={folder}/server.py,{folder}/broken.py", "parent=bare"),
        rounds=2,
    )
    names = {cell["mechanism"] for cell in engine.rows(run.directory, CELLS)}
    levels = [cell["level"] for cell in engine.rows(run.directory, CELLS)]
    digests = {
        name: write(folder / name, (folder / name).read_text()) for name in ("server.py", "broken.py", "mine.py")
    }
    assert names == {"os_fork", f"mine.py:my_fork@{digests['mine.py']}"}
    assert (
        levels == [f"server.py@{digests['server.py']}"] * 2 + [f"broken.py@{digests['broken.py']}"] * 2 + ["bare"] * 2
    )
    errors = {row["error"] for row in engine.rows(run.directory, SUBJECTS)} - {""}
    assert errors == {"calibration: set-up: broken.py:1: ValueError: no port"}
    assert engine.document(run)["options"]["mechanisms"] == ["os_fork", f"mine.py:my_fork@{digests['mine.py']}"]
    for path in run.directory.rglob("*"):
        assert b"somebody" not in path.read_bytes(), path
    assert len(load_run(run.directory).samples["cell"].unique()) == 4


def test_a_run_goes_on_where_its_files_are_named_again(folder: Path, tmp_path: Path) -> None:
    """Without them it is refused with the option to give; with them it becomes complete."""
    mechanisms, scenarios = (f"{folder}/mine.py:my_fork",), (f"program={folder}/server.py",)
    run = interrupted(tmp_path / "results", 1, 1, mechanisms=mechanisms, scenarios=scenarios, rounds=2)
    with pytest.raises(UsageError, match=r"cannot be resumed: .* name it again: --mechanism mine\.py:my_fork"):
        resumption.read(run)
    found = resumption.read(run, (), own_files.named(mechanisms, scenarios))
    with engine.unchanged():
        execute(found.options, Watcher(), found)
    after = load_run(run)
    assert (after.document.status, after.rounds) == ("complete", 2)
    assert len(after.cells) == 1


def test_programs_live_one_after_the_other(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether a program is idle: no other subject lives beside it, in calibration and in each round."""
    write(folder / "large.py", "kept = b'x' * (24 << 20)\n")
    together: list[list[int]] = []
    started = SubjectGroup.__enter__

    def note(group: SubjectGroup) -> SubjectGroup:
        together.append(sorted(group.settings))
        return started(group)

    monkeypatch.setattr(SubjectGroup, "__enter__", note)
    limit = Limit(40 << 20, "the test")
    monkeypatch.setattr(limits, "read", lambda: Limits({"memory": limit}))
    engine.measure(
        tmp_path / "results", mechanisms=("noop", "os_fork"), scenarios=(f"program={folder}/large.py", "parent=bare")
    )
    assert together[:3] == [[2, 3], [0], [1]]
    assert sorted(together[3:]) == [[0], [1], [2, 3]]
