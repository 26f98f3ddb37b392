"""Reads how much memory this process and its subjects may still take."""

from __future__ import annotations

from pathlib import Path

from bench.machine import virtualisation
from bench.machine.kernel_files import keyed


def available() -> int | None:
    """Bytes that are free for new processes: the machine's, or the control group's if that is less; None: unknown."""
    machine = keyed("/proc/meminfo").get("MemAvailable")
    limits = [size for size in (machine, group_room()) if size is not None]
    return min(limits) if limits else None


def group_room(root: Path = virtualisation.CGROUP, group: str | None = None) -> int | None:
    """What the tightest memory limit of this process's control group, or of one above it, leaves; None: no limit.

    Files in the page cache count as used there, but give way: those not used of late are free.
    """
    rooms = [
        max(0, limit - used + keyed(folder / "memory.stat").get(cache, 0))
        for most, now, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        )
        for folder, limit, used in virtualisation.limited("memory", most, now, root, group)
    ]
    return min(rooms) if rooms else None
