"""How amounts and costs become prices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.model.fit import identified, prices

# A constant, pages and files of six parents.
AMOUNTS = np.array([[1, 1, 3], [1, 1000, 3], [1, 16_000, 3], [1, 1, 1000], [1, 1, 100], [1, 64_000, 500]], dtype=float)


@given(st.lists(st.floats(1.0, 1e5), min_size=3, max_size=3))
def test_prices_of_exact_costs_are_found_back(true: list[float]) -> None:
    """Where costs add up exactly, the fit returns what each of them is made of."""
    cost = AMOUNTS @ np.array(true)
    assert AMOUNTS @ prices(AMOUNTS, cost, cost) == pytest.approx(cost, rel=1e-4)


@pytest.mark.parametrize(("place", "factor"), [(1, 3.0), (2, 1 / 3), (8, 1 / 3)])
def test_one_parent_that_is_off_does_not_bend_the_rest(place: int, factor: float) -> None:
    """A parent that cost three times as much or as little moves no price by a tenth; squares would halve one."""
    amounts = np.vstack([AMOUNTS, AMOUNTS * [1, 0.5, 0.7]])
    true = np.array([50_000.0, 40.0, 20.0])
    cost = amounts @ true
    cost[place] *= factor
    assert prices(amounts, cost, cost) == pytest.approx(true, rel=0.1)


def test_no_price_is_below_nothing() -> None:
    """What seems to make a fork cheaper costs nothing."""
    cost = AMOUNTS @ np.array([50_000.0, 40.0, -20.0])
    found = prices(AMOUNTS, cost, cost)
    assert found[2] == pytest.approx(0.0, abs=1e-3)
    assert (found >= 0).all()


def test_a_price_is_told_by_parents_that_differ_enough() -> None:
    """A column that varies by less than its spread tells no price; a spread of 0 asks for nothing."""
    assert identified(AMOUNTS, np.array([0.0, 63_999.0, 998.0])).tolist() == [True, True, False]
