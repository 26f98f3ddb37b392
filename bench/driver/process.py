"""Starts, asks and stops one subject: every request has a deadline, and nothing is left behind."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bench.block import Block, ImpossibleTime, Usage, block_of
from bench.driver import pinning, syscall_path
from bench.driver.guard import GUARD
from bench.driver.launch import Settings, environment
from bench.driver.polling import any_readable, readable
from bench.driver.reaping import ended_within, exit_code, group_lives

# Anything that works has answered long before. A subject that takes longer is ended.
SET_UP_DEADLINE_S = 120.0
BLOCK_DEADLINE_S = 20.0
STOP_TIMEOUT_S = 5.0
# A user's program may have started what never ends: it is ended by force, and that is no fault of ours.
PROGRAM_STOP_TIMEOUT_S = 0.3
# The exit status of a subject whose program closed the pipes (`CLOSED` in bench/subject/own_code.py).
CLOSED_PIPES = 71

__all__ = ["BLOCK_DEADLINE_S", "SET_UP_DEADLINE_S", "Block", "Subject", "SubjectError", "Usage"]


class SubjectError(Exception):
    """A subject failed, hung or ended. The text is one line."""


class Subject:
    """One measured process: it starts, gets `ready`, answers requests for blocks, and ends by `stop`.

    Use it in a ``with``.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            self._stderr = tempfile.TemporaryFile()
        except OSError as error:
            raise SubjectError(f"no temporary file for the subject's standard error ({error.strerror})") from None
        if changed := settings.changed():
            self._stderr.close()
            raise SubjectError(changed)
        self.started_ns = time.perf_counter_ns()
        try:
            with pinning.inherited_affinity(settings.allowed_cpus):
                self._process = subprocess.Popen(
                    settings.command(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._stderr,
                    env=environment(whole=settings.program),
                    bufsize=0,
                    start_new_session=True,
                )
        except OSError as error:
            self._stderr.close()
            raise SubjectError(f"{settings.python}: cannot be started ({error.strerror})") from None
        GUARD.began(self.pid)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._allowed_cpus = settings.allowed_cpus
        self._program = settings.program
        self.patience_s = PROGRAM_STOP_TIMEOUT_S if settings.program else STOP_TIMEOUT_S
        self._gone = False  # from then on its number may belong to another process
        self._unread = b""
        self._expires, self._overdue = 0.0, ""

    @property
    def pid(self) -> int:
        """The subject's process id, and that of its process group."""
        return self._process.pid

    @property
    def members(self) -> list[Subject]:
        """Itself: the subjects that it is made of (see `SubjectTeam`)."""
        return [self]

    def age_ns(self) -> int:
        """Nanoseconds since its start."""
        return time.perf_counter_ns() - self.started_ns

    def stage(self, deadline_s: float, look: Callable[[], None]) -> dict[str, int]:
        """Wait for the start or the end of its scenarios, `look` at it, and let it go on. Raises `SubjectError`.

        Return what it tells of its own state, by the columns of subjects.csv. The deadline counts from its start.
        """
        self._expect_set_up(deadline_s)
        told: dict[str, int] = self._answer()["doses"]
        look()
        self._send(b"\n")
        return told

    def ready(self, deadline_s: float) -> int:
        """Wait until it is set up, and return the number of modules that it has loaded. Raises `SubjectError`.

        The deadline counts from its start: many that start side by side take no longer than one where all of them hang.
        """
        self._expect_set_up(deadline_s)
        return int(self._answer()["modules"])

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """Have the subject make `calls` calls of `role`, and return them. Raises `SubjectError`."""
        self.ask(role, calls, deadline_s)
        return self.answer()

    def ask(self, role: str, calls: int, deadline_s: float, begin_ns: int = 0) -> None:
        """Ask for a block and do not wait; it begins at `begin_ns` of the clock, 0: at once. Raises `SubjectError`."""
        self._expect(deadline_s, f"a block of {calls} calls")
        self._request(role, calls, begin_ns)

    def answer(self) -> Block:
        """The block that was asked for. Raises `SubjectError`."""
        answer = self._answer()
        try:
            return block_of(answer, self._read(answer["bytes"]))
        except ImpossibleTime as error:
            raise SubjectError(str(error)) from None

    def observe_path(self, deadline_s: float) -> str:
        """Trace one call of the mechanism, and return its path as in cells.csv. Raises `SubjectError`."""
        self._expect(deadline_s, "a watched call")
        path = syscall_path.observe(self.pid, lambda: self._request("mechanism", 1), self._answers.fileno(), deadline_s)
        self._read(self._answer()["bytes"])
        return path

    def request_stop(self) -> None:
        """Ask it to end, and do not wait: many subjects can then end side by side, on all CPUs."""
        if self._gone:
            return
        with suppress(OSError):  # it may have ended
            if self._allowed_cpus:
                os.sched_setaffinity(self.pid, self._allowed_cpus)
        with suppress(OSError):
            self._requests.close()

    def stop(self, patience_s: float | None = None) -> bool:
        """End it and every process that it started, by force after so long; whether that took force it should not."""
        if self._gone:
            return False
        self.request_stop()
        ended = ended_within(self._process, self.patience_s if patience_s is None else patience_s)
        if ended:
            self._process.wait()
        forced = self._clear_group() or not ended
        self._process.wait()
        self._gone = True
        GUARD.ended(self.pid)
        self._answers.close()
        self._stderr.close()
        return forced and not self._program

    def kill(self) -> None:
        """End it and its whole process group at once."""
        if os.name != "posix":
            self._process.kill()
        elif not self._gone:
            with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
                os.killpg(self.pid, signal.SIGKILL)

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _clear_group(self) -> bool:
        """Give the rest of the process group a moment to end by itself. Then kill it, and reap our own children."""
        if os.name != "posix":
            if self._process.poll() is None:
                self._process.kill()
            return False
        give_up = time.monotonic() + self.patience_s
        while self._process.returncode is not None and group_lives(self.pid):
            if time.monotonic() > give_up:
                break
            time.sleep(0.002)
        else:
            if self._process.returncode is not None:
                return False
        self.kill()
        self._process.wait()
        give_up = time.monotonic() + STOP_TIMEOUT_S
        while (
            group_lives(self.pid) and time.monotonic() < give_up
        ):  # a process that waits for a device outlives even SIGKILL
            time.sleep(0.002)
        return True

    def _expect_set_up(self, deadline_s: float) -> None:
        """From now on, its set-up has to be done within `deadline_s` of its start."""
        hint = " (a program has to come to its end; let a thread do what goes on for ever)" if self._program else ""
        self._expect(deadline_s, "set-up", hint)
        self._expires -= self.age_ns() / 1e9

    def _expect(self, seconds: float, task: str, hint: str = "") -> None:
        """From now on, answers have to come within `seconds`. `task` is for the error's text.

        Each read looks at the clock before it blocks: a timer would need a thread of the controller for every request.
        """
        self._expires = time.monotonic() + seconds
        self._overdue = f"timed out: {task} took more than {seconds:g} s{hint}"

    def _request(self, role: str, calls: int, begin_ns: int = 0) -> None:
        self._send(f"{role} {calls}{f' {begin_ns}' if begin_ns else ''}\n".encode())

    def _send(self, request: bytes) -> None:
        try:
            self._requests.write(request)
        except OSError:
            self._answer()  # it may have said why
            raise SubjectError(self._ending()) from None

    def _answer(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            self._unread += self._receive()
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            answer: dict[str, Any] = ast.literal_eval(line.decode())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise SubjectError("what it answered is no answer: something else wrote to the suite's pipe") from None
        if "error" in answer:
            raise SubjectError(answer["error"])
        return answer

    def _read(self, size: int) -> bytes:
        parts, received = [self._unread], len(self._unread)
        while received < size:
            parts.append(self._receive())
            received += len(parts[-1])
        data = b"".join(parts)
        self._unread = data[size:]
        return data[:size]

    def _receive(self) -> bytes:
        if not self._answers_or_ends(self._expires - time.monotonic()):
            self.kill()
            raise SubjectError(self._overdue + (self._last_words() if self._program else ""))
        part = self._answers.read(1 << 16)
        if not part:
            raise SubjectError(self._ending())
        return part

    def _answers_or_ends(self, seconds: float) -> bool:
        """Wait for an answer; a program's child may hold the pipe open when the subject itself has ended."""
        if not self._program or not hasattr(os, "pidfd_open"):
            return readable(self._answers.fileno(), seconds)
        ends = os.pidfd_open(self.pid)
        try:
            found = any_readable([self._answers.fileno(), ends], seconds)
        finally:
            os.close(ends)
        if found == [ends]:
            raise SubjectError(self._ending())
        return bool(found)

    def _ending(self) -> str:
        """How the subject ended, with the last line that it wrote to its standard error."""
        if not ended_within(self._process, STOP_TIMEOUT_S):
            return "the subject closed its pipe"
        code = exit_code(self._process)
        ending = f"was ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
        if self._program and code == CLOSED_PIPES:
            ending = "closed file descriptors 62 and 63, which the suite needs"
        return f"the {'program' if self._program else 'subject'} {ending}{self._last_words()}"

    def _last_words(self) -> str:
        """The last line that it wrote to its standard error, behind a colon."""
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 2000))
        lines = self._stderr.read(2000).decode(errors="replace").strip().splitlines()
        return f": {lines[-1][:200]}" if lines else ""
