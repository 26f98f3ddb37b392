"""Reads how much memory this process and its subjects may still take."""

from __future__ import annotations

from pathlib import Path


def available() -> int | None:
    """Bytes that are free for new processes: the machine's, or the control group's if that is less; None: unknown."""
    limits = [size for size in (_machine(), _group()) if size is not None]
    return min(limits) if limits else None


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _group() -> int | None:
    """What the memory limit of this process's control group (version 2, then 1) leaves."""
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            most = Path(limit).read_text(encoding="ascii").strip()
            return max(0, int(most) - int(Path(used).read_text(encoding="ascii"))) if most != "max" else None
        except (OSError, ValueError):
            continue
    return None
