"""Turns the signals that stop a program into one exception, and holds them back where they would do harm.

For a program that forks: a signal between the fork and the line that notes the child's pid would leave the child
behind, and one that raises in the child there would run the parent's code a second time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# By name, for not every platform has all of them.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(BaseException):
    """The signal `signum` asked the program to stop; a BaseException, so that no handler of errors takes it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside the block the first of `SIGNALS` raises `Stopped` and the next are ignored; for the main thread."""

    def stop(signum: int, frame: FrameType | None) -> NoReturn:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # nothing may disturb the reaping
        raise Stopped(signum)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    before = {each: signal.getsignal(each) for each in SIGNALS}
    try:
        for each, handler in before.items():
            if handler is not signal.SIG_IGN:  # under nohup it stays ignored
                signal.signal(each, stop)
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold `SIGNALS` back until the end of the block, a fork and the noting of its result."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def default_signals() -> None:
    """In a forked child: let `SIGNALS` end it at once, as they end any program, held back or not until now."""
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
