"""Moves the threads of a worker away from the CPU that is measured on, and back when nobody measures any more."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bench.fleet.host.identity import allowed_cpus


@dataclass
class _Shared:
    """What all tasks of this process know: how many have moved its threads, and where these were before."""

    all_cpus: list[int]
    lock: threading.Lock = field(default_factory=threading.Lock)
    movers: int = 0
    before: dict[int, set[int]] = field(default_factory=dict)


class Aside:
    """The threads of this process. `all_cpus` are those that they may use when none is moved aside."""

    def __init__(self) -> None:
        # This module is sent with every task, and has variables of its own in each: what all share is in `sys`.
        self._shared: _Shared = vars(sys).setdefault("_forkbench_aside", _Shared(allowed_cpus()))
        self._moved = False

    @property
    def all_cpus(self) -> list[int]:
        """The CPUs of a process that is not to be aside."""
        with self._shared.lock:
            return self._shared.all_cpus if self._shared.movers else allowed_cpus()

    def leave(self, cpu: int | None) -> None:
        """Let every thread run on the other CPUs alone, where there are any; None: nothing is measured yet."""
        shared = self._shared
        if self._moved or cpu is None or not _threads():
            return
        with shared.lock:
            if not shared.movers:
                shared.all_cpus = allowed_cpus()
                others = set(shared.all_cpus) - {cpu}
                if not others or len(others) == len(shared.all_cpus):
                    return
                for thread in _threads():
                    with suppress(OSError):  # it has just ended
                        shared.before[thread] = os.sched_getaffinity(thread)
                        os.sched_setaffinity(thread, shared.before[thread] - {cpu} or others)
            shared.movers += 1
            self._moved = True

    def back(self) -> None:
        """Undo `leave`. Threads that began since have inherited the narrow set, and get all CPUs."""
        shared = self._shared
        with shared.lock:
            shared.movers -= self._moved
            if self._moved and not shared.movers:
                for thread in _threads():
                    with suppress(OSError):
                        os.sched_setaffinity(thread, shared.before.get(thread, set(shared.all_cpus)))
                shared.before.clear()
            self._moved = False


@contextmanager
def aside() -> Iterator[Aside]:
    """Threads that are moved inside the block are back after it."""
    threads = Aside()
    try:
        yield threads
    finally:
        threads.back()


def _threads() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:  # not Linux
        return []
