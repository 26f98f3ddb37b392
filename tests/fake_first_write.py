"""Turns known costs of forks and first writes into the cells of a fake run."""

from __future__ import annotations

from tests.fake_run import FakeCell


def page_cells(every_huge_ns: float = 14e6, few_huge_ns: float = 1e6, huge_faults: float = 16_441.0) -> list[FakeCell]:
    """os_fork and a child's first writes in parents of 64 MiB, in 4 KiB pages and in huge ones.

    A fork takes 1.2 ms and 0.2 ms, with few pages written 2 ms and `few_huge_ns`, with all 10 ms and `every_huge_ns`.
    """
    costs = {
        "os_fork": (1.2e6, 0.2e6),
        "child_rewrites_few": (2e6, few_huge_ns),
        "child_rewrites": (10e6, every_huge_ns),
    }
    return [
        FakeCell(
            mechanism,
            cost,
            work="fork" if mechanism == "os_fork" else "first_write",
            scenario=scenario,
            level="64MiB",
            unit="bytes",
            calls=4,
            call_share=0.8,
            ready_share=None,
            child_faults=16_441.0 if scenario == "rss" else huge_faults,
        )
        for mechanism, both in costs.items()
        for scenario, cost in zip(("rss", "thp"), both, strict=True)
    ]


def objects_cells(frozen_reads_ns: float = 5e6) -> list[FakeCell]:
    """Passes over 1e5 objects: alone, in a child, and in a child of a frozen parent. All but those alone also fork."""
    costs = {
        ("reads_objects", "objects"): 0.2e6,
        ("child_reads_objects", "objects"): 5e6,
        ("child_reads_objects", "gc_frozen"): frozen_reads_ns,
        ("collects", "objects"): 3e6,
        ("child_collects", "objects"): 10e6,
        ("child_collects", "gc_frozen"): 50e3,
    }
    return [
        FakeCell(
            mechanism,
            cost,
            work="first_write",
            control="native_fork" if mechanism.startswith("child") else "",
            scenario=scenario,
            level="1e5",
            unit="objects",
            calls=4,
            call_share=0.8 if mechanism.startswith("child") else 1.0,
            ready_share=None,
        )
        for (mechanism, scenario), cost in costs.items()
    ]
