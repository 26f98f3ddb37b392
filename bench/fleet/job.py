"""Turns a job's directory on a host into a run that has ended: waits for the host, measures, ends a run nobody wants.

`bench.fleet.host` starts it as a process of its own, ``python -m bench.fleet.job DIRECTORY``, with the suite that was
sent. It outlives the worker that asked for it, and sleeps while the run lasts.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

STATE_BYTES = 4096
# Exit status of a second process for the same job (EX_TEMPFAIL of sysexits.h): the first one carries it out.
BUSY = 75
LOCK_VARIABLE = "FORKBENCH_HOST_LOCK"
"""Path of the file whose lock holds that a host measures one thing at a time."""
# The same for all users, containers that share it, and network namespaces.
_LOCK = "/tmp/forkbench-host.lock"
_LEASE_S = 30.0
# While another job measures here, each look at the lock is a disturbance of it.
_LOCK_POLL_S = 1.0
_RUN_POLL_S = 5.0
# A run that is interrupted ends its subjects and compresses nothing: tenths of a second.
_PATIENCE_S = 8.0
_MOST_TEXT = 1000
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+) *\\?$", re.MULTILINE)


class Ended(Exception):
    """The job ends before its run does. The text says why."""


class State:
    """What the job does now, in a file of a fixed size: it can be written where the disk has become full."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "state", os.O_RDWR | os.O_CREAT, 0o600)
        self._fields: dict[str, Any] = {}

    def say(self, **fields: Any) -> None:
        """Replace `fields`, and keep the others."""
        self._fields |= fields
        os.pwrite(self._file, json.dumps(self._fields).encode().ljust(STATE_BYTES), 0)


class Lease:
    """Whether somebody still waits for the job: who does touches a file. Its time is compared with itself alone.

    A signal to end is only noted, so that no moment is a bad one for it, and wakes what sleeps on `alarm`.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.seconds = seconds
        self._folder = folder
        self._seen = (0, time.monotonic())
        self._signalled = False
        self.alarm, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    def check(self) -> None:
        """Raises `Ended` where the job is to stop, or nobody has waited for it for so long."""
        if self._signalled or (self._folder / "stop").exists():
            raise Ended("stopped")
        with suppress(OSError):
            touched = (self._folder / "lease").stat().st_mtime_ns
            if touched != self._seen[0]:
                self._seen = (touched, time.monotonic())
        if time.monotonic() - self._seen[1] > self.seconds:
            raise Ended(f"nobody has waited for it for {self.seconds:g} s")


def main(folder: Path) -> int:
    """Carry the job out. Its end is in the state file; the exit status is `BUSY`, or 0."""
    running = os.open(folder / "running", os.O_RDWR | os.O_CREAT, 0o600)
    if not _locked(running, 0.5):
        return BUSY
    state = State(folder)
    state.say(state="starting", pid=os.getpid(), status=None, why="")
    began = time.monotonic()
    status, why = None, ""
    try:
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        lease = Lease(folder, job.get("lease_s", _LEASE_S))
        lease.check()
        if any((folder / "results").glob("*/*/run.json")):
            raise Ended("its processes were killed")
        if difference := _difference(job["python"]):
            raise Ended(difference)
        status, why = _carry_out(folder, job, lease, state, running)
    except Ended as ended:
        why = str(ended)
    except OSError as error:
        why = f"{error.filename or folder}: {error.strerror}; put that right on this host, and try again"
    state.say(state="ended", status=status, why=why[:_MOST_TEXT], seconds=time.monotonic() - began)
    return 0


def _carry_out(folder: Path, job: dict[str, Any], lease: Lease, state: State, running: int) -> tuple[int | None, str]:
    """The exit status of the run, and why it was ended; empty: it ended by itself."""
    host = _open_lock(os.environ.get(LOCK_VARIABLE, _LOCK))
    while not _locked(host, 0.0):
        state.say(state="waiting")
        lease.check()
        _any_readable(_LOCK_POLL_S, lease.alarm)
    lease.check()
    if job["cpus"]:
        os.sched_setaffinity(0, job["cpus"])  # the thread that started this process may have been moved aside
    command = [sys.executable, "-m", "bench", "run", *job["words"], "--results", str(folder / "results")]
    with open(folder / "messages", "ab") as messages, open(folder / "output", "ab") as output:
        # The run holds both locks too: if this process is killed, nobody starts another one beside it.
        run = subprocess.Popen(
            [*command, "--when-busy", "wait"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=messages,
            start_new_session=True,
            pass_fds=(host, running),
        )
    _make_room(job["cpus"])
    try:
        state.say(state="measuring", run=run.pid)
        while not _ends_within(run, min(_RUN_POLL_S, lease.seconds / 3), lease.alarm):
            lease.check()
        return run.wait(), ""
    except Ended as reason:
        return _end(run), str(reason)


def _end(run: subprocess.Popen[bytes]) -> int:
    """Interrupt the run, kill it where it does not end by that, and return its exit status."""
    # To the run SIGTERM is what SIGINT is, and it cannot have been inherited as ignored from a background shell.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(run.pid, number)
        if _ends_within(run, _PATIENCE_S):
            break
    return run.wait()


def _ends_within(run: subprocess.Popen[bytes], seconds: float, *alarm: int) -> bool:
    """Whether the run ends within `seconds`, or before an alarm.

    `Popen.wait` with a limit would look twenty times a second; this sleeps.
    """
    try:
        ends = os.pidfd_open(run.pid)
    except (AttributeError, OSError):  # not Linux
        _any_readable(min(seconds, 1.0), *alarm)
        return run.poll() is not None
    try:
        return ends in _any_readable(seconds, ends, *alarm)
    finally:
        os.close(ends)


def _any_readable(seconds: float, *files: int) -> list[int]:
    """Those of `files` that can be read, as soon as there is one, else none after `seconds`."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return [file for file, _ in poll.poll(seconds * 1000)]


def _make_room(cpus: list[int]) -> None:
    """Leave the last CPU, which subjects are pinned to by default, to them."""
    if len(cpus) > 1:
        os.sched_setaffinity(0, cpus[:-1])


def _difference(python: str) -> str:
    """How this interpreter and its packages differ from the suite's lock, in one line; empty: they do not."""
    if python != platform.python_version():
        return f"the suite was set up with Python {python}, and {sys.executable} is {platform.python_version()} now"
    for name, wanted in _PINNED.findall(Path("requirements.lock").read_text(encoding="utf-8")):
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != wanted:
            return f"{name} is {found} in {sys.prefix}, and {wanted} in the suite's lock; remove it there and try again"
    return ""


def _locked(file: int, seconds: float) -> bool:
    """Whether this process has the lock on `file` within `seconds`; somebody may just look whether it is held."""
    limit = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= limit:
                return False
            time.sleep(0.05)


def _open_lock(path: str) -> int:
    """The file at `path`, made for all users where it is not there; to lock it, reading is enough."""
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would hold it
        # Not O_CREAT alone: in /tmp the kernel may refuse it for another user's file (fs.protected_regular).
        with suppress(FileExistsError):
            file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            os.fchmod(file, 0o666)
            return file


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
