"""Holds what a group of subjects says of the time that it takes beside measuring."""

from __future__ import annotations

import time

from bench.driver.subject_group import SubjectGroup
from tests.engine import PATIENCE_S, needs_fork, settings, unchanged

pytestmark = needs_fork


def test_the_overhead_is_a_part_of_the_time_and_grows_at_both_ends() -> None:
    """Starting and ending take time, together no more than has passed, and what lies between does not count."""
    began = time.perf_counter_ns()
    with unchanged():
        with SubjectGroup({0: settings("noop")}) as group:
            started_ns = group.overhead_ns
            group[0].block("mechanism", 1000, PATIENCE_S)
            assert group.overhead_ns == started_ns
        passed_ns = time.perf_counter_ns() - began
    assert 0 < started_ns < group.overhead_ns < passed_ns
