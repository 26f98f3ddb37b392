"""How the dose of a real process is read, and every pid that has none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from analysis.errors import LoadError
from analysis.predict.process import read_process
from bench.driver import dose
from tests.engine import needs_proc

pytestmark = needs_proc

_THREADED = (
    "import random, subprocess, threading\n"
    "for _ in range(3): threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
)
_STATUS = "Name:\tprogram\nState:\tS (sleeping)\nTgid:\t7\nVmSize:\t100 kB\nVmPTE:\t8 kB\nThreads:\t1\n"


def child(code: str = "") -> subprocess.Popen[str]:
    """A Python that has run `code` and waits for its input to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def plain() -> Iterator[subprocess.Popen[str]]:
    """A Python that has imported nothing."""
    with child() as process:
        yield process
        process.kill()


def test_a_real_process_has_the_dose_that_the_driver_reads(plain: subprocess.Popen[str]) -> None:
    """Read from outside, a waiting Python has what the driver of runs sees in it, and it goes on waiting."""
    found = read_process(str(plain.pid))
    assert found.dose == {key: value for key, value in asdict(dose.read(plain.pid)).items() if value is not None}
    assert found.dose["threads"] == 1
    assert found.is_python
    assert "threading" not in found.handlers
    assert plain.poll() is None


def test_mapped_files_and_threads_give_handlers_away() -> None:
    """A Python with threads and `random` has the handlers of both modules; its own table has them as amounts."""
    with child(_THREADED) as process:
        found = read_process(str(process.pid))
        process.kill()
    assert "threading" in found.handlers
    assert found.dose["threads"] == 4
    assert found.doses()["handlers_threading"].tolist() == [1.0]
    assert found.doses(frozenset())["handlers_threading"].tolist() == [0.0]


@pytest.mark.parametrize("pid", ["", "abc", "0", "-1", "1.5", "1e3", "99999999999", "١", "1\n", "../1"])
def test_what_is_no_number_of_a_process_is_refused(pid: str) -> None:
    """One line that says how to see the numbers; nothing outside of /proc is opened."""
    with pytest.raises(LoadError, match="not the number of a process") as caught:
        read_process(pid)
    assert "\n" not in str(caught.value)


def test_a_process_that_is_gone_is_said_to_be(plain: subprocess.Popen[str]) -> None:
    """After its end and its parent's wait there is no such process."""
    plain.kill()
    plain.wait()
    with pytest.raises(LoadError, match="no such process"):
        read_process(str(plain.pid))


def test_a_zombie_is_said_to_be_one() -> None:
    """A child that has ended and is not reaped has no memory, and cannot fork."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        with pytest.raises(LoadError, match="a zombie"):
            read_process(str(pid))
    finally:
        os.waitpid(pid, 0)


def proc_of(folder: Path, status: str = _STATUS, smaps: str = "") -> Path:
    """A /proc of one process, 7."""
    (folder / "self").mkdir()
    (folder / "7" / "fd").mkdir(parents=True)
    (folder / "7" / "status").write_text(status)
    (folder / "7" / "smaps").write_text(smaps)
    return folder


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("Name:\tkthreadd\nState:\tS (sleeping)\nKthread:\t1\nThreads:\t1\n", "a thread of the kernel"),
        ("Name:\tkswapd0\nState:\tS (sleeping)\nThreads:\t1\n", "a thread of the kernel"),
        (_STATUS.replace("Tgid:\t7", "Tgid:\t5"), "a thread of process 5"),
        (_STATUS, "no such process, or it has just ended"),  # its memory was gone when smaps was read
    ],
)
def test_what_has_no_memory_of_its_own_is_refused(tmp_path: Path, status: str, said: str) -> None:
    """Kernel threads, other threads of a process and one that ended meanwhile: a line each."""
    with pytest.raises(LoadError, match=said):
        read_process("7", proc_of(tmp_path, status))


def test_a_process_that_may_not_be_read_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's refusal becomes a line that says whose right it takes."""
    proc = proc_of(tmp_path)
    open_it = Path.open

    def refuse(path: Path, *words: object, **names: object) -> object:
        if path.name == "smaps":
            raise PermissionError(13, "Permission denied")
        return open_it(path, *words, **names)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LoadError, match="may not be read; run this as its user or as root"):
        read_process("7", proc)


def test_a_system_without_proc_is_refused(tmp_path: Path) -> None:
    """Where there is no /proc, the line says that this needs Linux."""
    with pytest.raises(LoadError, match="on Linux only"):
        read_process("7", tmp_path / "proc")
