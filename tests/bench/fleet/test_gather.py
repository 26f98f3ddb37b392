"""Holds that `bench gather` finds runs at any depth and in archives, and that one bad artifact hides no other."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.fleet import gather
from bench.fleet.arrival.artifacts import Found, runs_in
from bench.fleet.receive import Placed, ReceiveError, Receiver
from tests.bench.fleet.conftest import SMALL
from tests.bench.fleet.packed import archive, member
from tests.engine import bench_cli
from tests.fake_run import FakeRun, write_run


def summary(found: list[Found]) -> list[tuple[str, int, str]]:
    """Host, number of files and problem of each."""
    return [(one.host, len(one.files), one.problem) for one in found]


def artifact(folder: Path, run: Path) -> Path:
    """A directory as an artifact of CI is: the run with its machine, some levels down, and something beside it."""
    shutil.copytree(run, folder / "results" / run.parent.name / run.name)
    (folder / "log.txt").write_text("")
    return folder


def zipped(path: Path, folder: Path) -> Path:
    """All files below `folder` in a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for file in sorted(folder.rglob("*")):
            made.write(file, file.relative_to(folder))
    return path


def test_runs_are_found_in_directories_and_archives(arrived: Path, tmp_path: Path) -> None:
    """A run in a directory, a zip, a tar and a gzipped tar is the same, and is called after its artifact."""
    folder = artifact(tmp_path / "all" / "ubuntu", arrived)
    zipped(tmp_path / "all" / "arm.zip", folder)
    for name, mode in (("mac.tar", "w:"), ("win.tar.gz", "w:gz")):
        with tarfile.open(tmp_path / "all" / name, mode) as tar:  # type: ignore[call-overload]
            tar.add(folder, ".")
    found = list(runs_in(tmp_path / "all"))
    assert sorted(summary(found)) == [(host, 5, "") for host in ("arm", "mac", "ubuntu", "win")]
    assert len({tuple(sorted((file.name, file.content) for file in one.files)) for one in found}) == 1
    assert summary(list(runs_in(arrived))) == [(arrived.name, 5, "")]


def test_links_are_not_followed(arrived: Path, tmp_path: Path) -> None:
    """A file, a directory or a member of an archive that is a link is refused; what it leads to is not read."""
    linked = tmp_path / "linked" / "run"
    shutil.copytree(arrived, linked)
    (linked / "cells.csv").unlink()
    (linked / "cells.csv").symlink_to(arrived / "cells.csv")
    (tmp_path / "linked" / "away").symlink_to(arrived)
    about = zipfile.ZipInfo("run.json")
    about.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "linked" / "z.zip", "w") as made:
        made.writestr(about, "/etc/passwd")
    (tmp_path / "linked" / "fifo" / "x").mkdir(parents=True)
    os.mkfifo(tmp_path / "linked" / "fifo" / "x" / "run.json")
    found = list(runs_in(tmp_path / "linked"))
    assert [one.host for one in found if one.problem] == ["z", "fifo", "run"]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.zip", b"no zip", "no archive, or a damaged one"),
        ("a.tar", b"no tar", "no archive, or a damaged one"),
        ("a.tgz", b"no gzip", "cannot be read"),
        ("a.tar", archive([member("log.txt", b"x")]), "no run in it"),
        ("a.tar", archive([member("a/run.json", b"{}"), member("a/run.json", b"{}")]), "twice"),
    ],
)
def test_an_archive_that_holds_no_run_is_a_problem(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """What is no archive, holds no run or a name twice is one finding, not an end."""
    (tmp_path / name).write_bytes(content)
    (found,) = runs_in(tmp_path)
    assert (found.host, found.files) == ("a", ())
    assert said in found.problem


def test_a_header_that_names_any_size_is_refused(tmp_path: Path) -> None:
    """A gzipped tar whose first header says that a terabyte follows is not read to its end."""
    about, _ = member("run.json")
    about.size = 1 << 40
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.fileobj.write(about.tobuf())
    (found,) = runs_in(tmp_path)
    assert "larger than" in found.problem


def test_one_bad_artifact_hides_no_other(arrived: Path, receiver: Receiver, results: Path, tmp_path: Path) -> None:
    """Good runs are placed in order, and the damaged one between them is a line that names its place."""
    other = write_run(tmp_path / "b", FakeRun(SMALL, rounds=7, seed=3))
    artifact(tmp_path / "all" / "one", arrived)
    bad = artifact(tmp_path / "all" / "two", arrived) / "results" / arrived.parent.name / arrived.name
    (bad / "blocks.csv").write_bytes((bad / "blocks.csv").read_bytes()[:-9])
    artifact(tmp_path / "all" / "two-b", other)
    done = list(gather.placed(receiver, runs_in(tmp_path / "all"), "gather-{host}"))
    assert [type(one) for one in done] == [Placed, ReceiveError, Placed]
    assert str(done[1]).startswith(f"{bad}: blocks.csv:")
    assert {one.path.parent.name for one in done if isinstance(one, Placed)} == {"gather-one", "gather-two-b"}
    assert not (results / "gather-two").exists()


def test_the_command_prints_directories_and_ends_with_1_for_a_refused_run(arrived: Path, tmp_path: Path) -> None:
    """Directories of runs come on standard output, the rest with a summary on standard error."""
    shutil.copytree(arrived, tmp_path / "in" / arrived.parent.name / arrived.name)
    shutil.copytree(arrived, tmp_path / "in" / "again" / arrived.name)
    (tmp_path / "in" / "bad.zip").write_bytes(b"")
    results = tmp_path / "out"
    done = bench_cli("gather", str(tmp_path / "in"), "--results", str(results))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [str(results / arrived.parent.name / arrived.name)] * 2
    said = done.stderr.splitlines()
    assert len(said) == 3
    assert "bad.zip: no archive" in done.stderr
    assert f"{results / arrived.parent.name / arrived.name}: the same run is already there" in done.stderr
    assert said[-1] == "bench gather: 3 runs: 1 new, 1 already there, 1 refused"


@pytest.mark.parametrize("words", [["nowhere"], [".", "--machine", "{x}"], [".", "--results", "/dev/null/x"], []])
def test_wrong_usage_is_one_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that is not there, a template or results that cannot be: status 2 and one line."""
    try:
        status = main(["gather", *(str(tmp_path) if word == "." else word for word in words)])
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    assert (status, said.out, said.err.count("\n")) == (2, "", 1)


def test_a_directory_without_runs_is_refused(tmp_path: Path) -> None:
    """An artifact in which nothing was measured is named."""
    (tmp_path / "empty").mkdir()
    (found,) = runs_in(tmp_path / "empty")
    assert found.problem.startswith("no run in it")
