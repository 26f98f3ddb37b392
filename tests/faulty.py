"""Mechanisms and scenarios that go wrong, each in its own way; they run inside real subjects, for tests only.

A subject finds this module by `Options.module_path`. It therefore keeps to the standard library.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], tuple[int, int, int]]
Make = Callable[[Any], Call]

NOBODY = 65534
"""A user without rights and, but for what a test starts, without processes."""

ALL: dict[str, Make] = {}
"""Every faulty mechanism by name."""


def faulty(make: Make) -> Make:
    """Give a mechanism what `build` looks at, and list it."""
    make.native = False  # type: ignore[attr-defined]
    ALL[make.__name__] = make
    return make


def child(work: Callable[[], None]) -> Call:
    """Return ``call()`` that forks a child for `work`, waits for it, and tells the exit status as it should."""

    def call() -> tuple[int, int, int]:
        pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os._exit(99)
        called = time.perf_counter_ns()
        status = os.waitpid(pid, 0)[1]
        return called, 0, -(status & 0x7F) if status & 0x7F else status >> 8

    return call


def os_fork(subject: Any) -> Call:
    """The real mechanism; a subject has its folder on the path."""
    from importlib import import_module

    made: Call = import_module("mechanisms.fork").os_fork(subject)
    return made


def wait_for_ever() -> None:
    """Ends by SIGKILL only."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    while True:
        signal.pause()


def marker() -> str:
    """The file that the test made known by naming its folder in `Options.module_path`."""
    return os.path.join(sys.path[-1] if not sys.path[-1].endswith("subject") else sys.path[-2], "marker")


@faulty
def good(subject: Any) -> Call:
    """A child that does all right, and writes where nobody must listen."""

    def work() -> None:
        os.write(1, b"mechanism 1\n{'error': 'from the child'}\n")
        os._exit(0)

    return child(work)


@faulty
def child_hangs(subject: Any) -> Call:
    """The child never ends."""
    return child(wait_for_ever)


@faulty
def child_stopped(subject: Any) -> Call:
    """The child is stopped, as by a terminal, and never goes on."""
    return child(lambda: os.kill(os.getpid(), signal.SIGSTOP))


@faulty
def family_hangs(subject: Any) -> Call:
    """The child and a grandchild never end."""

    def work() -> None:
        os.fork()
        wait_for_ever()

    return child(work)


@faulty
def parent_hangs(subject: Any) -> Call:
    """The subject itself never answers."""

    def call() -> tuple[int, int, int]:
        wait_for_ever()
        raise AssertionError

    return call


@faulty
def set_up_hangs(subject: Any) -> Call:
    """The subject never gets ready."""
    wait_for_ever()
    raise AssertionError


@faulty
def set_up_fails(subject: Any) -> Call:
    """Cannot be made."""
    raise OSError(11, "no more of it,\nand that on two lines")


@faulty
def wrong_status(subject: Any) -> Call:
    """The child ends with exit status 3."""
    return child(lambda: os._exit(3))


@faulty
def killed_child(subject: Any) -> Call:
    """The child is ended by SIGKILL."""
    return child(lambda: os.kill(os.getpid(), signal.SIGKILL))


@faulty
def no_more_processes(subject: Any) -> Call:
    """The kernel refuses to make a child, since its user has as many as are allowed."""
    import resource

    call = os_fork(subject)
    if os.geteuid() == 0:  # whom no limit holds; from here on nothing may be loaded any more
        os.setuid(NOBODY)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return call


@faulty
def no_memory_for_a_copy(subject: Any) -> Call:
    """The kernel refuses to make a child, since a copy of one mapping is more than all memory.

    Each half is granted, and both become one mapping; none of it is ever touched. A fork asks for the whole: see
    `__vm_enough_memory` in the kernel's mm/util.c, with overcommit_memory 0.
    """
    import mmap

    part = os.sysconf("SC_PHYS_PAGES") // 4 * 3 * mmap.PAGESIZE
    subject.memory = [mmap.mmap(-1, part, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2)]
    return os_fork(subject)


@faulty
def memory_runs_out(subject: Any) -> Call:
    """The subject itself may have no more memory, and asks for it in a call."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    def call() -> tuple[int, int, int]:
        subject.memory = bytearray(1 << 30)
        raise AssertionError

    return call


@faulty
def subject_killed(subject: Any) -> Call:
    """The subject itself is ended by SIGKILL in a call, as the kernel does when memory is out."""

    def call() -> tuple[int, int, int]:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    return call


@faulty
def subject_exits(subject: Any) -> Call:
    """The subject itself ends with a status, after it said why."""

    def call() -> tuple[int, int, int]:
        os.write(2, b"Traceback\nMemoryError: out of it\n")
        os._exit(7)

    return call


@faulty
def subject_says_much(subject: Any) -> Call:
    """The subject itself ends after a line that is too long for a row, and not of any text."""

    def call() -> tuple[int, int, int]:
        os.write(2, b"first\n" + b"\xff" + b"y" * 299 + b"\n")
        os._exit(1)

    return call


@faulty
def leaves_behind(subject: Any) -> Call:
    """All is well, but for a child of the subject's set-up that nobody ends."""
    if os.fork() == 0:
        wait_for_ever()
    return good(subject)


@faulty
def ends_last(subject: Any) -> Call:
    """All is well, but the subject ends only when the process is gone, reaped too, whose id stands in the marker."""
    leave = os._exit

    def outlive(status: int) -> None:
        with open(marker()) as stream:
            other = int(stream.read())
        try:
            while True:
                os.kill(other, 0)
                time.sleep(0.001)
        except ProcessLookupError:
            leave(status)

    os._exit = outlive  # type: ignore[assignment]
    return good(subject)


def first_subject() -> bool:
    """Whether no subject asked before; a file in the path's folder tells, and now has one letter more."""
    first = not os.path.exists(marker())
    with open(marker(), "a") as stream:
        stream.write("x")
    return first


@faulty
def fails_later(subject: Any) -> Call:
    """Works in the first subject, the calibration's, and in no later one."""
    return good(subject) if first_subject() else wrong_status(subject)


@faulty
def fails_once(subject: Any) -> Call:
    """Fails in the second subject, that of the first round, and in no other."""
    seen = 0 if first_subject() else os.path.getsize(marker())
    return wrong_status(subject) if seen == 2 else good(subject)


@faulty
def hangs_later(subject: Any) -> Call:
    """As `fails_later`, but it hangs."""
    return good(subject) if first_subject() else child_hangs(subject)


@faulty
def set_up_hangs_later(subject: Any) -> Call:
    """As `fails_later`, but it never gets ready."""
    return good(subject) if first_subject() else set_up_hangs(subject)


def broken_scenario(subject: Any, level: str) -> None:
    """A scenario that does not reach its level."""
    raise RuntimeError(f"level {level} not reached")
