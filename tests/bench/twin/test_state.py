"""Holds what is said of processes that cannot be read, and that one that can is read whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.twin.state import parse_pid, read_state
from tests.engine import needs_fork, needs_proc, status

KERNEL_THREAD = 2


@pytest.mark.parametrize("text", ["", "abc", "0", "-5", "1.5", "12x", "٣", "9" * 30])
def test_what_is_no_number_of_a_process_is_refused(text: str) -> None:
    """A pid is a whole number above 0, in plain digits, that the kernel could have given."""
    with pytest.raises(UsageError, match=r"^--pid .*: must be the number of a process, as `ps` prints it$"):
        parse_pid(text)
    assert parse_pid("1") == 1


@needs_fork
@needs_proc
def test_a_process_that_is_gone_or_ended_is_named() -> None:
    """A child that was not reaped has ended, and one that was is not there."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(UsageError, match=rf"^process {pid}: has ended"):
        read_state(pid)
    os.waitpid(pid, 0)
    with pytest.raises(UsageError, match=rf"^process {pid}: there is no such process$"):
        read_state(pid)


@needs_proc
def test_a_thread_of_the_kernel_has_no_memory() -> None:
    """Process 2, kthreadd, is named as the kernel's; a container may not show it."""
    try:
        name = Path(f"/proc/{KERNEL_THREAD}/comm").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        pytest.skip("no thread of the kernel is to be seen here")
    if name != "kthreadd":
        pytest.skip("process 2 is no thread of the kernel here")
    with pytest.raises(UsageError, match=r"^process 2: "):
        read_state(KERNEL_THREAD)


@needs_proc
def test_a_process_that_may_not_be_read_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's process: whoever asks must be that user, or root."""

    def refuse(*_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(UsageError, match=r"^process 1: may not be read; run this as its user, or as root$"):
        read_state(os.getpid() if not os.path.exists("/proc/1/smaps") else 1)


@needs_proc
def test_a_child_is_read_whole() -> None:
    """Its name, threads and files are those that it has; every mapping is there with its size."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"begun\n")
        assert child.stdout.readline() == b"begun\n"
        state = read_state(child.pid)
        assert state.name == "cat"
        assert state.dose.threads == 1
        assert state.dose.vmas == len(state.mappings) > 10
        assert sum(mapping.sizes["Size"] for mapping in state.mappings) == state.dose.virtual_bytes


@needs_proc
def test_the_command_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A user sees one line, and status 2."""
    assert status("twin", "--pid", "soon") == 2
    said = "bench twin: --pid soon: must be the number of a process, as `ps` prints it\n"
    assert capsys.readouterr() == ("", said)
    assert sys.platform != "linux" or status("twin", "--pid", str((1 << 22) + 7)) == 2
