"""Holds what the watcher does at the end of its controller: it ends the groups that are left, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.driver import watcher
from tests.engine import PATIENCE_S, needs_proc

pytestmark = needs_proc
FOR_EVER = float("inf")


def sleeper(*command: str) -> subprocess.Popen[bytes]:
    """A process that is the leader of a group of its own."""
    words = command or (sys.executable, "-S", "-c", "import time; time.sleep(1000)")
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE)


def watch(folder: Path) -> subprocess.Popen[bytes]:
    """A watcher as a run starts it."""
    command = [sys.executable, "-I", "-S", watcher.__file__, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def test_groups_that_are_left_are_killed_and_others_stay(tmp_path: Path) -> None:
    """At the end of its input the watcher kills what was told by `+` and not by `-`, and removes the directory."""
    (tmp_path / "own" / "pymp").mkdir(parents=True)
    with sleeper() as left, sleeper() as gone, watch(tmp_path / "own") as one:
        assert one.stdin is not None
        told = f"+{gone.pid}\n-{gone.pid}\n"
        one.stdin.write(f"{told}-{'0' * (4096 - len(told) - 4)}\n+{left.pid}\n".encode())  # a read ends behind the +
        one.communicate(timeout=PATIENCE_S)
        assert one.returncode == 0
        assert left.wait(PATIENCE_S) == -signal.SIGKILL
        assert gone.poll() is None
        gone.kill()
    assert os.listdir(tmp_path) == []


def test_signals_that_end_a_service_do_not_end_it_first(tmp_path: Path) -> None:
    """A watcher that listens ignores TERM, INT and HUP: what it waits for is the end of its controller."""
    with watch(tmp_path / "own") as one:
        while not _ignores(one.pid, signal.SIGHUP):  # the last that it is told to
            assert one.poll() is None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            one.send_signal(number)
        one.communicate(b"", PATIENCE_S)
        assert one.returncode == 0


def _ignores(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    ignored = next(line for line in status if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)


def test_a_number_that_belongs_to_others_by_now_is_left_alone() -> None:
    """A leader that started at another time is not the one that was told of."""
    with sleeper() as leader:
        start = watcher.start_of(leader.pid)
        assert start is not None
        assert watcher.is_still(leader.pid, start, FOR_EVER)
        assert not watcher.is_still(leader.pid, start + 1, FOR_EVER)
        assert not watcher.is_still(leader.pid, None, FOR_EVER)
        leader.kill()
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        assert watcher.members(leader.pid) == {}  # it ended, and is not reaped
    assert not watcher.is_still(leader.pid, start, FOR_EVER)
    assert watcher.start_of(leader.pid) is None


def test_a_group_without_its_leader_is_known_by_its_age() -> None:
    """What a leader left is of its group if it started before the controller ended."""
    with sleeper("/bin/sh", "-c", "sleep 1000 & echo $!") as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        leader.wait(PATIENCE_S)
        start = watcher.start_of(child)
        assert start is not None
        assert watcher.members(leader.pid) == {child: start}
        assert watcher.is_still(leader.pid, 1, start)
        assert not watcher.is_still(leader.pid, 1, start - 1)
        os.kill(child, signal.SIGKILL)


def test_a_process_in_a_session_of_its_own_is_known_by_its_environment(tmp_path: Path) -> None:
    """What has the TMPDIR of the run is ended with it, whatever its group; another one is left alone."""
    (tmp_path / "own").mkdir()
    environments = [{"TMPDIR": str(tmp_path / "own")}, {"TMPDIR": str(tmp_path)}]
    ours, other = (
        subprocess.Popen(["/bin/sleep", "1000"], env=environment, start_new_session=True)
        for environment in environments
    )
    with watch(tmp_path / "own") as one:
        one.communicate(b"", PATIENCE_S)
    assert ours.wait(PATIENCE_S) == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait(PATIENCE_S)


@pytest.mark.parametrize("told", [b"", b"+"])
def test_a_controller_that_tells_nothing_ends_it_at_once(tmp_path: Path, told: bytes) -> None:
    """An end of the input without a whole line is an end like any other."""
    with watch(tmp_path / "own") as one:
        one.communicate(told, PATIENCE_S)
        assert one.returncode == 0
