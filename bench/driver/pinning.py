"""Chooses one CPU for the subjects and another for the controller, where there are two."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.errors import UsageError


@dataclass(frozen=True)
class Pinning:
    """CPU numbers; None: not pinned. `allowed_cpus` are those that this process may use."""

    subject_cpu: int | None
    controller_cpu: int | None
    allowed_cpus: tuple[int, ...]
    can_pin: bool


def choose(cpu: str) -> Pinning:
    """Follow ``--cpu auto|none|N``. Raises `UsageError` for a CPU that may not be used."""
    can_pin = sys.platform != "win32" and hasattr(os, "sched_setaffinity")
    if not can_pin:
        if cpu.isdigit():
            raise UsageError(f"--cpu {cpu}: this system cannot pin a process to a CPU; use --cpu none")
        return Pinning(None, None, tuple(range(os.cpu_count() or 1)), False)
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    if cpu == "none":
        return Pinning(None, None, allowed, True)
    # The last CPU: the system's interrupts and services tend to be on the first.
    subject_cpu = allowed[-1] if cpu == "auto" else int(cpu)
    if subject_cpu not in allowed:
        names = ", ".join(map(str, allowed))
        raise UsageError(f"--cpu {subject_cpu}: this process may not use that CPU; use one of {names}")
    other_cpus = [number for number in allowed if number != subject_cpu]
    return Pinning(subject_cpu, other_cpus[0] if other_cpus else None, allowed, True)


def apply(pinning: Pinning) -> None:
    """Pin this process, the controller."""
    if pinning.controller_cpu is not None:
        os.sched_setaffinity(0, {pinning.controller_cpu})


def undo(pinning: Pinning) -> None:
    """Let this process run on all CPUs that it could use before."""
    if pinning.can_pin:
        os.sched_setaffinity(0, pinning.allowed_cpus)


@contextmanager
def inherited_affinity(cpus: Sequence[int]) -> Iterator[None]:
    """Let processes that start inside the block use all of `cpus`, though this process is pinned; empty: no change."""
    if not cpus:
        yield
        return
    own_cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own_cpus)
