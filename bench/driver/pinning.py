"""Chooses which CPU the subjects run on and which the controller: never the same where there are two."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.errors import UsageError


@dataclass(frozen=True)
class Pinning:
    """CPU numbers, None: not pinned. `allowed` are the CPUs that this process may use."""

    subject: int | None
    controller: int | None
    allowed: tuple[int, ...]
    possible: bool


def choose(cpu: str) -> Pinning:
    """Follow ``--cpu auto|none|N``. Raises `UsageError` for a CPU that may not be used."""
    possible = sys.platform != "win32" and hasattr(os, "sched_setaffinity")
    if not possible:
        if cpu.isdigit():
            raise UsageError(f"--cpu {cpu}: this system cannot pin a process to a CPU; use --cpu none")
        return Pinning(None, None, tuple(range(os.cpu_count() or 1)), False)
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    if cpu == "none":
        return Pinning(None, None, allowed, True)
    # The last one: interrupts and services of the system tend to be on the first.
    subject = allowed[-1] if cpu == "auto" else int(cpu)
    if subject not in allowed:
        raise UsageError(f"--cpu {subject}: may not be used by this process; there is {', '.join(map(str, allowed))}")
    others = [one for one in allowed if one != subject]
    return Pinning(subject, others[0] if others else None, allowed, True)


def apply(pinning: Pinning) -> None:
    """Pin this process, the controller."""
    if pinning.controller is not None:
        os.sched_setaffinity(0, {pinning.controller})


def undo(pinning: Pinning) -> None:
    """Let this process run on all CPUs that it could use before."""
    if pinning.possible:
        os.sched_setaffinity(0, pinning.allowed)


@contextmanager
def spread(cpus: Sequence[int]) -> Iterator[None]:
    """Let what is started meanwhile run on all of `cpus`, whatever this process is pinned to; empty: no change."""
    if not cpus:
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
