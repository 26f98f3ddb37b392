"""Holds ranks of hosts worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.hosts.ranking import ranks, widening


def test_overlapping_intervals_share_a_rank() -> None:
    """Who is surely behind two hosts is third; who overlaps with the first is first too."""
    found = ranks(np.array([1.0, 1.05, 2.0]), np.array([0.9, 1.0, 1.9]), np.array([1.1, 1.1, 2.1]), 0.0)
    assert found.tolist() == [1, 1, 3]


def test_the_spread_between_runs_keeps_close_hosts_together() -> None:
    """Intervals of nothing that are 4 % apart are told apart, but not where runs of one host lie 5 % apart."""
    values = np.array([1.0, 1.04])
    assert ranks(values, values, values, 0.0).tolist() == [1, 2]
    assert ranks(values, values, values, 0.05).tolist() == [1, 1]


def test_what_is_missing_has_no_rank() -> None:
    """No value: 0. No interval: behind nobody, and nobody is behind it."""
    nan = math.nan
    found = ranks(np.array([nan, 3.0, 1.0, 2.0]), np.array([nan, nan, 0.9, 1.9]), np.array([nan, nan, 1.1, 2.1]), 0.0)
    assert found.tolist() == [0, 1, 1, 2]


def test_more_hosts_need_wider_intervals() -> None:
    """For 2 hosts intervals stay as they are; for 20, whose 190 pairs ask for 3.65 standard deviations, by 1.31."""
    assert widening(1) == widening(2) == 1.0
    assert widening(20) == pytest.approx(3.6487 / (1.95996 * math.sqrt(2)), rel=1e-3)
    assert widening(1000) > widening(100)


def test_identical_hosts_are_seldom_told_apart() -> None:
    """Of 1,000 simulated fleets of 20 equal hosts no more than a twentieth has anybody on the second rank."""
    dice = np.random.default_rng(1)
    wrong = 0
    for _ in range(1000):
        centers = np.exp(dice.normal(0, 0.01, 20))
        wrong += bool((ranks(centers, centers * np.exp(-0.0196), centers * np.exp(0.0196), 0.0) > 1).any())
    assert wrong <= 50
