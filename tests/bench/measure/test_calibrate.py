"""Holds the arithmetic of blocks: how many calls fill one, and how many come before it."""

from __future__ import annotations

import array
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.driver.process import Block, Subject
from bench.measure import calibrate
from bench.measure.calibrate import MOST_CALLS, block_calls, warmup_calls
from bench.schema import Role


class FakeSubject:
    """Answers with calls of known cost: the first ones of a role are slow, as in a real process."""

    def __init__(self, slow: float = 2, **costs_ns: int) -> None:
        self.slow = slow
        self.costs_ns = costs_ns
        self.made = dict.fromkeys(costs_ns, 0)
        self.asked: list[tuple[str, int]] = []

    def observe_path(self, deadline_s: float) -> str:
        """The path of a fork."""
        return "fork"

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """Calls of `role`, the first of all `slow` times as long as the others."""
        self.asked.append((role, calls))
        stamps = array.array("q")
        for _ in range(calls):
            total = round(self.costs_ns[role] * (1 if self.made[role] else self.slow))
            self.made[role] += 1
            stamps.extend((total, total // 2, 0))
        return Block(0, sum(stamps[0::3]), None, stamps)


def calibrated(fake: FakeSubject, block_ns: int = 15_000_000, has_control: bool = True) -> calibrate.Calibration:
    """The calibration of `fake`."""
    return calibrate.calibrate(cast(Subject, fake), has_control, block_ns, 1.0)


@pytest.mark.parametrize(
    ("call_ns", "block_ns", "calls"),
    [
        (100_000, 15_000_000, 150),
        (15_000_000, 15_000_000, 1),
        (40_000_000, 15_000_000, 1),
        (10_000_001, 15_000_000, 1),
        (9_000_000, 15_000_000, 2),
        (100, 15_000_000, MOST_CALLS),
        (0, 15_000_000, MOST_CALLS),
    ],
)
def test_calls_of_a_block(call_ns: float, block_ns: int, calls: int) -> None:
    """As many calls as come nearest to the block's length; one at least, and not more than teach anything."""
    assert block_calls(call_ns, block_ns) == calls


@given(st.floats(0, 1e12), st.integers(100_000, 10**11))
def test_a_block_is_as_long_as_asked(call_ns: float, block_ns: int) -> None:
    """Unless a bound holds, a block lasts its length to within half a call."""
    calls = block_calls(call_ns, block_ns)
    assert 1 <= calls <= MOST_CALLS
    if 1 < calls < MOST_CALLS:
        assert abs(calls * call_ns - block_ns) <= 0.51 * max(call_ns, 1)


@given(st.integers(1, MOST_CALLS))
def test_warm_up_is_short(calls: int) -> None:
    """None where a call fills a block, else some, and never more than a few; it does not shrink as blocks grow."""
    assert warmup_calls(calls) <= calibrate.MOST_WARMUP_CALLS
    assert (warmup_calls(calls) == 0) == (calls == 1)
    assert warmup_calls(calls + 1) >= warmup_calls(calls)


def test_the_slow_first_calls_do_not_count() -> None:
    """A cost is the median of later calls: the first, twice as slow, does not make blocks too short."""
    found = calibrated(FakeSubject(mechanism=100_000, control=50_000))
    assert (found.call_ns, found.control_call_ns) == (100_000, 50_000)
    assert (found.calls, found.control_calls, found.path) == (150, 300, "fork")


def test_calibration_of_what_is_slow_is_short() -> None:
    """A call that fills a block more than once is made once or twice, not until it is known to the per cent."""
    fake = FakeSubject(mechanism=400_000_000, control=5_000_000)
    found = calibrated(fake)
    assert found.calls == 1
    assert found.control_calls == 3
    assert sum(calls for role, calls in fake.asked if role == Role.MECHANISM) <= 2


def test_a_disturbed_first_call_does_not_make_blocks_of_one_call() -> None:
    """A short call that took longer than a whole block the first time still gets blocks of many calls."""
    found = calibrated(FakeSubject(slow=40, mechanism=1_000_000, control=500_000))
    assert (found.calls, found.control_calls) == (15, 30)


def test_without_a_control_none_is_asked_for() -> None:
    """A cell without control has no calls of it, and its subject is not asked for any."""
    fake = FakeSubject(mechanism=100_000)
    found = calibrated(fake, has_control=False)
    assert (found.control_calls, found.control_call_ns) == (0, 0.0)
    assert Role.CONTROL not in {role for role, _ in fake.asked}
