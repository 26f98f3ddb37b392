"""Turns the ways in which runs differ into fake runs, so that every reader can be tried on each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.fake_run import CELLS, QUIET, FakeCell, FakeRun

MIB = 1 << 20
PAGE_NS = 50.0
"""What a page of 4 KiB adds to a fork in `sized`; 262,144 of them are a GiB: 13.1 ms."""

SPAWN_NS = 1_120_000.0
"""What `subprocess_run` takes in `sized`: as long as a fork of a parent with 20,000 pages (78.125 MiB) more."""


def sized(python: str = "3.11.7") -> list[FakeCell]:
    """os_fork growing by `PAGE_NS` a page from 120 µs, and subprocess_run, which does not grow."""
    cells = []
    for level, more in (("bare", 0), ("64MiB", 64 * MIB), ("256MiB", 256 * MIB)):
        scenario = "rss" if more else "parent"
        cost = more / 4096 * PAGE_NS
        common = {
            "calls": 10,
            "blocks": 2,
            "scenario": scenario,
            "level": level,
            "unit": "bytes" if more else "",
            "memory": more,
        }
        fork = FakeCell(python=python, total_ns=120_000 + cost, control_ns=65_000 + cost)
        spawn = FakeCell(
            "subprocess_run", SPAWN_NS, 1e6, "exec", "native_spawn", python, path="vfork", ready_share=None
        )
        cells += [replace(fork, **common), replace(spawn, **common)]  # type: ignore[arg-type]
    return cells


def _without_control() -> FakeRun:
    cells = [replace(cell, control="") for cell in CELLS if cell.work != "control"]
    return FakeRun(cells, document={"control": {"available": False, "reason": "no C compiler was found"}})


def _imported() -> FakeRun:
    cells = [
        FakeCell(name, cost, 0, "imported", "", scenario="pyperf", level=level, path="", calls=3, blocks=1)
        for name, cost, level in (("json_loads", 31_000.0, "1 iteration"), ("nop", 12_000.0, "1000 iterations"))
    ]
    note = "imported from pyperf: no control was measured, so times are absolute only"
    about = {"profile": "imported"}
    source = {"format": "pyperf", "file": "result.json", "version": "2.10.0"}
    document = {"options": about, "source": source, "note": note, "control": {"available": False, "reason": note}}
    return FakeRun(cells, document=document)


def _told() -> FakeRun:
    """Cells whose children told when they began, beside the same ones without: a fork, a spawn, a combination."""
    told = [replace(cell, scenario="phases", level="told", ready_share=0.8) for cell in (CELLS[0], *CELLS[4:])]
    inside = replace(CELLS[2], scenario="phases", level="told", ready_share=0.5)
    both = replace(CELLS[3], scenario="rss+phases", level="64MiB+told", unit="")
    return FakeRun([*CELLS, *told, inside, both])


def _failing() -> FakeRun:
    return FakeRun([replace(cell, failing_rounds=tuple(range(10))) for cell in CELLS])


KINDS: dict[str, Callable[[], FakeRun]] = {
    "usual": FakeRun,
    "partial": lambda: FakeRun(torn=True),
    "few rounds": lambda: FakeRun(rounds=3),
    "no rounds": lambda: FakeRun(rounds=0),
    "no control": _without_control,
    "two interpreters": lambda: FakeRun([*sized("3.9.18"), *sized("3.11.7"), *sized("3.11.7~2")]),
    "quiet": lambda: FakeRun(sized(), noise=QUIET),
    "other parents": lambda: FakeRun([replace(cell, scenario="parent", level="equal", unit="") for cell in CELLS[:3]]),
    "told": _told,
    "imported": _imported,
    "all failed": _failing,
}
"""Every kind of run that a reader has to cope with, by what is special about it."""
