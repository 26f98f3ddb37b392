"""Turns the signals that stop a program into one exception, raised only where no process can be left behind.

This is for a program that forks. A signal between the fork and the line that stores the child's pid would leave the
child behind. A signal during the reaping would leave a zombie. An exception in the child would run the parent's code
a second time. So the signals are blocked, except around calls that may block: these are `listening`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# By name, since not every platform has all of them.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


# Python checks for signals before a system call. A signal between the check and a call that blocks would be seen
# only when the call returns by itself. A timer interrupts the call, and Python checks again.
CHECK_AGAIN_S = 0.1


class Stopped(BaseException):
    """The signal `signum` asked the program to stop. It is a BaseException, so that no error handler catches it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Block `SIGNALS` inside the block. The first one raises `Stopped` in `listening` or at the end of the block.

    Only the main thread can use it. Ignored signals stay ignored. Signals after the first one are ignored. At the
    end the handlers and the mask are as before.
    """
    stopped = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            raise Stopped(signum)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, stop)
        try:
            with _interrupted():
                yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # `stop` still handles the signals that are pending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _interrupted() -> Iterator[None]:
    """Interrupt blocking system calls every `CHECK_AGAIN_S` seconds; forked children inherit no timer."""
    before = signal.signal(signal.SIGALRM, lambda signum, frame: None)
    signal.setitimer(signal.ITIMER_REAL, CHECK_AGAIN_S, CHECK_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def listening() -> Iterator[None]:
    """Let `SIGNALS` through inside the block: around a call that may block, inside `stoppable`."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def default_signals() -> None:
    """In a forked child: let `SIGNALS` end it at once, as they end any program."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
