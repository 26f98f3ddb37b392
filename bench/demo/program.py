"""Turns lines of input into forked children that say who they are: the first program with os.fork, made safe.

``python -m bench demo`` forks a child, reaps it, and forks another for each line read. With ``--without-exit``
it shows what comes of a child that forgets `os._exit`. Messages go out by `os.write`, past every buffer: a child
that ends by `os._exit` flushes nothing, and text unflushed before a fork would be in both processes.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NoReturn

from bench.demo.stop_signals import Stopped, default_signals, listening, stoppable

TURNS = 3  # forks in the loop of --without-exit: never more than 2**TURNS processes
DEADLINE_S = 10.0  # for all of them together; they need some milliseconds
LONGEST_LINE = 1 << 16  # bytes, so that input without a line end cannot fill the memory
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

FORGOTTEN = (
    "for each came back from its work into the loop and forked as well: every turn doubled the processes. "
    "os._exit(0) at the end of the child's work prevents that."
)


class _CannotFork(Exception):
    """The operating system refused to make another process; the text says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the demo's options to `parser`."""
    parser.add_argument(
        "--without-exit",
        action="store_true",
        help=f"show what happens when the child forgets os._exit ({2**TURNS} processes at most, then it ends)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; return 0, 1 where something failed, 2 without os.fork, 128 + n when stopped by signal n."""
    if not hasattr(os, "fork"):
        _complain("this Python has no os.fork (Windows has none): run the demo on Linux, macOS or WSL")
        return 2
    if sys.stdout is None:  # and number 1 is free for the next file: it must not be mistaken for it
        _complain("standard output is closed: there is nowhere to write to")
        return 1
    try:
        sys.stdout.flush()  # or the children would have a copy of what is in the buffer
        with stoppable():
            return _without_exit() if args.without_exit else _with_exit()
    except Stopped as stop:
        _complain(f"stopped by {signal.Signals(stop.signum).name}; no child is left")
        return 128 + stop.signum
    except BrokenPipeError:
        return 0  # the reader has seen enough, as in `| head -1`
    except _CannotFork as refused:
        _complain(f"cannot fork ({refused}): end other processes, or raise `ulimit -u` or the memory limit")
    except OSError as error:
        _complain(
            f"cannot go on ({error.strerror or error}): standard input must be readable and standard output writable"
        )
    return 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo alone, as ``python -m bench.demo.program``."""
    parser = argparse.ArgumentParser(prog="python -m bench demo", description="Forking, shown by a program that forks.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def _with_exit() -> int:
    """The loop as it should be: one child a turn, each ended by `os._exit` and reaped; 1 if one failed."""
    if sys.stdin is not None and sys.stdin.isatty():
        _say("Enter forks another child, q and Enter stops.")
    forked = failed = 0
    while True:
        forked += 1
        failed += _fork_and_reap() != 0
        with listening():
            line = b"" if sys.stdin is None else sys.stdin.buffer.readline(LONGEST_LINE)
        if not line or line.strip() == b"q":
            break
    _say(f"parent: pid {os.getpid()} stops; children forked and reaped: {forked}, failed: {failed}")
    return 1 if failed else 0


def _fork_and_reap() -> int:
    """Fork one child that says who it is, wait for it and return its exit code (negative: a signal)."""
    pid = _fork()
    if pid == 0:
        _child()
    try:
        _say(f"parent: pid {os.getpid()}, my parent is {os.getppid()}, fork returned {pid}")
        with listening():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        with suppress(ChildProcessError):  # reaped above, as it should be
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    _say(f"parent: pid {os.getpid()} reaped {pid}, {_ending(code)}")
    return code


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        raise _CannotFork(error.strerror) from None


def _child() -> NoReturn:
    """Say who the child is and end it here: returning would take it into the parent's loop."""
    status = 1
    try:
        default_signals()
        _say(f"child:  pid {os.getpid()}, my parent is {os.getppid()}, fork returned 0")
        status = 0
    except OSError:
        pass  # the status tells the parent
    finally:
        os._exit(status)


def _without_exit() -> int:
    """Let a bounded program forget `os._exit` in a process group of its own, and print the tree it grew into."""
    import ctypes  # not above: the command line's other commands need not wait for it

    with suppress(OSError, AttributeError):  # Linux: what we have to kill leaves its orphans to us, to reap
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    reader, writer = os.pipe()
    root = _fork()
    if root == 0:
        _forgetful(reader, writer)
    codes = {}
    try:
        with suppress(OSError):
            os.setpgid(root, root)  # here as well as in the child: whichever comes first
        os.close(writer)
        with listening():
            text, finished = _read_all(reader)
    finally:
        with suppress(OSError):  # no more than a formality, unless something went wrong
            os.killpg(root, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-root, 0)
                codes[pid] = os.waitstatus_to_exitcode(status)
    if not finished:
        _complain(f"not done after {DEADLINE_S:g} s: all of its processes were killed")
    return _report(root, codes.get(root, 1), [line.split() for line in text.splitlines()])


def _forgetful(reader: int, writer: int) -> NoReturn:
    """The loop with the mistake in it; its processes tell `writer` of births and deaths, or why they failed."""

    def tell(what: str, *numbers: int) -> None:
        os.write(writer, f"{what} {' '.join(map(str, numbers))}\n".encode())  # below PIPE_BUF: lines stay whole

    status = 1
    try:
        os.setpgid(0, 0)
        default_signals()
        os.close(reader)
        for turn in range(1, TURNS + 1):
            if _fork() == 0:
                # Its work is done, and here os._exit(0) is missing: the child goes on with the next turn.
                tell("born", os.getpid(), turn, os.getppid())
        status = 0
    except _CannotFork as refused:
        os.write(writer, f"refused {refused}\n".encode())
    finally:
        with suppress(OSError):  # no more children
            while True:
                pid, ended = os.wait()
                tell("reaped", pid, os.waitstatus_to_exitcode(ended))
        os._exit(status)


def _read_all(reader: int) -> tuple[str, bool]:
    """Read what the processes tell until the last one is gone (True) or the deadline has come (False)."""
    end = time.monotonic() + DEADLINE_S
    text = b""
    while select.select([reader], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return text.decode(), True
        text += part
    return text.decode(), False


def _report(root: int, code: int, told: list[list[str]]) -> int:
    """Print the tree that was `told` and what it teaches; 1 if it is not the tree that was to come."""
    born = {int(event[1]): (int(event[2]), int(event[3])) for event in told if event[0] == "born"}
    reaped = sum(event[0] == "reaped" and event[2] == "0" for event in told)
    _say(f"A loop of {TURNS} turns whose child forgets os._exit:")
    _say(f"pid {root} starts the loop")
    for depth, pid in _descend(root, born, 1):
        _say(f"{'  ' * depth}pid {pid} forked in turn {born[pid][0]}")
    _say(f"{len(born)} children instead of {TURNS}, {FORGOTTEN}")
    _say(f"{reaped} of {len(born)} reaped by their parents with exit status 0; the first process: {_ending(code)}")
    for refused in (" ".join(event[1:]) for event in told if event[0] == "refused"):
        raise _CannotFork(refused)
    return 0 if code == 0 and len(born) == reaped == 2**TURNS - 1 else 1


def _descend(parent: int, born: dict[int, tuple[int, int]], depth: int) -> Iterator[tuple[int, int]]:
    """Yield (depth, pid) of all descendants of `parent` in the order of turns; `born`: pid to (turn, parent)."""
    for pid in sorted((pid for pid in born if born[pid][1] == parent), key=born.__getitem__):
        yield depth, pid
        yield from _descend(pid, born, depth + 1)


def _say(text: str) -> None:
    """Write one line to standard output, at once and whole."""
    rest = (text + "\n").encode("ascii")
    with listening():
        while rest:
            rest = rest[os.write(1, rest) :]


def _complain(text: str) -> None:
    """Write one line to standard error, if there is one."""
    with suppress(OSError):
        if sys.stderr is not None:
            os.write(2, f"demo: {text}\n".encode("utf-8", "replace"))


def _ending(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"killed by signal {-code} ({signal.strsignal(-code)})"


if __name__ == "__main__":
    sys.exit(main())
