"""Turns numbers worked out by hand, published tables and simulated runs into evidence for medians and intervals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from analysis.read.run import load_run
from analysis.stats.interval import median_interval, needed
from analysis.stats.rounds import block_medians, round_ratios, round_table, warm_calls
from bench import schema
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FINITE = st.floats(-1e12, 1e12)


@pytest.mark.parametrize(
    ("count", "rank", "confidence"),
    # Order statistics for the median at 95 %, as in Conover 1999, table A3, and in the table of exact intervals in
    # Campbell and Gardner 1988 (BMJ 296, "Calculating confidence intervals for some non-parametric analyses"):
    # n, rank of the lower end, level achieved in per cent.
    [
        (6, 1, 96.9),
        (7, 1, 98.4),
        (8, 1, 99.2),
        (9, 2, 96.1),
        (10, 2, 97.9),
        (11, 2, 98.8),
        (12, 3, 96.1),
        (15, 4, 96.5),
        (20, 6, 95.9),
        (25, 8, 95.7),
        (30, 10, 95.7),
        (40, 14, 96.2),
        (50, 18, 96.7),
        (100, 40, 96.5),
    ],
)
def test_the_exact_interval_has_the_ranks_of_published_tables(count: int, rank: int, confidence: float) -> None:
    """The ends are the k-th smallest and k-th largest values of the tables, with the level that they give."""
    values = np.random.default_rng(count).permutation(np.arange(1.0, count + 1))
    found = median_interval(values)
    assert (found.lo, found.hi) == (rank, count + 1 - rank)
    assert round(100 * found.confidence, 1) == confidence
    assert found.center == (count + 1) / 2
    assert found.warnings == ()


def test_the_interval_agrees_with_scipys_quantile_test() -> None:
    """`scipy.stats.quantile_test` finds the same interval, or one that is a rank narrower on one side."""
    for count in range(6, 60):
        values = np.random.default_rng(count).normal(size=count)
        interval: Any = stats.quantile_test(values, q=0, p=0.5).confidence_interval(0.95)
        low, high = interval
        found = median_interval(values)
        assert found.lo <= low
        assert found.hi >= high
        # Symmetric ends need not be those of scipy, which puts them separately: at most one rank apart.
        ordered = np.sort(values)
        assert abs(int(np.searchsorted(ordered, found.lo)) - int(np.searchsorted(ordered, low))) <= 1


@pytest.mark.parametrize("count", range(6))
def test_fewer_than_six_rounds_have_no_interval_and_say_so(count: int) -> None:
    """Up to five values give their median, no interval, and the number that is needed."""
    values = [5.0, 1.0, 4.0, 2.0, 3.0][:count]
    found = median_interval(values)
    assert math.isnan(found.lo)
    assert math.isnan(found.hi)
    assert found.confidence == 0
    assert found.warnings == (f"need at least 6 rounds for an interval at 95 %, have {count}",)
    centers = [math.nan, 5.0, 3.0, 4.0, 3.0, 3.0]
    assert found.center == pytest.approx(centers[count], nan_ok=True)


@pytest.mark.parametrize(
    ("quantile", "confidence", "least"),
    [(0.5, 0.95, 6), (0.5, 0.99, 8), (0.5, 0.9, 5), (0.9, 0.95, 36), (0.99, 0.95, 368), (0.999, 0.95, 3688)],
)
def test_the_number_needed_is_the_first_that_is_enough(quantile: float, confidence: float, least: int) -> None:
    """One value fewer misses the quantile on one side with more than half of what may be missed."""
    assert needed(quantile, confidence) == least
    assert quantile**least <= (1 - confidence) / 2 < quantile ** (least - 1)
    assert needed(1 - quantile, confidence) == least


@given(st.lists(FINITE, min_size=6, max_size=40), st.permutations(range(6)), st.floats(0.01, 1000))
def test_intervals_do_not_depend_on_order_and_follow_the_unit(
    values: list[float], places: list[int], factor: float
) -> None:
    """Shuffled values give the same interval, scaled ones the scaled interval; the median lies inside."""
    shuffled = [values[place] for place in places] + values[6:]
    found, again = median_interval(values), median_interval(shuffled)
    assert found == again
    slack = 1e-9 * max(abs(value) for value in values)
    assert found.lo <= found.center + slack
    assert found.center <= found.hi + slack
    scaled = median_interval([value * factor for value in values])
    assert (scaled.lo, scaled.center, scaled.hi) == pytest.approx(
        (found.lo * factor, found.center * factor, found.hi * factor), rel=1e-9, abs=slack * factor
    )


def simulated_rounds(runs: int, rounds: int, drift: float, kind: str, seed: int) -> NDArray[np.float64]:
    """Medians of rounds, shape (runs, rounds), around a true 0, nested as real calls are; `drift` moves both roles.

    Each round has the effect of its subject, of 4 blocks and of 20 calls a block; the machine's state walks from
    block to block and is the same for mechanism and control, whose difference of logarithms is what remains.
    """
    dice = np.random.default_rng(seed)
    shape = (runs, rounds, 4, 20)
    walk = np.cumsum(dice.normal(0, drift, shape[:2]), axis=1)[..., None] + dice.normal(0, drift / 10, shape[:3])

    def role(own: float) -> NDArray[np.float64]:
        subject = {
            "normal": dice.normal(0, own, shape[:2]),
            "skewed": own * (dice.exponential(1, shape[:2]) - np.log(2)),
        }
        calls = dice.standard_t(3, shape) * 0.04
        level = walk + subject[kind][..., None] + dice.normal(0, 0.005, shape[:3])
        return np.asarray(np.median(level[..., None] + calls, axis=-1))

    return np.asarray(np.median(role(0.01) - role(0.0), axis=-1))


@pytest.mark.parametrize("kind", ["normal", "skewed"])
@pytest.mark.parametrize("drift", [0.0, 0.05])
def test_a_95_per_cent_interval_covers_the_truth_in_95_per_cent(kind: str, drift: float) -> None:
    """Over nested data, with drift of 5 % a round or without, the interval of 20 rounds covers in 93 to 97 %."""
    medians = simulated_rounds(1500, 20, drift, kind, seed=7)
    truth = float(np.median(simulated_rounds(1500, 20, 0.0, kind, seed=8))) if kind == "skewed" else 0.0
    estimates = [median_interval(row) for row in medians]
    covered = np.mean([estimate.lo <= truth <= estimate.hi for estimate in estimates])
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("count", [6, 7, 10, 13, 20, 30])
def test_the_level_achieved_is_the_one_that_is_said(count: int) -> None:
    """Over 20 000 samples the exact interval covers as often as its `confidence` says, within 0.5 %."""
    values = np.sort(np.random.default_rng(count).standard_cauchy((20_000, count)), axis=1)
    found = median_interval(np.arange(1.0, count + 1))
    low, high = int(found.lo) - 1, int(found.hi) - 1
    covered = np.mean((values[:, low] <= 0) & (values[:, high] >= 0))
    assert covered == pytest.approx(found.confidence, abs=0.005)


def calls_of(rows: list[tuple[int, int, int, str, int]]) -> pd.DataFrame:
    """Calls from (cell, round, block, role, total time), as `warm_calls` gives them."""
    frame = pd.DataFrame(rows, columns=["cell", "round", "block", "role", "total_ns"])
    types = {"cell": "int32", "round": "int32", "block": "int32", "total_ns": "int64"}
    return frame.astype({**types, "role": pd.CategoricalDtype([str(role) for role in schema.Role])})


def test_block_medians_and_ratios_worked_out_by_hand() -> None:
    """Medians by block, then ratios pair by pair, then their median: not the ratio of medians."""
    calls = calls_of(
        [
            *((0, 0, 0, "mechanism", time) for time in (10, 30, 20)),  # 20
            *((0, 0, 0, "control", time) for time in (8, 12)),  # 10: ratio 2
            *((0, 0, 1, "mechanism", time) for time in (90, 90)),  # 90
            *((0, 0, 1, "control", time) for time in (20, 40, 30)),  # 30: ratio 3
            *((0, 0, 2, "mechanism", time) for time in (40,)),
            *((0, 0, 2, "control", time) for time in (8,)),  # ratio 5
            *((0, 1, 0, "mechanism", time) for time in (7,)),  # no control beside it
            *((3, 0, 0, "control", time) for time in (7,)),  # no mechanism beside it
        ]
    )
    shuffled = calls.sample(frac=1, random_state=1)
    blocks = block_medians(shuffled)
    assert blocks["median_ns"].tolist() == [20, 10, 90, 30, 40, 8, 7, 7]
    assert list(blocks.columns) == ["cell", "round", "block", "role", "median_ns"]
    assert round_ratios(blocks).to_dict() == {(0, 0): 3.0}


def test_a_control_of_zero_gives_no_ratio() -> None:
    """Nothing is divided by a time of 0."""
    blocks = block_medians(calls_of([(0, 0, 0, "mechanism", 5), (0, 0, 0, "control", 0)]))
    assert round_ratios(blocks).empty


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2**20 - 1]),
            st.sampled_from([0, 5, 2**24 - 1]),
            st.sampled_from([0, 1, 2**17 - 1]),
            st.sampled_from(list(schema.Role)),
            st.integers(0, 10**12),
        ),
        max_size=60,
    )
)
def test_block_medians_are_those_of_a_plain_grouping(rows: list[tuple[int, int, int, str, int]]) -> None:
    """The fast grouping finds the groups and medians of a dictionary of lists, up to the largest numbers allowed."""
    groups: dict[tuple[int, int, int, int], list[int]] = {}
    for cell, number, block, role, total in rows:
        groups.setdefault((cell, number, block, list(schema.Role).index(schema.Role(role))), []).append(total)
    expected = [(*key[:3], list(schema.Role)[key[3]], float(np.median(groups[key]))) for key in sorted(groups)]
    found = block_medians(calls_of(rows))
    assert list(found.itertuples(index=False, name=None)) == expected


def test_the_round_table_of_a_run_without_noise(tmp_path: Path) -> None:
    """Without noise every round shows the true figures; warm-up, failed and unfinished rounds are not in it."""
    cell = FakeCell(total_ns=120_000, control_ns=60_000, calls=5, blocks=3, failing_rounds=(1,))
    run = load_run(write_run(tmp_path, FakeRun(cells=(cell,), rounds=3, noise=QUIET, torn=True)))
    table = round_table(run)
    assert table["round"].tolist() == [0, 2]
    assert table["calls"].tolist() == [15, 15]
    expected = {"p50_ns": 120_000, "call_p50_ns": 72_000, "ready_p50_ns": 96_000, "control_p50_ns": 60_000, "rel": 2}
    expected |= {"parent_faults": 40, "child_faults": 57, "child_sys_ns": 40_000, "parent_switches": 1}
    for column, value in expected.items():
        assert table[column].tolist() == [value, value], column


def test_page_faults_are_weighted_by_the_calls_of_their_block(tmp_path: Path) -> None:
    """A round's faults per call are those of all its calls: 1 call of 100 and 3 calls of 20 are 40 a call."""
    cell = FakeCell(calls=1, blocks=2, control="")
    run = load_run(write_run(tmp_path, FakeRun(cells=(cell,), rounds=1, noise=QUIET)))
    assert len(run.samples) == 3  # read while they fit the blocks
    blocks = run.blocks
    blocks.loc[blocks["block"] == 0, ["calls", "parent_faults", "child_faults"]] = [1, 100.0, np.nan]
    blocks.loc[blocks["block"] == 1, ["calls", "parent_faults", "child_faults"]] = [3, 20.0, 7.0]
    blocks["parent_sys_ns"] = np.nan
    table = round_table(run)
    assert table["parent_faults"].tolist() == [40.0]
    assert table["child_faults"].tolist() == [7.0]
    assert table["parent_sys_ns"].isna().all()


@pytest.mark.parametrize("torn", [False, True])
def test_a_run_without_complete_rounds_has_an_empty_table(tmp_path: Path, torn: bool) -> None:
    """No complete round: no row, whatever there is of the first one, and the same columns as ever."""
    run = load_run(write_run(tmp_path, FakeRun(rounds=0, torn=torn)))
    assert len(run.samples) > 0 if torn else len(run.samples) == 0
    assert warm_calls(run).empty
    table = round_table(run)
    assert table.empty
    assert list(table.columns)[:3] == ["cell", "round", "calls"]
