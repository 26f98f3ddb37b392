"""Turns the signals that stop a program into one exception, raised only where nothing can be left behind.

For a program that forks: a signal between the fork and the line that notes the child's pid would leave the child
behind, one during the reaping a zombie, and one that raises in the child would run the parent's code a second time.
So the signals are held back, but for the places that say they are `listening`: the calls that may block.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# By name, for not every platform has all of them.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


# Python looks for signals before a system call: one that comes between the look and a call that blocks would be seen
# only when the call returns by itself. A timer interrupts the call, and Python looks again.
LOOK_AGAIN_S = 0.1


class Stopped(BaseException):
    """The signal `signum` asked the program to stop; a BaseException, so that no handler of errors takes it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Hold `SIGNALS` back inside the block; the first one raises `Stopped` in `listening` or at the end.

    For the main thread. Ignored signals stay ignored, later ones are ignored, and at the end all is as before.
    """
    stopped = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            raise Stopped(signum)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    before = {each: signal.getsignal(each) for each in SIGNALS}
    try:
        for each, handler in before.items():
            if handler is not signal.SIG_IGN:  # as under nohup
                signal.signal(each, stop)
        try:
            with _interrupted():
                yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # with `stop` still there for those that wait
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _interrupted() -> Iterator[None]:
    """Interrupt blocking system calls every `LOOK_AGAIN_S` seconds; forked children inherit no timer."""
    before = signal.signal(signal.SIGALRM, lambda signum, frame: None)
    signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN_S, LOOK_AGAIN_S)
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
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
