"""Holds what levels of several parents and of workers mean before anything is started."""

from __future__ import annotations

import pytest

from bench.driver.pinning import choose
from bench.plan import cells
from bench.plan.availability import read_resources, why_parent_lacks
from bench.plan.levels import PlanError, parse_scenarios
from bench.plan.limits import Limit, Limits
from bench.plan.registry import mechanisms
from bench.schema import Work

MIB = 1 << 20


def test_several_parents_take_what_one_does_several_times() -> None:
    """4 parents of 64 MiB take 256 MiB and 8 MiB of their own each; files are each process's own, and stay."""
    (level,) = parse_scenarios(["rss=64MiB+fds=100+at_once=4"])
    assert level.subjects == 4
    assert level.takes() == {"memory": (256 + 32) * MIB, "files": 100, "threads": 8}
    assert parse_scenarios(["rss=64MiB"])[0].subjects == 1


def test_what_several_parents_take_together_is_refused_beforehand() -> None:
    """Where 100 MiB may be filled, one parent of 64 MiB can be had, and two at once cannot."""
    limits = Limits({"memory": Limit(100 * MIB, "the test")})
    one, two = parse_scenarios(["rss=64MiB+at_once=1,2"])
    assert limits.problem(one) == ""
    assert limits.problem(two) == "rss=64MiB+at_once=2 takes 144 MiB; at most 100 MiB may be used (the test)"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("at_once=0", "at_once=0: too few subjects; write 1 or more"),
        ("workers=0", "workers=0: too few workers; write 1 or more"),
        ("at_once=two", "at_once=two: not a number of subjects; write digits, or 1e6 for a million"),
        ("worker_imports=dark", "worker_imports=dark: no such level; there is light, heavy, numpy, pandas"),
    ],
)
def test_a_level_that_means_nothing_is_one_line(word: str, said: str) -> None:
    """What is wrong, and what to write."""
    with pytest.raises(PlanError) as caught:
        parse_scenarios([word])
    assert str(caught.value) == said


def test_what_starts_no_workers_has_no_level_of_workers() -> None:
    """os_fork cannot have 4 workers, workers_fork can; several parents are for both."""
    of_workers, of_both = parse_scenarios(["workers=4+worker_imports=heavy", "at_once=2"])
    said = why_parent_lacks(mechanisms()["os_fork"], of_workers)
    assert said.startswith("os_fork starts no workers; measure workers_fork")
    assert why_parent_lacks(mechanisms()["workers_fork"], of_workers) == ""
    assert why_parent_lacks(mechanisms()["os_fork"], of_both) == ""


def test_workers_are_measured_where_they_are_asked_for() -> None:
    """A level of workers brings all that start some; of the profiles only `sweep` has such levels."""
    starting = [name for name, one in mechanisms().items() if one.work is Work.WORKERS]
    assert len(starting) == 5
    assert [one.name for one, _ in cells.requested("quick", [], ["workers=2"])] == starting
    for profile in set(cells.PROFILES) - {"sweep"}:
        assert not {one.name for one, _ in cells.requested(profile, [], [])} & set(starting)


def test_modules_of_workers_are_looked_for_and_light_is_none() -> None:
    """numpy is a module to look for, as for the scenario imports; light and heavy name none."""
    levels = parse_scenarios(["workers=2+worker_imports=light,heavy,numpy", "imports=json"])
    assert [level.modules for level in levels] == [(), (), ("numpy",), ("json",)]


def test_the_limit_of_processes_counts_parents_and_children() -> None:
    """A million parents at once are more than any machine's limits allow, and the limit is named."""
    limits = read_resources(choose("none"), "").limits
    if not limits.by_resource:
        pytest.skip("this system tells no limits")
    (level,) = parse_scenarios(["at_once=1e6"])
    assert "at_once=1e6 takes" in limits.problem(level)
