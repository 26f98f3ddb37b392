"""Moves the threads of a worker away from the CPU that is measured on, and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.fleet.host.identity import allowed_cpus

_ALL_CPUS = "_forkbench_all_cpus"


class Aside:
    """The threads of this process. `all_cpus` are those that they may use when none is moved aside."""

    def __init__(self) -> None:
        # This module is sent with every task, and has variables of its own in each: what all share is in `sys`.
        self.all_cpus: list[int] = getattr(sys, _ALL_CPUS, None) or allowed_cpus()
        self._moved: dict[int, set[int]] = {}

    def leave(self, cpu: int | None) -> None:
        """Let every thread run on the other CPUs alone, where there are any; None: nothing is measured yet."""
        others = set(self.all_cpus) - {cpu}
        if cpu is None or self._moved or not others or len(others) == len(self.all_cpus):
            return
        setattr(sys, _ALL_CPUS, self.all_cpus)
        for thread in _threads():
            with suppress(OSError):  # it has just ended
                before = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, before - {cpu} or others)
                self._moved[thread] = before

    def back(self) -> None:
        """Undo `leave`. Threads that began since have inherited the narrow set, and get all CPUs."""
        if not self._moved:
            return
        setattr(sys, _ALL_CPUS, None)
        for thread in _threads():
            with suppress(OSError):
                os.sched_setaffinity(thread, self._moved.get(thread, set(self.all_cpus)))
        self._moved.clear()


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
