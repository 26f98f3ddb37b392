"""Turns known prices into a run: parents of every kind, whose forks cost just what the prices add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.fake_run import FakeCell, FakeRun

MIB = 1 << 20
# ns each; a page of 4 KiB, a huge page of 2 MiB.
CONTROL = {
    "constant": 30_000.0,
    "page": 40.0,
    "huge_page": 400.0,
    "mapping_private": 1_500.0,
    "mapping_other": 300.0,
    "page_table": 2_000.0,
    "file": 20.0,
}
SHARE = {"constant": 50_000.0, "thread": 700.0, "handlers_threading": 180_000.0}
BARE = {
    "rss_bytes": 10 * MIB,
    "copied_bytes": 3 * MIB,
    "copied_file_bytes": 0,
    "huge_bytes": 0,
    "swapped_bytes": 0,
    "pte_bytes": 64 << 10,
    "vmas": 45,
    "vmas_private": 20,
    "vmas_unforked": 0,
    "fds": 5,
    "threads": 1,
}


def amounts(dose: Mapping[str, int], threading: bool) -> dict[str, float]:
    """What a fork of a parent with this dose pays for, by the words of `CONTROL` and `SHARE`."""
    return {
        "constant": 1,
        "page": dose["copied_bytes"] / 4096,
        "huge_page": dose["huge_bytes"] / (2 * MIB),
        "mapping_private": dose["vmas_private"],
        "mapping_other": dose["vmas"] - dose["vmas_private"],
        "page_table": dose["pte_bytes"] / 4096 - dose["rss_bytes"] / (2 * MIB),
        "file": dose["fds"],
        "thread": dose["threads"] - 1,
        "handlers_threading": float(threading),
    }


def parent(scenario: str, level: str, **more: int) -> FakeCell:
    """A cell whose parent holds `more` than a bare one, memory in bytes; ``threading=1``: with its handlers."""
    dose = {name: size + more.get(name, 0) for name, size in BARE.items()}
    memory = more.get("copied_bytes", 0) + more.get("huge_bytes", 0)
    dose["rss_bytes"] += memory
    dose["pte_bytes"] += memory // 512
    paid = amounts(dose, bool(more.get("threading")))
    control, share = (sum(price * paid[key] for key, price in prices.items()) for prices in (CONTROL, SHARE))
    return FakeCell(
        total_ns=control + share, control_ns=control, scenario=scenario, level=level, doses=dose, calls=5, blocks=2
    )


def parents() -> list[FakeCell]:
    """A parent of each kind, the last three combined."""
    private = {"vmas": 1000, "vmas_private": 1000, "copied_bytes": 1000 * 4096}
    threads = {"threads": 64, "vmas": 128, "vmas_private": 64, "pte_bytes": 64 * 4096}
    return [
        parent("parent", "bare"),
        *(parent("rss", f"{size}MiB", copied_bytes=size * MIB) for size in (4, 16, 64, 256)),
        *(parent("thp", f"{size}MiB", huge_bytes=size * MIB) for size in (64, 512)),
        *(parent("vmas", str(count), vmas=count) for count in (200, 1000, 4000)),
        parent("vmas_private", "200", vmas=200, vmas_private=200, copied_bytes=200 * 4096),
        parent("vmas_private", "1000", **private),
        *(parent("fds", str(count), fds=count) for count in (100, 1000)),
        parent("threads", "8", threads=8, vmas=16, vmas_private=8, pte_bytes=8 * 4096),
        parent("threads", "64", **threads),
        parent("imports", "subprocess", threading=1, vmas=20, vmas_private=8),
        parent("imports", "threading", threading=1),
        parent("rss+threads", "64MiB+64", **threads | {"copied_bytes": 64 * MIB}),
        parent("rss+vmas", "16MiB+1000", copied_bytes=16 * MIB, vmas=1000),
        parent("imports+rss", "threading+64MiB", threading=1, copied_bytes=64 * MIB),
    ]


def run_of(cells: Sequence[FakeCell] | None = None, **changes: object) -> FakeRun:
    """A run of `parents`, or of other cells."""
    return replace(FakeRun(parents() if cells is None else cells), **changes)  # type: ignore[arg-type]
