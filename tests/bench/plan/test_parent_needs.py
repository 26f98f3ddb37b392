"""Holds that a mechanism is measured only in parents that have what it works on, and that a user is told which."""

from __future__ import annotations

import pytest

from bench.plan import availability, cells, registry
from bench.plan.availability import Resources
from bench.plan.interpreters import Interpreter
from bench.plan.levels import parse_scenarios
from bench.plan.limits import Limits
from bench.schema import Work

PYTHON = Interpreter("3.11.7", "/python", {}, {})
RESOURCES = Resources("/true", True, "", 2, True, True, True, Limits())


def reason(mechanism: str, scenario: str) -> str:
    """Why the mechanism cannot be measured in that parent; empty: it is a cell."""
    (level,) = parse_scenarios([scenario])
    measured, unavailable = cells.make([(registry.mechanisms()[mechanism], level)], [PYTHON], RESOURCES)
    assert len(measured) + len(unavailable) == 1
    return unavailable[0].reason if unavailable else ""


@pytest.mark.parametrize(
    ("mechanism", "scenario"),
    [
        ("child_rewrites", "rss=1MiB"),
        ("parent_rewrites", "thp=2MiB"),
        ("rewrites", "threads=2+rss=1MiB"),
        ("child_reads_objects", "objects=10"),
        ("child_collects", "gc_frozen=10"),
        ("os_fork", "parent=bare"),
    ],
)
def test_a_parent_that_has_it_is_measured(mechanism: str, scenario: str) -> None:
    """Memory of rss and thp, objects of both kinds, alone or in a combination."""
    assert reason(mechanism, scenario) == ""


@pytest.mark.parametrize("scenario", ["parent=bare", "rss=0", "shared=1MiB", "objects=10"])
def test_a_parent_without_memory_to_write_is_left_out(scenario: str) -> None:
    """Level 0 and memory that no fork shares copy by copy are none; the reason names the scenarios that help."""
    said = "the parent has no memory of a scenario: add rss or thp above 0"
    assert reason("child_rewrites", scenario) == said


def test_a_parent_without_objects_is_left_out() -> None:
    """Memory is no objects."""
    said = "the parent has no objects of a scenario: add objects or gc_frozen above 0"
    assert reason("child_collects", "rss=1MiB") == said


def test_no_profile_asks_for_first_writes_in_a_bare_parent() -> None:
    """A profile would list nothing but reasons there; `sweep` asks in parents that have something to write."""
    for profile in cells.PROFILES:
        asked = cells.requested(profile, (), ())
        assert {mechanism.work for mechanism, _ in asked} >= {Work.FORK}
        of_writes = [(one, level) for one, level in asked if one.work is Work.FIRST_WRITE]
        assert bool(of_writes) == (profile == "sweep")
        assert [availability.why_parent_lacks(one, level) for one, level in of_writes] == [""] * len(of_writes)


def test_interpreters_are_not_asked_for_what_a_parent_has() -> None:
    """The probe of an interpreter knows attributes and start methods, not levels."""
    assert not [need for need in availability.needs() if need.startswith("parent")]
