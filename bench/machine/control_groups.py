"""Reads the limits and the use of the control groups (cgroups) that this process is in, versions 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bench.machine.kernel_files import read_text

CGROUP = Path("/sys/fs/cgroup")
# Version 1 writes this for "no limit": the largest multiple of a page below 2**63.
_V1_UNLIMITED = 1 << 62


def folders(controller: str, group: str, root: Path) -> list[Path]:
    """Folders of this process's group and of all groups above it; in version 1 those of `controller`.

    `group` is the text of /proc/self/cgroup, a line ``number:controllers:path`` for each hierarchy.
    """
    base, path = root, ""
    for line in group.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group_path = rest.partition(":")
        if controller in controllers.split(","):
            base, path = root / controllers, group_path
            base = base if base.is_dir() else root / controller
            break
        if number == "0" and not path:
            path = group_path
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _smallest_limit(controller: str, names: tuple[str, ...], group: str, root: Path) -> int | None:
    """The smallest limit of this group and those above it. A container sees its own group as the root."""
    limits = [
        int(text)
        for folder in folders(controller, group, root)
        for name in names
        if (text := read_text(folder / name)).isdigit() and int(text) < _V1_UNLIMITED
    ]
    return min(limits) if limits else None


def _cpu_quota(group: str, root: Path) -> float | None:
    """CPUs that the quota allows: v2 ``cpu.max`` "quota period", v1 two files; None: no quota."""
    quotas: list[float] = []
    for folder in folders("cpu", group, root):
        quota, _, period = read_text(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = read_text(folder / "cpu.cfs_quota_us"), read_text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas) if quotas else None


def limits(root: Path = CGROUP, group: str | None = None) -> dict[str, float]:
    """``cpus`` (CPUs by quota), ``memory_bytes`` and ``pids``, each present only where it is limited."""
    group = read_text(Path("/proc/self/cgroup")) if group is None else group
    all_limits = {
        "cpus": _cpu_quota(group, root),
        "memory_bytes": _smallest_limit("memory", ("memory.max", "memory.limit_in_bytes"), group, root),
        "pids": _smallest_limit("pids", ("pids.max",), group, root),
    }
    return {name: value for name, value in all_limits.items() if value is not None}


def processes_left(root: Path = CGROUP, group: str | None = None) -> int | None:
    """Processes and threads that this process's groups may still start; None: not limited."""
    left = [limit - used for _, limit, used in limits_and_use("pids", "pids.max", "pids.current", root, group)]
    return min(left) if left else None


def limits_and_use(
    controller: str, limit_file: str, use_file: str, root: Path = CGROUP, group: str | None = None
) -> Iterator[tuple[Path, int, int]]:
    """Folder, limit and use of each limited group, from this process's own group upwards."""
    for folder in folders(controller, read_text(Path("/proc/self/cgroup")) if group is None else group, root):
        limit, used = read_text(folder / limit_file), read_text(folder / use_file)
        if limit.isdigit() and used.isdigit():
            yield folder, int(limit), int(used)


def throttling(root: Path = CGROUP, group: str | None = None) -> dict[str, int]:
    """``throttled_periods`` of this process's group since it was made, where a quota of CPU time counts them."""
    group = read_text(Path("/proc/self/cgroup")) if group is None else group
    for folder in folders("cpu", group, root):
        if match := re.search(r"^nr_throttled (\d+)$", read_text(folder / "cpu.stat"), re.MULTILINE):
            return {"throttled_periods": int(match[1])}
    return {}
