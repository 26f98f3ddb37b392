"""Holds the temporary directory of a run, which goes whatever happens, and the watcher over its subjects."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.driver import guard, launch
from bench.driver.guard import GUARD, remove_abandoned
from bench.driver.process import Subject
from bench.errors import UsageError
from bench.schema import Role
from tests.engine import PATIENCE_S, needs_fork, needs_proc, settings, unchanged

pytestmark = needs_fork


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary files with a short name, which no test leaves anything in, nor a child or a descriptor."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with unchanged():
        yield folder
    left = list(folder.glob("fbtmp-*"))
    shutil.rmtree(folder)
    assert not left


def test_subjects_have_a_temporary_directory_that_goes_with_the_run(place: Path) -> None:
    """It is in the environment under a name of one length, and what a killed subject made in it goes too."""
    lengths = set()
    for _ in range(2):
        with GUARD.on_watch():
            folder = launch.environment()["TMPDIR"]
            assert Path(folder).parent == place
            lengths.add(len(folder))
            with Subject(settings("mp_forkserver")) as subject:
                subject.ready(PATIENCE_S)
                subject.kill()
            assert os.listdir(folder)
        assert os.listdir(place) == []
    assert lengths == {len(str(place)) + len("/fbtmp-12345678")}
    assert launch.environment().get("TMPDIR") == os.environ.get("TMPDIR")


def test_an_exception_leaves_no_temporary_directory(place: Path) -> None:
    """Whatever ends a run, the directory is removed."""
    with pytest.raises(KeyboardInterrupt):
        _interrupted()
    assert os.listdir(place) == []


def _interrupted() -> None:
    with GUARD.on_watch():
        Path(GUARD.folder, "file").touch()
        raise KeyboardInterrupt


def test_directories_of_killed_runs_are_removed_and_nothing_else(place: Path) -> None:
    """A run removes what has exactly this name, is a directory of this user, and is locked by no other run."""
    (place / "fbtmp-abandond" / "pymp").mkdir(parents=True)
    kept = [place / name for name in ("fbtmp-", "fbtmp-short", "fbtmp-longer_12", "xfbtmp-12345678", "fbtmp-ABCDEFGH")]
    for path in (*kept, place / "target", locked := place / "fbtmp-lockedxx"):
        path.mkdir()
    (place / "fbtmp-linklink").symlink_to("target")
    (place / "fbtmp-filefile").touch()
    foreign = place / "fbtmp-foreignx"
    if os.geteuid() == 0:
        foreign.mkdir()
        os.chown(foreign, 12345, 12345)
    lock = os.open(locked, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    before = set(os.listdir(place))
    remove_abandoned(place)
    assert before - set(os.listdir(place)) == {"fbtmp-abandond"}
    os.close(lock)
    for path in place.glob("fbtmp-*"):
        path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()


def test_a_run_leaves_the_directory_of_another_alone(place: Path) -> None:
    """The directory of a run that lasts is locked from its beginning, so that none that starts meanwhile removes it."""
    with GUARD.on_watch():
        remove_abandoned(place)
        assert os.listdir(place) == [Path(GUARD.folder).name]


def test_the_watcher_hears_of_each_subject_from_its_start_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is told when it starts, and taken back once it is gone and its number may be another's."""
    told: list[str] = []
    monkeypatch.setattr(GUARD, "_tell", told.append)
    with Subject(settings("noop")) as subject:
        assert told == [f"+{subject.pid}\n"]
    assert told == [f"+{subject.pid}\n", f"-{subject.pid}\n"]


@needs_proc
def test_the_watcher_is_of_a_session_of_its_own_and_ends_with_the_run() -> None:
    """No signal of the terminal reaches it, it runs where its controller does, and it is reaped."""
    with GUARD.on_watch():
        pid = GUARD.pid
        assert os.getsid(pid) == pid
        assert os.sched_getaffinity(pid) == os.sched_getaffinity(0)
    assert GUARD.pid == 0
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_goes_on_without_its_watcher(monkeypatch: pytest.MonkeyPatch, number: int, place: Path) -> None:
    """A watcher that somebody killed or stopped holds nothing up, however much it is told."""
    monkeypatch.setattr(guard, "_PATIENCE_S", 0.2)
    with GUARD.on_watch():
        os.kill(GUARD.pid, number)
        for _ in range(30_000):  # more than a pipe holds
            GUARD.ended(0)
        with Subject(settings("noop")) as subject:
            subject.ready(PATIENCE_S)
            assert subject.block(Role.MECHANISM, 3, PATIENCE_S).calls == 3
    assert os.listdir(place) == []


def test_a_run_that_cannot_be_watched_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Without another process, or a place for temporary files, the reason is told and nothing is left."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UsageError, match=r"^no process can be started \(No such file or directory\); "):
        with GUARD.on_watch():
            raise AssertionError
    assert os.listdir(place) == []
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(UsageError, match=r"^no temporary directory can be made \(No such file or directory\); "):
        with GUARD.on_watch():
            raise AssertionError
