"""Turns links, full disks and special files in the place of derived files into one line, and into nothing else."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest

from analysis.__main__ import main
from analysis.errors import LoadError
from analysis.write_file import make_folder, write_file
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run
from tests.few_figures import few_figures

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small run of its own."""
    return write_run(tmp_path / "results", FakeRun((FakeCell(calls=8, blocks=2),), rounds=8, noise=QUIET))


@pytest.fixture
def analysis(capsys: pytest.CaptureFixture[str]) -> Command:
    """Carries out a command with reports of one figure; gives its exit status and standard error."""

    def carry_out(*arguments: object) -> tuple[int, str]:
        with few_figures("mechanisms"):
            status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr().err

    return carry_out


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 100 bytes: a write ends in an error, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with patch.object(sys, "dont_write_bytecode", True):  # of a module that is loaded now it would be a part only
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Text and bytes take the place of what was there, with the usual mode, and nothing is left beside."""
    for content in ("a\n", b"\0\xff", ""):
        write_file(tmp_path / "x", content)
        assert (tmp_path / "x").read_bytes() == (content.encode() if isinstance(content, str) else content)
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o666 & ~mask
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_is_replaced_and_its_target_left(tmp_path: Path) -> None:
    """What a link in the place of the file leads to keeps its bytes, be the target there or not."""
    (tmp_path / "target").write_text("kept")
    for target in ("target", "nowhere"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(tmp_path / target)
        write_file(tmp_path / "link", "new")
        assert not (tmp_path / "link").is_symlink()
        assert (tmp_path / "link").read_text() == "new"
    assert (tmp_path / "target").read_text() == "kept"
    assert not (tmp_path / "nowhere").exists()


def test_nobody_can_lie_in_wait_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link under the very name that is written first is not followed."""
    (tmp_path / "target").write_text("kept")
    monkeypatch.setattr("secrets.token_hex", lambda _: "known")
    (tmp_path / ".known.new").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "x", "new")
    assert (tmp_path / "target").read_text() == "kept"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("link", [False, True])
def test_a_special_file_is_not_taken_away(link: bool, tmp_path: Path) -> None:
    """A FIFO, or a link to one as `/dev/stdout` may be, stays and is refused."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    with pytest.raises(OSError, match="not a regular file"):
        write_file(tmp_path / ("link" if link else "fifo"), "x")
    assert (tmp_path / "fifo").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_directory_in_the_place_is_left(tmp_path: Path) -> None:
    """A directory is not replaced, and what was written beside it is taken away."""
    (tmp_path / "x").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path / "x", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_is_made_once_and_never_through_a_link(tmp_path: Path) -> None:
    """A folder may be there; a link, even to a folder, and a file are refused."""
    make_folder(tmp_path / "new")
    make_folder(tmp_path / "new")
    (tmp_path / "link").symlink_to("new")
    with pytest.raises(LoadError, match=r"link: is a symbolic link, .*; remove the link$"):
        make_folder(tmp_path / "link")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "file")


def test_derived_files_that_are_links_lead_nowhere(run: Path, tmp_path: Path, analysis: Command) -> None:
    """`report` replaces links in the place of each of its files; what they lead to keeps its bytes."""
    assert analysis("report", run) == (0, "")
    made = [path for path in run.rglob("*") if path.name in ("summary.csv", "pyperf.json.gz") or "report" in path.parts]
    made = [path for path in made if path.is_file()]
    assert len(made) == 6
    text = [path for path in made if path.name in ("summary.csv", "pyperf.json.gz", "report.md")]
    contents = {path: path.read_bytes() for path in text}
    target = tmp_path / "target"
    target.write_text("kept")
    for path in made:
        path.unlink()
        path.symlink_to(target)
    assert analysis("report", run) == (0, "")
    assert target.read_text() == "kept"
    assert not any(path.is_symlink() for path in made)
    assert {path: path.read_bytes() for path in text} == contents


def test_a_report_folder_that_is_a_link_is_refused(run: Path, tmp_path: Path, analysis: Command) -> None:
    """A `report` that leads elsewhere is one line with status 2, and nothing is written there."""
    (tmp_path / "elsewhere").mkdir()
    (run / "report").symlink_to(tmp_path / "elsewhere")
    status, said = analysis("report", run)
    assert (status, said.count("\n")) == (2, 1)
    assert f"{run / 'report'}: is a symbolic link" in said
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_full_disk_leaves_what_was_there(run: Path, tmp_path: Path, analysis: Command) -> None:
    """Each command on a full disk says in one line what it could not write, and leaves no file, whole or half."""
    before = sorted(run.rglob("*"))
    plot = ("compare", "--plot", tmp_path / "plot.svg", run, run)
    for command in (("report", run), ("export-pyperf", run), ("plot", "--out", tmp_path / "plots", run), plot):
        with full_disk():
            status, said = analysis(*command)
        assert (status, said.count("\n")) == (2, 1), said
        assert "cannot be written (File too large)" in said
        assert sorted(run.rglob("*")) == before
    with full_disk():
        status, said = analysis("summary", run)
    assert (status, said.count("\n")) == (1, 1)
    assert "summary.csv not written (File too large)" in said
    assert sorted(run.rglob("*")) == before
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and run not in path.parents]


def test_a_disk_that_is_full_keeps_the_last_summary(run: Path, analysis: Command) -> None:
    """The summary of before is there with every byte where a new one has no room."""
    assert analysis("summary", run) == (0, "")
    content = (run / "summary.csv").read_bytes()
    with full_disk():
        analysis("summary", run)
    assert (run / "summary.csv").read_bytes() == content


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="only root mounts a small disk")
def test_a_small_disk_that_is_full(run: Path, tmp_path: Path, analysis: Command) -> None:
    """A file system without a free page gives one line with its reason, and no file of 0 bytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        copy = shutil.copytree(run, disk / "run")
        with suppress(OSError), open(disk / "filler", "wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
        status, said = analysis("report", copy)
        assert (status, said.count("\n")) == (2, 1)
        assert "cannot be written (No space left on device)" in said
        assert not (copy / "summary.csv").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
