"""Reads how much memory this process and its subjects may still use."""

from __future__ import annotations

from pathlib import Path

from bench.machine import control_groups
from bench.machine.kernel_files import read_numbers


def available() -> int | None:
    """Bytes that are free for new processes: the machine's, or the control group's if that is less; None: unknown."""
    machine = read_numbers("/proc/meminfo").get("MemAvailable")
    sizes = [size for size in (machine, free_in_control_groups()) if size is not None]
    return min(sizes) if sizes else None


def free_in_control_groups(root: Path = control_groups.CGROUP, group: str | None = None) -> int | None:
    """Bytes that this process's control group, and those above it, still allow: the smallest; None: no limit.

    The kernel counts files in the page cache as used, but drops them at need. So files that were not used
    recently count as free here.
    """
    free_sizes = [
        max(0, limit - used + read_numbers(folder / "memory.stat").get(cache_name, 0))
        for limit_file, use_file, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        )
        for folder, limit, used in control_groups.limits_and_use("memory", limit_file, use_file, root, group)
    ]
    return min(free_sizes) if free_sizes else None
