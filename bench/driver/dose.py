"""Reads from /proc what a subject really is: its memory, page tables, mappings, descriptors, threads and CPUs."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Dose:
    """The columns of subjects.csv that come from /proc; None: it cannot be read here. Sizes in bytes."""

    rss_bytes: int | None = None
    pss_bytes: int | None = None
    private_bytes: int | None = None
    huge_bytes: int | None = None
    pte_bytes: int | None = None
    vmas: int | None = None
    fds: int | None = None
    threads: int | None = None
    cpus: int | None = None


def read(pid: int) -> Dose:
    """The dose of process `pid`. It is read from outside, so that reading does not change it."""
    rollup = _fields(f"/proc/{pid}/smaps_rollup")
    status = _fields(f"/proc/{pid}/status")

    def kib(fields: dict[str, str], *names: str) -> int | None:
        sizes = [int(fields[name].split()[0]) * 1024 for name in names if name in fields]
        return sum(sizes) if sizes else None

    threads = status.get("Threads")
    return Dose(
        rss_bytes=kib(rollup, "Rss"),
        pss_bytes=kib(rollup, "Pss"),
        private_bytes=kib(rollup, "Private_Clean", "Private_Dirty"),
        huge_bytes=kib(rollup, "AnonHugePages"),
        pte_bytes=kib(status, "VmPTE"),
        vmas=_count_lines(f"/proc/{pid}/maps"),
        fds=_count_entries(f"/proc/{pid}/fd"),
        threads=None if threads is None else int(threads),
        cpus=_count_in_ranges(status.get("Cpus_allowed_list", "")) or None,
    )


def _fields(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    except OSError:
        return {}


def _count_in_ranges(ranges: str) -> int:
    """How many numbers are in a list of ranges such as ``0-3,8``, as the kernel writes it."""
    ends = [part.split("-") for part in ranges.split(",") if part]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)


def _count_lines(path: str) -> int | None:
    try:
        with open(path, "rb") as lines:
            return sum(1 for _ in lines)
    except OSError:
        return None


def _count_entries(path: str) -> int | None:
    try:
        return len(os.listdir(path))
    except OSError:
        return None
