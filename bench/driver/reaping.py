"""Tells how processes ended, and reaps what subjects leave in their process groups, so that none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bench.driver.polling import any_readable, readable
from bench.driver.watcher import strays


def ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process ended within `seconds`. It is not reaped here, where the system allows that.

    Once it is reaped, its process id may belong to another process at once, since thousands of processes start
    here. Whoever kills its process group afterwards must never hit another one.
    """
    if process.returncode is not None:
        return True
    # Popen.wait with a timeout polls, and sleeps up to 50 ms in between: too long for a round of many subjects.
    with suppress(AttributeError, OSError):  # Windows, macOS; an old kernel, a sandbox
        descriptor = os.pidfd_open(process.pid)
        try:
            return readable(descriptor, seconds)
        finally:
            os.close(descriptor)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def as_they_end(pids: Sequence[int], seconds: float) -> Iterator[int]:
    """Give children in the order in which they end; after `seconds`, or where that cannot be seen, those that are left.

    None is reaped here, and none may be before it is given.
    """
    give_up = time.monotonic() + seconds
    left = {}
    try:
        for pid in pids:
            with suppress(AttributeError, OSError):  # as in `ended_within`
                left[os.pidfd_open(pid)] = pid
        unseen = [pid for pid in pids if pid not in left.values()]
        while left and (ended := any_readable(left, give_up - time.monotonic())):
            for descriptor in ended:
                os.close(descriptor)
                yield left.pop(descriptor)
        yield from [*left.values(), *unseen]
    finally:
        for descriptor in left:
            os.close(descriptor)


def exit_code(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that has ended, or the negative number of the signal that ended it."""
    if process.returncode is None and hasattr(os, "waitid"):
        end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
    return process.wait()


def group_lives(group: int) -> bool:
    """Whether the group still has a process, after our own ended children in it are reaped."""
    reap_group(group)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def reap_group(group: int) -> None:
    """Reap every ended child of ours in this group; orphans are ours too (see `adopt_orphans`)."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_strays(folder: str) -> None:
    """End what users' programs moved to sessions of their own (Linux).

    Such a process is in no group of ours, but it has the environment of its subject: `folder`, which is of this run
    alone, is its TMPDIR.
    """
    for pid in strays(folder):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)  # an orphan is ours; another one is reaped by its parent


def adopt_orphans() -> None:
    """Make orphans of subjects children of this process, so that it can reap them (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_child_subreaper = 36  # <linux/prctl.h>
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def children() -> list[int]:
    """Process ids of this process's children, ended ones that nobody reaped included (Linux with /proc; else none)."""
    tasks = "/proc/self/task"
    if sys.platform != "linux" or not os.path.isdir(tasks):
        return []
    found: list[int] = []
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/children", encoding="ascii") as stream:
                found += [int(word) for word in stream.read().split()]
        except OSError:
            continue
    return found
