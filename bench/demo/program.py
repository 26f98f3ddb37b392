"""Turns lines of input into forked children that say who they are: the first program with os.fork, made safe.

``python -m bench demo`` forks a child, reaps it, and forks another for each line read. With ``--without-exit``
it shows what happens when a child forgets `os._exit`. Messages are written by `os.write`, without a buffer: a child
that ends by `os._exit` flushes nothing, and text that is in a buffer at the fork would be in both processes.
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
    """The operating system refused to create another process. The text says why."""


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
        _print_error("this Python has no os.fork (Windows has none): run the demo on Linux, macOS or WSL")
        return 2
    if sys.stdout is None:  # then the next opened file gets number 1, and must not be taken for standard output
        _print_error("standard output is closed: there is nowhere to write to")
        return 1
    try:
        sys.stdout.flush()  # otherwise the children would have a copy of the buffer
        with stoppable():
            return _without_exit() if args.without_exit else _with_exit()
    except Stopped as stop:
        _print_error(f"stopped by {signal.Signals(stop.signum).name}; no child is left")
        return 128 + stop.signum
    except BrokenPipeError:
        return 0  # the reader closed the pipe, as in `| head -1`
    except _CannotFork as refusal:
        _print_error(f"cannot fork ({refusal}): end other processes, or raise `ulimit -u` or the memory limit")
    except OSError as error:
        _print_error(
            f"cannot go on ({error.strerror or error}): standard input must be readable and standard output writable"
        )
    return 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo alone, as ``python -m bench.demo.program``."""
    parser = argparse.ArgumentParser(prog="python -m bench demo", description="Forking, shown by a program that forks.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def _with_exit() -> int:
    """The correct loop: one child a turn, ended by `os._exit` and reaped. Return 1 if a child failed, else 0."""
    if sys.stdin is not None and sys.stdin.isatty():
        _print_line("Enter forks another child, q and Enter stops.")
    forked = failed = 0
    while True:
        forked += 1
        failed += _fork_and_reap() != 0
        with listening():
            line = b"" if sys.stdin is None else sys.stdin.buffer.readline(LONGEST_LINE)
        if not line or line.strip() == b"q":
            break
    _print_line(f"parent: pid {os.getpid()} stops; children forked and reaped: {forked}, failed: {failed}")
    return 1 if failed else 0


def _fork_and_reap() -> int:
    """Fork one child that says who it is, wait for it and return its exit code (negative: a signal)."""
    pid = _fork()
    if pid == 0:
        _child()
    try:
        _print_line(f"parent: pid {os.getpid()}, my parent is {os.getppid()}, fork returned {pid}")
        with listening():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        with suppress(ChildProcessError):  # reaped above, as it should be
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    _print_line(f"parent: pid {os.getpid()} reaped {pid}, {_describe_end(code)}")
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
        _print_line(f"child:  pid {os.getpid()}, my parent is {os.getppid()}, fork returned 0")
        status = 0
    except OSError:
        pass  # the status tells the parent
    finally:
        os._exit(status)


def _without_exit() -> int:
    """Let a bounded program forget `os._exit` in a process group of its own, and print the tree it grew into."""
    import ctypes  # not at the top: other commands need not wait for it

    with suppress(
        OSError, AttributeError
    ):  # Linux: the orphans of killed processes become our children, so that we can reap them
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    reader, writer = os.pipe()
    root = _fork()
    if root == 0:
        _forgetful(reader, writer)
    codes = {}
    try:
        with suppress(OSError):
            os.setpgid(root, root)  # here and in the child: nobody knows which comes first
        os.close(writer)
        with listening():
            text, finished = _read_all(reader)
    finally:
        with suppress(OSError):  # all have ended by now, unless something went wrong
            os.killpg(root, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-root, 0)
                codes[pid] = os.waitstatus_to_exitcode(status)
    if not finished:
        _print_error(f"not done after {DEADLINE_S:g} s: all of its processes were killed")
    return _print_tree(root, codes.get(root, 1), [line.split() for line in text.splitlines()])


def _forgetful(reader: int, writer: int) -> NoReturn:
    """The loop with the mistake. Its processes write births, deaths and failures to the pipe `writer`."""

    def report(event: str, *numbers: int) -> None:
        os.write(writer, f"{event} {' '.join(map(str, numbers))}\n".encode())  # below PIPE_BUF: lines stay whole

    status = 1
    try:
        os.setpgid(0, 0)
        default_signals()
        os.close(reader)
        for turn in range(1, TURNS + 1):
            if _fork() == 0:
                # Its work is done, and here os._exit(0) is missing: the child goes on with the next turn.
                report("born", os.getpid(), turn, os.getppid())
        status = 0
    except _CannotFork as refusal:
        os.write(writer, f"refused {refusal}\n".encode())
    finally:
        with suppress(OSError):  # no more children
            while True:
                pid, wait_status = os.wait()
                report("reaped", pid, os.waitstatus_to_exitcode(wait_status))
        os._exit(status)


def _read_all(reader: int) -> tuple[str, bool]:
    """Read what the processes write, until the last one has ended (True) or the deadline has passed (False)."""
    end = time.monotonic() + DEADLINE_S
    text = b""
    while select.select([reader], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return text.decode(), True
        text += part
    return text.decode(), False


def _print_tree(root: int, code: int, events: list[list[str]]) -> int:
    """Print the tree of processes and its lesson. Return 1 if it is not the expected tree, else 0."""
    born = {int(event[1]): (int(event[2]), int(event[3])) for event in events if event[0] == "born"}
    reaped = sum(event[0] == "reaped" and event[2] == "0" for event in events)
    _print_line(f"A loop of {TURNS} turns whose child forgets os._exit:")
    _print_line(f"pid {root} starts the loop")
    for depth, pid in _descend(root, born, 1):
        _print_line(f"{'  ' * depth}pid {pid} forked in turn {born[pid][0]}")
    _print_line(f"{len(born)} children instead of {TURNS}, {FORGOTTEN}")
    _print_line(
        f"{reaped} of {len(born)} reaped by their parents with exit status 0; the first process: {_describe_end(code)}"
    )
    for reason in (" ".join(event[1:]) for event in events if event[0] == "refused"):
        raise _CannotFork(reason)
    return 0 if code == 0 and len(born) == reaped == 2**TURNS - 1 else 1


def _descend(parent: int, born: dict[int, tuple[int, int]], depth: int) -> Iterator[tuple[int, int]]:
    """Yield (depth, pid) of all descendants of `parent`, in the order of turns. `born` maps pid to (turn, parent)."""
    for pid in sorted((pid for pid in born if born[pid][1] == parent), key=born.__getitem__):
        yield depth, pid
        yield from _descend(pid, born, depth + 1)


def _print_line(text: str) -> None:
    """Write one line to standard output, at once and whole."""
    unwritten = (text + "\n").encode("ascii")
    with listening():
        while unwritten:
            unwritten = unwritten[os.write(1, unwritten) :]


def _print_error(text: str) -> None:
    """Write one line to standard error, if there is one."""
    with suppress(OSError):
        if sys.stderr is not None:
            os.write(2, f"demo: {text}\n".encode("utf-8", "replace"))


def _describe_end(code: int) -> str:
    return f"exit status {code}" if code >= 0 else f"killed by signal {-code} ({signal.strsignal(-code)})"


if __name__ == "__main__":
    sys.exit(main())
