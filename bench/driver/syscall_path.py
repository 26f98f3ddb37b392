"""Traces a process while it creates a child, and says which system call family it used (Linux, ptrace)."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import time
from collections.abc import Callable

from bench.driver.polling import readable

# <linux/ptrace.h>
_CONT, _DETACH, _GET_EVENT_MESSAGE, _SEIZE, _INTERRUPT = 7, 17, 0x4201, 0x4206, 0x4207
_TRACE_FORK, _TRACE_VFORK, _TRACE_CLONE = 0x2, 0x4, 0x8
_EVENTS = {1: "fork", 2: "vfork", 3: "thread"}
_WALL = 0x40000000  # <linux/wait.h>: wait for threads and children of all kinds
_VFORK_CALL = {"x86_64": 58}  # number of the vfork system call; elsewhere the C library makes it of clone
_CLONE3_CALL = 435  # the same number everywhere
# A call may create several kinds of children: starting a process may also start threads. The first of these counts.
_PRECEDENCE = ("posix_spawn", "vfork", "fork", "thread")


def observe(pid: int, send_request: Callable[[], None], answer_fd: int, deadline_s: float) -> str:
    """Have process `pid` carry out a request, and return how it created children: the path, as in cells.csv.

    `send_request` sends the request. File descriptor `answer_fd` becomes readable when it is done. ``none``: the
    process created no child itself. Empty: the kernel does not allow tracing (the request is sent all the
    same), or the answer took longer than `deadline_s`.
    """
    tracer = _Tracer(pid) if sys.platform == "linux" else None
    attached = tracer is not None and tracer.attach()
    send_request()
    if tracer is None or not attached:
        return ""
    give_up = time.monotonic() + deadline_s
    while not readable(answer_fd, 0.0):
        if time.monotonic() > give_up:
            tracer.detach()
            return ""
        if not tracer.serve():
            time.sleep(0.0002)
    tracer.detach()
    return next((path for path in _PRECEDENCE if path in tracer.paths), "none")


class _Tracer:
    """The tracer of one process. It detaches from the children of that process at once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.paths: set[str] = set()
        self._children: set[int] = set()
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.restype = ctypes.c_long
        self._ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)

    def attach(self) -> bool:
        """Begin to trace; False where this is not permitted."""
        return bool(self._ptrace(_SEIZE, self.pid, 0, _TRACE_FORK | _TRACE_VFORK | _TRACE_CLONE) == 0)

    def serve(self) -> bool:
        """Note what stopped processes did, and let them go on. Return whether there were any."""
        served = self._serve_parent()
        for child in list(self._children):
            served = self._release(child) or served
        return served

    def detach(self) -> None:
        """End the tracing; the process goes on."""
        self._ptrace(_INTERRUPT, self.pid, 0, 0)
        give_up = time.monotonic() + 1.0
        while time.monotonic() < give_up and not self._ended():
            status = self._parent_stopped()
            if status is not None:
                signal = 0 if status >> 16 else os.WSTOPSIG(status)
                self._ptrace(_DETACH, self.pid, 0, signal)
                break
            time.sleep(0.0002)
        while self._children and time.monotonic() < give_up:
            for child in list(self._children):
                self._release(child)

    def _ended(self) -> bool:
        """Whether the traced process has ended. It is not reaped here: the code that started it does that."""
        try:
            event = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return event is not None and event.si_code != os.CLD_TRAPPED  # a tracer hears of stops, too

    def _parent_stopped(self) -> int | None:
        """The wait status of the traced process if it stopped. If it ended, it is not reaped."""
        try:
            stop = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:
            return None
        return None if stop is None else stop.si_status << 8 | 0x7F  # the form that waitpid gives

    def _stopped(self, pid: int) -> int | None:
        """The wait status of a child if it stopped."""
        try:
            stopped_pid, status = os.waitpid(pid, os.WNOHANG | _WALL)
        except ChildProcessError:
            self._children.discard(pid)
            return None
        if stopped_pid == 0:
            return None
        if not os.WIFSTOPPED(status):  # it ended, and this call reaped it
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
            self._ptrace(_GET_EVENT_MESSAGE, self.pid, 0, ctypes.addressof(child))
            self._children.add(child.value)
            self.paths.add(_refine(_EVENTS[event], self.pid))
        self._ptrace(_CONT, self.pid, 0, 0 if event else os.WSTOPSIG(status))
        return True

    def _release(self, child: int) -> bool:
        if self._stopped(child) is None:
            return False
        self._ptrace(_DETACH, child, 0, 0)
        self._children.discard(child)
        return True


def _refine(path: str, pid: int) -> str:
    """Tell posix_spawn from vfork: only posix_spawn of the C library gives the child a stack of its own.

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
