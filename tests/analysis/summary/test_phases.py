"""Holds the phases of a call and the price of telling: figures worked out by hand from known calls."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.phases import PHASES, phases_of_cell, price_of_telling, telling_cells, without_telling
from tests.fake_run import QUIET, FakeCell, FakeRun, Noise, write_run

BARE = FakeCell(ready_share=None)
TOLD = replace(BARE, scenario="phases", level="told", total_ns=132_000.0, ready_share=0.8)


def analysed(results: Path, *cells: FakeCell, noise: Noise = QUIET, rounds: int = 10) -> AnalysedRun:
    """A run of these cells."""
    return AnalysedRun(load_run(write_run(results, FakeRun(cells, rounds=rounds, noise=noise))))


@pytest.mark.parametrize(
    ("scenario", "level", "plain"),
    [
        ("phases", "told", ("parent", "bare")),
        ("rss+phases", "256MiB+told", ("rss", "256MiB")),
        ("phases+rss+threads", "told+1MiB+8", ("rss+threads", "1MiB+8")),
        ("parent", "bare", None),
        ("rss", "told", None),
        ("phases", "a+b", None),
    ],
)
def test_a_telling_cell_knows_the_cell_that_does_not_tell(scenario: str, level: str, plain: object) -> None:
    """Without phases=told the rest of a combination is left, or the bare parent; any other cell has no such pair."""
    assert without_telling(scenario, level) == plain


@pytest.mark.parametrize(
    ("call_share", "ready_share", "phases"),
    [
        (0.6, 0.8, (60_000, 0, 20_000, 20_000)),
        (0.8, 0.6, (60_000, 20_000, 0, 20_000)),
        (1.0, 0.3, (30_000, 70_000, 0, 0)),
        (0.5, 0.5, (50_000, 0, 0, 50_000)),
    ],
)
def test_phases_lie_between_the_moments_of_a_call(
    tmp_path: Path, call_share: float, ready_share: float, phases: tuple[int, ...]
) -> None:
    """A call of 100 µs is divided where the creating call returns and where the child begins, whichever is first."""
    cell = replace(TOLD, total_ns=100_000.0, call_share=call_share, ready_share=ready_share)
    found = phases_of_cell(analysed(tmp_path, cell), 0)
    assert tuple(found[name] for name in PHASES) == phases
    assert found["whole_ns"] == 100_000
    assert found["overlap"] == (1.0 if ready_share < call_share else 0.0)


def test_phases_add_up_whatever_the_calls_are(tmp_path: Path) -> None:
    """With slow calls, slow rounds and drift, the phases still add up to the whole, and slow calls do not carry it."""
    one = analysed(tmp_path, replace(TOLD, calls=40), noise=Noise(slow=0.2, slow_factor=20.0))
    found = phases_of_cell(one, 0)
    assert sum(found[name] for name in PHASES) == pytest.approx(found["whole_ns"], rel=1e-12)
    assert min(found[name] for name in PHASES) >= 0
    assert found["whole_ns"] == pytest.approx(one.summary["p50_ns"].iloc[0], rel=0.05)


def test_only_calls_that_told_are_divided(tmp_path: Path) -> None:
    """A cell that tells nothing is no telling cell; where some calls told nothing, the others count."""
    one = analysed(tmp_path, BARE, TOLD, replace(TOLD, mechanism="posix_spawn", ready_share=None))
    assert telling_cells(one)["mechanism"].tolist() == ["os_fork"]
    calls = one.calls
    silent = (calls["cell"] == 1) & (calls["total_ns"] > 0) & (calls.index % 2 == 0)
    calls.loc[silent, "ready_ns"] = math.nan
    assert phases_of_cell(one, 1)["start_ns"] == pytest.approx(0.2 * 132_000)


def test_the_price_is_that_of_the_same_parent(tmp_path: Path) -> None:
    """132 µs beside 120 µs is 1.1 times as long, 530 beside 500 is 1.06; what has no pair has a reason."""
    sized = replace(BARE, scenario="rss", level="1MiB", total_ns=500_000.0)
    both = replace(TOLD, scenario="rss+phases", level="1MiB+told", total_ns=530_000.0)
    one = analysed(tmp_path, both, BARE, TOLD, sized, replace(TOLD, mechanism="mp_fork"))
    prices = price_of_telling(one, telling_cells(one))
    assert {cell: round(price.ratio, 6) for cell, price in prices.items() if not price.reason} == {0: 1.06, 2: 1.1}
    assert prices[4].reason == "the same cell without phases=told was not measured"
    assert prices[2].lo == pytest.approx(1.1)
    assert prices[2].confidence == pytest.approx(1 - 0.05 / 2)


def test_the_price_is_relative_where_there_is_a_control(tmp_path: Path) -> None:
    """264 µs at a control of 130 µs is 1.1 times 120 µs at 65 µs; without a control the times alone can tell: 2.2."""
    slow = replace(TOLD, total_ns=264_000.0, control_ns=130_000.0)
    for control, price in (("native_fork", 1.1), ("", 2.2)):
        one = analysed(tmp_path / f"with{control}", replace(BARE, control=control), replace(slow, control=control))
        assert price_of_telling(one, telling_cells(one))[1].ratio == pytest.approx(price)


def test_too_few_rounds_have_no_price(tmp_path: Path) -> None:
    """With two rounds the phases are there, and the price has a reason instead of a figure."""
    one = analysed(tmp_path, BARE, TOLD, rounds=2)
    (price,) = price_of_telling(one, telling_cells(one)).values()
    assert "rounds" in price.reason
    assert phases_of_cell(one, 1)["whole_ns"] == 132_000
