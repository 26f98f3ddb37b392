"""Watches a process while it creates a child and says which system call family it used (Linux, ptrace)."""

from __future__ import annotations

import ctypes
import os
import platform
import select
import sys
import time
from collections.abc import Callable

# <linux/ptrace.h>
_CONT, _DETACH, _GET_EVENT_MESSAGE, _SEIZE, _INTERRUPT = 7, 17, 0x4201, 0x4206, 0x4207
_TRACE_FORK, _TRACE_VFORK, _TRACE_CLONE = 0x2, 0x4, 0x8
_EVENTS = {1: "fork", 2: "vfork", 3: "thread"}
_WALL = 0x40000000  # <linux/wait.h>: wait for threads and children of all kinds
_VFORK_CALL = {"x86_64": 58}  # number of the vfork system call; elsewhere the C library makes it of clone
_CLONE3_CALL = 435  # the same number everywhere
# Of what was seen, the path is the first of these: starting a process may also start threads.
_BY_WEIGHT = ("posix_spawn", "vfork", "fork", "thread")


def observe(pid: int, ask: Callable[[], None], answer: int, limit_s: float) -> str:
    """Have process `pid` do something and return how it created children: the path, as in cells.csv.

    `ask` sends the request; file descriptor `answer` becomes readable when it is done. ``none``: it
    created nothing itself. Empty: the kernel does not let this process watch (the request is made
    all the same), or the answer took longer than `limit_s`.
    """
    watch = _Watch(pid) if sys.platform == "linux" else None
    attached = watch is not None and watch.attach()
    ask()
    if watch is None or not attached:
        return ""
    limit = time.monotonic() + limit_s
    while not readable(answer, 0.0):
        if time.monotonic() > limit:
            watch.detach()
            return ""
        if not watch.serve():
            time.sleep(0.0002)
    watch.detach()
    return next((path for path in _BY_WEIGHT if path in watch.seen), "none")


def readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, or an end, within `seconds`; unlike select, beyond descriptor 1023 too."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class _Watch:
    """The tracer of one process; the children that it creates are let go at once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.seen: set[str] = set()
        self._children: set[int] = set()
        self._call = ctypes.CDLL(None, use_errno=True).ptrace
        self._call.restype = ctypes.c_long
        self._call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)

    def attach(self) -> bool:
        """Start to watch; False where this is not permitted."""
        return bool(self._call(_SEIZE, self.pid, 0, _TRACE_FORK | _TRACE_VFORK | _TRACE_CLONE) == 0)

    def serve(self) -> bool:
        """Note what stopped processes did and let them go on; return whether there were any."""
        served = self._serve_parent()
        for child in list(self._children):
            served = self._release(child) or served
        return served

    def detach(self) -> None:
        """Stop to watch; the process goes on."""
        self._call(_INTERRUPT, self.pid, 0, 0)
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and not self._ended():
            status = self._parent_stopped()
            if status is not None:
                signal = 0 if status >> 16 else os.WSTOPSIG(status)
                self._call(_DETACH, self.pid, 0, signal)
                break
            time.sleep(0.0002)
        while self._children and time.monotonic() < limit:
            for child in list(self._children):
                self._release(child)

    def _ended(self) -> bool:
        """Whether the watched process has ended; it is left to be reaped by the one who started it."""
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return found is not None and found.si_code != os.CLD_TRAPPED  # a tracer is told of stops unasked

    def _parent_stopped(self) -> int | None:
        """The wait status of the watched process if it stopped; its end is not taken."""
        try:
            stop = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:
            return None
        return None if stop is None else stop.si_status << 8 | 0x7F  # as waitpid puts it

    def _stopped(self, pid: int) -> int | None:
        """The wait status of a child if it stopped."""
        try:
            got, status = os.waitpid(pid, os.WNOHANG | _WALL)
        except ChildProcessError:
            self._children.discard(pid)
            return None
        if got == 0:
            return None
        if not os.WIFSTOPPED(status):  # it ended, and by this call it is reaped
            self._children.discard(pid)
            return None
        return status

    def _serve_parent(self) -> bool:
        status = self._parent_stopped()
        if status is None:
            return False
        event = status >> 16
        if event in _EVENTS:
            child = ctypes.c_ulong()
            self._call(_GET_EVENT_MESSAGE, self.pid, 0, ctypes.addressof(child))
            self._children.add(child.value)
            self.seen.add(_refine(_EVENTS[event], self.pid))
        self._call(_CONT, self.pid, 0, 0 if event else os.WSTOPSIG(status))
        return True

    def _release(self, child: int) -> bool:
        if self._stopped(child) is None:
            return False
        self._call(_DETACH, child, 0, 0)
        self._children.discard(child)
        return True


def _refine(path: str, pid: int) -> str:
    """Tell posix_spawn from vfork: the C library's posix_spawn gives the child a stack of its own.

    glibc (sysdeps/unix/sysv/linux/spawni.c) and musl (src/process/posix_spawn.c) call clone or clone3
    with CLONE_VM | CLONE_VFORK and a stack; vfork passes none.
    """
    if path != "vfork":
        return path
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as stream:
            words = stream.read().split()
        number, stack = int(words[0]), int(words[2], 16)
    except (OSError, ValueError, IndexError):
        return path
    if number == _VFORK_CALL.get(platform.machine()):
        return path
    return "posix_spawn" if number == _CLONE3_CALL or stack else path
