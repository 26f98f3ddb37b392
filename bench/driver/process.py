"""Starts, asks and stops one subject: every request has a deadline, and nothing is left behind."""

from __future__ import annotations

import array
import ast
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.driver import path_seen, pinning
from bench.driver.reaping import group_lives

SUBJECT = Path(__file__).parent.parent / "subject"

# No site (its .pth files would be part of every figure) and no PYTHON* variables. Children that are
# started with `python -c` do load site: that is what they measure.
FLAGS = ("-E", "-s", "-S")

# Kept for the subject; all else of the environment would make its size, and so every exec, differ
# from machine to machine. The same idea as pyperf's workers.
ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT")

# Long after anything that works has answered; a subject that takes longer is ended.
SET_UP_DEADLINE_S = 120.0
BLOCK_DEADLINE_S = 20.0
STOP_TIMEOUT_S = 5.0


class SubjectError(Exception):
    """A subject failed, hung or ended; the text is one line."""


@dataclass(frozen=True)
class Settings:
    """What a subject is told at its start; `where`s are ``module:name`` as in `bench.plan.registry`.

    `cpu` is the one that it pins itself to once it is set up, `cpus` are all that it may start on. `padding`
    is the length of an argument that means nothing and shifts what lies in memory (see `Round`).
    """

    python: str
    mechanism: str
    beside: str = ""
    scenario: str = ""
    level: str = ""
    cpu: int | None = None
    cpus: tuple[int, ...] = ()
    true: str = ""
    control: str = ""
    path: str = ""
    padding: int = 0

    def command(self) -> list[str]:
        """The command line that starts the subject."""
        words = {
            "mechanism": self.mechanism,
            "beside": self.beside,
            "scenario": self.scenario,
            "level": self.level,
            "cpu": "" if self.cpu is None else str(self.cpu),
            "true": self.true,
            "control": self.control,
            "path": self.path,
            "padding": "x" * self.padding,
        }
        stub = str(SUBJECT / "__main__.py")
        return [self.python, *FLAGS, stub, *(f"{name}={value}" for name, value in words.items() if value)]


@dataclass(frozen=True)
class Block:
    """What one request brought: `stamps` holds total, call and ready of each call, in ns (ready 0: unknown)."""

    begin_ns: int
    end_ns: int
    usage: tuple[int, ...] | None
    stamps: array.array[int]

    @property
    def calls(self) -> int:
        """Number of calls."""
        return len(self.stamps) // 3


def environment() -> dict[str, str]:
    """The environment of every subject."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


class Subject:
    """One measured process. Start it, wait for `ready`, ask for blocks, `stop` it; use it in a ``with``."""

    def __init__(self, settings: Settings) -> None:
        try:
            self._errors = tempfile.TemporaryFile()
        except OSError as error:
            raise SubjectError(f"no temporary file for what it says ({error.strerror})") from None
        self.started_ns = time.perf_counter_ns()
        try:
            with pinning.spread(settings.cpus):
                self._process = subprocess.Popen(
                    settings.command(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=environment(),
                    bufsize=0,
                    start_new_session=True,
                )
        except OSError as error:
            self._errors.close()
            raise SubjectError(f"{settings.python}: cannot be started ({error.strerror})") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._cpus = settings.cpus
        self._left = b""
        self._timed_out = False

    @property
    def pid(self) -> int:
        """The subject's process id, and that of its process group."""
        return self._process.pid

    def age_ns(self) -> int:
        """Nanoseconds since it was started."""
        return time.perf_counter_ns() - self.started_ns

    def ready(self, deadline_s: float) -> int:
        """Wait until it is set up; return the number of modules it has loaded. Raises `SubjectError`."""
        with self._deadline(deadline_s, "set-up"):
            return int(self._answer()["modules"])

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """Have it make `calls` calls of `role`, and return them. Raises `SubjectError`."""
        with self._deadline(deadline_s, f"a block of {calls} calls"):
            self._request(role, calls)
            answer = self._answer()
            stamps = array.array("q", self._read(answer["bytes"]))
        before, after = answer["before"], answer["after"]
        usage = tuple(b - a for a, b in zip(before, after, strict=True)) if before else None
        return Block(answer["begin"], answer["end"], usage, stamps)

    def path(self, deadline_s: float) -> str:
        """Have it make one call of the mechanism and return the path seen, as in cells.csv. Raises `SubjectError`."""
        with self._deadline(deadline_s, "a watched call"):
            path = path_seen.observe(
                self.pid, lambda: self._request("mechanism", 1), self._answers.fileno(), deadline_s
            )
            self._read(self._answer()["bytes"])
        return path

    def request_stop(self) -> None:
        """Tell it to end, without waiting: many can end side by side, on all CPUs."""
        with suppress(OSError):  # it may have ended
            if self._cpus:
                os.sched_setaffinity(self.pid, self._cpus)
        try:
            self._requests.close()
        except OSError:
            pass

    def stop(self) -> bool:
        """End it and all that it started; return whether that took force."""
        self.request_stop()
        ended = self._wait(STOP_TIMEOUT_S)
        if ended:
            self._process.wait()
        forced = self._clear_group() or not ended
        self._process.wait()
        self._answers.close()
        self._errors.close()
        return forced

    def kill(self) -> None:
        """End it and its whole process group at once."""
        if os.name != "posix":
            self._process.kill()
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
            pass

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self, seconds: float) -> bool:
        """Whether it ended within `seconds`.

        It is reaped by `stop` alone, where the system allows that: a number that is free may be another's at
        once where thousands of processes are started, and a group that is killed must be this one's.
        """
        if self._process.returncode is not None:
            return True
        # Popen.wait with a timeout sleeps between its looks, up to 50 ms: too long for a round of many subjects.
        with suppress(AttributeError, OSError):  # Windows, macOS; an old kernel, a sandbox
            descriptor = os.pidfd_open(self.pid)
            try:
                return path_seen.readable(descriptor, seconds)
            finally:
                os.close(descriptor)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _exit_code(self) -> int:
        """The exit status of a subject that has ended, or the negative number of the signal that ended it."""
        if self._process.returncode is None and hasattr(os, "waitid"):
            end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            assert end is not None
            return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        return self._process.wait()

    def _clear_group(self) -> bool:
        """Give what is left of the process group a moment to end by itself, then kill it and reap what is ours."""
        if os.name != "posix":
            if self._process.poll() is None:
                self._process.kill()
            return False
        limit = time.monotonic() + STOP_TIMEOUT_S
        while self._process.returncode is not None and group_lives(self.pid):
            if time.monotonic() > limit:
                break
            time.sleep(0.002)
        else:
            if self._process.returncode is not None:
                return False
        self.kill()
        self._process.wait()
        limit = time.monotonic() + STOP_TIMEOUT_S
        while group_lives(self.pid) and time.monotonic() < limit:  # what waits for a device outlives even SIGKILL
            time.sleep(0.002)
        return True

    @contextmanager
    def _deadline(self, seconds: float, what: str) -> Iterator[None]:
        """Kill the subject when `seconds` have passed, which ends every read from it."""

        def expire() -> None:
            self._timed_out = True
            self.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        except SubjectError:
            if self._timed_out:
                raise SubjectError(f"timed out: {what} took more than {seconds:g} s") from None
            raise
        finally:
            timer.cancel()

    def _request(self, role: str, calls: int) -> None:
        try:
            self._requests.write(f"{role} {calls}\n".encode())
        except OSError:
            raise SubjectError(self._ending()) from None

    def _answer(self) -> dict[str, Any]:
        while b"\n" not in self._left:
            self._left += self._receive()
        line, _, self._left = self._left.partition(b"\n")
        answer: dict[str, Any] = ast.literal_eval(line.decode())
        if "error" in answer:
            raise SubjectError(answer["error"])
        return answer

    def _read(self, size: int) -> bytes:
        parts, have = [self._left], len(self._left)
        while have < size:
            parts.append(self._receive())
            have += len(parts[-1])
        data = b"".join(parts)
        self._left = data[size:]
        return data[:size]

    def _receive(self) -> bytes:
        part = self._answers.read(1 << 16)
        if not part:
            raise SubjectError(self._ending())
        return part

    def _ending(self) -> str:
        """How the subject came to its end, with the last line that it wrote to its standard error."""
        if not self._wait(STOP_TIMEOUT_S):
            return "the subject closed its pipe"
        code = self._exit_code()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"the subject {how}" + (f": {lines[-1][:200]}" if lines else "")
