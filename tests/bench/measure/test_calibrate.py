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


def test_a_block_has_a_thousand_calls_at_most() -> None:
    """More would add rows and no knowledge: what costs 15 us or less has 1000 calls in 15 ms."""
    assert [block_calls(ns, 15_000_000) for ns in (15_100, 15_000, 14_000, 1, 0)] == [993, 1000, 1000, 1000, 1000]


@pytest.mark.parametrize(
    ("calls", "warm"),
    [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (15, 2), (36, 2), (45, 3), (61, 4), (142, 9), (150, 10), (1000, 10)],
)
def test_a_fifteenth_of_a_block_comes_before_it(calls: int, warm: int) -> None:
    """Half of a block of two or three calls, two calls for longer ones, a fifteenth from 38 calls on, ten at most."""
    assert warmup_calls(calls) == warm


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


class ScriptedSubject(FakeSubject):
    """Answers with the totals of a list in turn, and then with the last of them."""

    def __init__(self, *totals_ns: int) -> None:
        super().__init__(mechanism=0)
        self.totals_ns = list(totals_ns)

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """The next totals; call and ready are what no cost may be taken from."""
        self.asked.append((role, calls))
        totals = [self.totals_ns.pop(0) if len(self.totals_ns) > 1 else self.totals_ns[0] for _ in range(calls)]
        return Block(0, sum(totals), None, array.array("q", [stamp for total in totals for stamp in (total, 7, 3)]))


@pytest.mark.parametrize(
    ("totals_ns", "trials", "cost_ns"),
    [
        # Twice 100 us come second: a trial of 4 ms has 40 calls.
        ((200_000, 100_000, 100_000), [1, 2, 40], 100_000),
        # The least of the first three decides the trial, wherever it stands.
        ((50_000, 100_000, 90_000, 80_000), [1, 2, 80], 50_000),
        ((90_000, 100_000, 50_000, 80_000), [1, 2, 80], 50_000),
        # The trial's median counts where it is less: 1 ms is tried four times.
        ((2_000_000, 1_000_000, 1_500_000, 100_000, 300_000, 500_000, 900_000), [1, 2, 4], 400_000),
        # What fills a block by itself is made once more, and never a third time.
        ((15_000_000, 14_000_000), [1, 1], 14_000_000),
        ((14_999_999, 15_000_000, 16_000_000), [1, 2], 14_999_999),
        # Two calls in 4 ms are a trial, one is none.
        ((2_600_000, 2_600_000, 2_600_000, 2_500_000), [1, 2, 2], 2_500_000),
        ((2_700_000, 2_700_000, 2_700_000, 2_500_000), [1, 2], 2_700_000),
    ],
)
def test_a_cost_is_found_in_few_calls(totals_ns: tuple[int, ...], trials: list[int], cost_ns: float) -> None:
    """One call, then two, then as many as 4 ms hold; the least of the first and the median of the last, if less."""
    fake = ScriptedSubject(*totals_ns)
    found = calibrated(fake, has_control=False)
    assert fake.asked == [(Role.MECHANISM, calls) for calls in trials]
    assert found.call_ns == cost_ns
    assert found.calls == block_calls(cost_ns, 15_000_000)
