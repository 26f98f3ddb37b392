"""Reads what this machine allows a process to have, and says which level of a scenario goes beyond it, and why."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.machine import control_groups, memory
from bench.machine.kernel_files import read_number, read_numbers
from bench.plan.levels import Level

# The subjects that live at the same time may fill this share of the memory that is free.
MEMORY_SHARE = 0.25
# What a subject has beside its level: files, threads, mappings (an interpreter with numpy has some 300).
_OWN = {"files": 64, "threads": 16, "mappings": 1000, "arguments": 64 << 10}


@dataclass(frozen=True)
class Limit:
    """The most that one subject may have of a resource, and where that is set."""

    most: float
    source: str


@dataclass(frozen=True)
class Limits:
    """The limits by resource, the names in a scenario's ``takes``. A resource without one is not here."""

    by_resource: Mapping[str, Limit] = field(default_factory=dict)

    @property
    def memory_bytes(self) -> float:
        """What the subjects that live at the same time may fill together."""
        limit = self.by_resource.get("memory")
        return limit.most if limit else math.inf

    def problem(self, level: Level) -> str:
        """Why this level cannot be had here, with the limit's name; an empty string: it can."""
        for resource, amount in level.takes().items():
            limit = self.by_resource.get(resource)
            if limit and amount > limit.most:
                asked, most = (_shown(resource, number) for number in (amount, limit.most))
                if level.unit == "bytes":  # its name says what it takes
                    return f"{level.name}: at most {most} can be had here ({limit.source})"
                return f"{level.name} takes {asked}; at most {most} may be used ({limit.source})"
        return ""


def read() -> Limits:
    """The limits now. A subject's own needs are taken off."""
    found: dict[str, Limit] = {}

    def limit(resource: str, most: float | None, source: str) -> None:
        if most is None or most < 0 or math.isinf(most):
            return
        left = max(0.0, most - _OWN.get(resource, 0))
        if resource not in found or left < found[resource].most:
            found[resource] = Limit(left, source)

    free = memory.available()
    limit("memory", None if free is None else free * MEMORY_SHARE, f"{MEMORY_SHARE:.0%} of the free memory")
    limit("commit", _commit_bytes(), "vm.overcommit_memory")
    limit("mappings", read_number("/proc/sys/vm/max_map_count"), "vm.max_map_count")
    limit("files", _resource_limit("RLIMIT_NOFILE", hard=True), "RLIMIT_NOFILE")
    limit("files", read_number("/proc/sys/fs/nr_open"), "fs.nr_open")
    for most, source in _thread_limits():
        limit("threads", most, source)
    limit("arguments", _argument_bytes(), "SC_ARG_MAX")
    return Limits(found)


def _shown(resource: str, amount: float) -> str:
    if resource in ("memory", "commit", "arguments"):
        return f"{amount / (1 << 20):.4g} MiB" if amount < 10 << 30 else f"{amount / (1 << 30):.4g} GiB"
    return f"{amount:.0f} {resource}"


def _resource_limit(name: str, hard: bool) -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    number = getattr(resource, name, None)
    if number is None:
        return None
    value = resource.getrlimit(number)[hard]
    return None if value == resource.RLIM_INFINITY else float(value)


def _commit_bytes() -> float | None:
    """What a process may map and never write: all memory and swap, or less where the kernel is strict.

    vm.overcommit_memory 0 refuses one mapping that is larger than all memory and swap, 1 nothing, 2 what goes
    beyond CommitLimit (Linux, Documentation/mm/overcommit-accounting.rst).
    """
    mode, sizes = read_number("/proc/sys/vm/overcommit_memory"), read_numbers("/proc/meminfo")
    if mode == 0:
        return sizes.get("MemTotal", 0) + sizes.get("SwapTotal", 0) or None
    if mode == 2:
        # A fork doubles what is mapped.
        return max(0, sizes.get("CommitLimit", 0) - sizes.get("Committed_AS", 0)) / 2
    return None


def _thread_limits() -> list[tuple[float | None, str]]:
    """How many threads more this user and this control group may have. Root is free of RLIMIT_NPROC."""
    limits: list[tuple[float | None, str]] = [
        (read_number("/proc/sys/kernel/threads-max"), "kernel.threads-max"),
        (read_number("/proc/sys/kernel/pid_max"), "kernel.pid_max"),
    ]
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        limits.append((_resource_limit("RLIMIT_NPROC", hard=False), "RLIMIT_NPROC"))
    limits.append((control_groups.processes_left(), "pids.max of the control group"))
    return limits


def _argument_bytes() -> float | None:
    """What arguments and environment of a new program may take together (execve(2), limits on size)."""
    try:
        return float(os.sysconf("SC_ARG_MAX"))
    except (AttributeError, ValueError, OSError):
        return None
