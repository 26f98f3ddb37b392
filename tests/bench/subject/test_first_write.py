"""Holds that first writes after a fork are what they are called: seen in the page faults of real subjects."""

from __future__ import annotations

import mmap
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from bench.driver import dose
from bench.driver.process import Subject, SubjectError
from bench.machine.kernel_files import read_text
from bench.plan import registry
from bench.plan.availability import HUGE_PAGES
from bench.schema import Role
from bench.subject.mechanisms import first_write
from bench.subject.scenarios import memory as scenarios
from tests.engine import PATIENCE_S, needs_fork, needs_proc, settings, unchanged

pytestmark = [needs_fork, needs_proc]
MIB = 1 << 20
SIZE, PAGES, HUGE_PAGE_COUNT = 8 * MIB, 2048, 4
OBJECTS = 50_000
# A list of one item is 80 bytes beside its place in the list of all (`OBJECT_BYTES`): 72 of these are passed over.
OBJECT_PAGES = OBJECTS * 72 // 4096
CALLS = 3
# What a process has of its own after a fork: some 60 pages in the child, some 40 in the parent.
OWN = 300
needs_huge_pages = pytest.mark.skipif(
    "[never]" in read_text(HUGE_PAGES) or not read_text(HUGE_PAGES), reason="this kernel gives no huge pages"
)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


@dataclass(frozen=True)
class Measured:
    """Page faults a call of parent and child, and of every call: the pass and the whole, ns."""

    parent: float
    child: float
    passes: tuple[int, ...]
    totals: tuple[int, ...]
    huge_bytes: int


@cache
def measured(mechanism: str, scenario: str, level: int) -> Measured:
    """What a block of `CALLS` has after a block that went before."""
    word = f"{registry.scenarios()[scenario].entry_point}={level}"
    with Subject(settings(mechanism, scenarios=(word,))) as subject:
        subject.ready(PATIENCE_S)
        subject.block(Role.MECHANISM, CALLS, PATIENCE_S)
        block = subject.block(Role.MECHANISM, CALLS, PATIENCE_S)
        assert block.usage is not None
        return Measured(
            block.usage.parent_faults / CALLS,
            block.usage.child_faults / CALLS,
            tuple(block.stamps[1::3]),
            tuple(block.stamps[0::3]),
            dose.read(subject.pid).huge_bytes or 0,
        )


@pytest.mark.parametrize("mechanism", ["rewrites", "reads_objects"])
def test_without_a_fork_the_pass_has_no_page_fault(mechanism: str) -> None:
    """Pages that nobody shares are written and read again for nothing; the loop itself takes a page at the most."""
    scenario, level = ("rss", SIZE) if mechanism == "rewrites" else ("objects", OBJECTS)
    seen = measured(mechanism, scenario, level)
    assert seen.parent < 5
    assert seen.child == 0


@pytest.mark.parametrize(("mechanism", "writer"), [("parent_rewrites", "parent"), ("child_rewrites", "child")])
def test_who_writes_after_a_fork_has_a_fault_for_each_page(mechanism: str, writer: str) -> None:
    """Of 2048 pages each is copied once, by the one that is named; the other has only what every fork costs."""
    seen = measured(mechanism, "rss", SIZE)
    faults = {"parent": seen.parent, "child": seen.child}
    assert PAGES <= faults.pop(writer) < PAGES + OWN
    assert next(iter(faults.values())) < OWN


@needs_huge_pages
@pytest.mark.parametrize(("mechanism", "writer"), [("parent_rewrites", "parent"), ("child_rewrites", "child")])
def test_a_parent_in_huge_pages_stays_in_them(mechanism: str, writer: str) -> None:
    """A write splits huge pages or copies whole ones, and in both cases the next call finds huge pages again."""
    seen = measured(mechanism, "thp", SIZE)
    assert seen.huge_bytes == SIZE
    assert HUGE_PAGE_COUNT <= getattr(seen, writer) < PAGES + OWN


def test_huge_pages_that_cannot_be_had_again_are_an_error() -> None:
    """A kernel that gives small pages in their place must not become a figure of huge pages."""
    size = 64 * MIB  # far beyond what this process itself has in huge pages
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with suppress(OSError):  # a kernel without huge pages gives none anyway
            memory.madvise(scenarios.MADV_NOHUGEPAGE)
        with pytest.raises(RuntimeError, match=f"huge pages again for [0-9]+ bytes only, of {size}$"):
            scenarios._make_huge_again(memory, 0, size)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("mechanism", ["parent_rewrites_few", "child_rewrites_few"])
def test_few_writes_copy_few_pages(mechanism: str) -> None:
    """One page in each 2 MiB of 8 MiB are four pages, beside what a fork costs anyway."""
    seen = measured(mechanism, "rss", SIZE)
    assert HUGE_PAGE_COUNT <= seen.parent < OWN
    assert seen.child < OWN


def test_a_child_that_only_reads_objects_copies_their_pages() -> None:
    """Taking an object in hand writes its reference count, and gc.freeze changes nothing of that."""
    for scenario in ("objects", "gc_frozen"):
        seen = measured("child_reads_objects", scenario, OBJECTS)
        assert 0.9 * OBJECT_PAGES < seen.child < 1.3 * OBJECT_PAGES + OWN
        assert seen.parent < OWN


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="gc.freeze is CPython's")
def test_a_frozen_parent_spares_its_child_the_collectors_copies() -> None:
    """The collector writes the head of each object that it looks at: it copies their pages, unless they are frozen."""
    looked_at = measured("child_collects", "objects", OBJECTS)
    frozen = measured("child_collects", "gc_frozen", OBJECTS)
    assert looked_at.child > 0.9 * OBJECT_PAGES
    assert frozen.child < OWN


@pytest.mark.parametrize("make", [first_write._in_parent, first_write._in_child])
def test_the_pass_alone_is_told(monkeypatch: pytest.MonkeyPatch, make: Callable[..., Any]) -> None:
    """On a clock that goes on by 1 when it is read, and by 5000 in the pass, the pass is 5001 after the first look."""
    clock = [0]

    def read_clock(more: int = 1) -> int:
        clock[0] += more
        return clock[0]

    monkeypatch.setattr(time, "perf_counter_ns", read_clock)
    call = make(lambda: read_clock(5000))
    assert call() == (1 + 5001, 0, 0)


@pytest.mark.parametrize("mechanism", ["parent_rewrites", "child_rewrites"])
def test_the_pass_is_a_part_of_the_call(mechanism: str) -> None:
    """Each call has its pass in `call_ns`, which is more than nothing and less than the whole."""
    seen = measured(mechanism, "rss", SIZE)
    assert len(seen.passes) == CALLS
    assert all(0 < alone < whole for alone, whole in zip(seen.passes, seen.totals, strict=True))


@pytest.mark.parametrize(("way", "status"), [("raises", "1"), ("killed", "-9")])
def test_a_child_that_fails_is_never_a_time(way: str, status: str) -> None:
    """A child that raises an error or is killed in its pass ends the subject at once, with one line that tells how."""
    probe = f"subject_probes:unreadable_objects={way}"
    with Subject(settings("child_reads_objects", scenarios=(probe,))) as subject:
        subject.ready(PATIENCE_S)
        with pytest.raises(SubjectError, match=f"the child ended with exit status {status}$"):
            subject.block(Role.MECHANISM, 1, PATIENCE_S)
