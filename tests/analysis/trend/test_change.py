"""Tests of the detection itself, on series whose changes are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.trend.change import LEVEL, Change, ChangeKind, enough_runs, find_changes, noise
from tests.analysis.trend.series_of_runs import SCATTER
from tests.bench_trend import SIMULATED, power, share_of_claims

EIGHT = [1.001, 0.999, 1.002, 0.998, 1.101, 1.099, 1.102, 1.098]


def test_eight_runs_are_the_fewest_for_one_series() -> None:
    """Of 8 runs 2 in 70 orders part the halves (0.029), of 7 runs 2 in 35 (0.057); a risk of 1 % takes 10 runs."""
    assert [enough_runs(level) for level in (0.05, 0.025, 0.01)] == [8, 9, 10]
    assert find_changes(EIGHT[1:]) == []
    assert find_changes(EIGHT, 0.02) == []
    assert len(find_changes(EIGHT)) == 1


def test_a_step_has_its_place_size_and_share_of_shuffles() -> None:
    """Four runs at 1 and four at 1.1 are a step of 10 % at the fifth, as clear as 2 of 70 shuffled orders."""
    (change,) = find_changes(EIGHT)
    assert (change.kind, change.first) == (ChangeKind.STEP, 4)
    assert change.ratio == pytest.approx(1.1, abs=1e-6)
    assert change.p == pytest.approx(2 / 70, abs=0.008)  # of 4999 shuffles: three standard errors


def test_equal_values_and_few_values_have_no_change() -> None:
    """Nothing is claimed where all is alike, nor of no value, of one or of two."""
    for values in ([], [1.0], [1.0, 2.0], [1.5] * 12):
        assert find_changes(values) == []


def test_two_steps_are_both_found() -> None:
    """A rise after eight runs and a fall after sixteen are two steps, each measured to the next."""
    values = [level * around for level in (1.0, 1.2, 1.05) for around in SCATTER[:8]]
    changes = find_changes(values)
    assert [change.first for change in changes] == [8, 16]
    assert changes[0].ratio == pytest.approx(1.2, rel=2e-3)
    assert changes[1].ratio == pytest.approx(1.05 / 1.2, rel=2e-3)


def test_a_drift_is_called_one() -> None:
    """A latency that grows by 1 % a run is one drift over all of them, not a step somewhere."""
    (change,) = find_changes([1.01**run * around for run, around in enumerate(SCATTER)])
    assert (change.kind, change.first) == (ChangeKind.DRIFT, 1)
    assert change.ratio == pytest.approx(1.01**11, rel=5e-3)


@pytest.mark.parametrize("place", [0, 4, 19])
def test_one_odd_run_is_no_change_and_hides_none(place: int) -> None:
    """A run three times as slow as the others is no change anywhere, and of twenty runs it hides no step."""
    values = [*SCATTER, *SCATTER[:8]]
    values[place] *= 3
    assert find_changes(values) == []
    stepped = [value * (1.05 if run >= 10 else 1) for run, value in enumerate(values)]
    (change,) = find_changes(stepped)
    assert (change.kind, change.first) == (ChangeKind.STEP, 10)


def test_noise_is_what_runs_scatter_between_changes() -> None:
    """Of logarithms ±0.01 around two levels it is the root of 8 squares over 6 degrees of freedom."""
    values = [math.exp(level + sign * 0.01) for level in (0.0, 1.0) for sign in (1, -1, 1, -1)]
    step = Change(ChangeKind.STEP, 4, math.e, 0.03)
    assert noise(values, [step]) == pytest.approx(0.01 * math.sqrt(8 / 6))
    assert math.isnan(noise([1.0], []))


def test_noise_of_a_drift_is_what_lies_beside_the_line() -> None:
    """A straight line has none, though its values lie far apart."""
    drift = Change(ChangeKind.DRIFT, 1, 2.0, 0.001)
    assert noise(np.exp(np.linspace(0, 1, 9)).tolist(), [drift]) == pytest.approx(0, abs=1e-9)


def test_noise_that_remembers_is_no_change_where_it_is_expected() -> None:
    """A walk without a step is claimed as one in few series if steps must be sudden; a sudden step is found in it."""
    assert share_of_claims(SIMULATED["walk"], 20, series=100, wanders=True) <= 0.12
    walk = [0, 1, 3, 2, 3, 4, 3, 2, 3, 4, 3, 5]
    slow = [math.exp(step / 100) for step in walk]
    assert find_changes(slow, wanders=True) == []
    stepped = [value * (1.2 if run >= 6 else 1) for run, value in enumerate(slow)]
    assert [change.first for change in find_changes(stepped, wanders=True)] == [6]


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "bursts"])
def test_false_alarms_stay_below_the_level(kind: str) -> None:
    """Of identical runs not more than 5 % of the series are claimed to change, whatever their noise looks like."""
    most = LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 200)
    assert share_of_claims(SIMULATED[kind], 12, series=200) <= most


def test_a_step_of_five_times_the_noise_is_found() -> None:
    """With twelve runs a step of five standard deviations is found in nearly every series, one of nothing in few."""
    assert power(12, 5, series=50) >= 0.95
    assert power(12, 0, series=50) <= 0.1
