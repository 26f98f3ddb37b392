"""What other runs of a machine teach of the spread between runs, worked out by hand from runs without noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.compare.spread import MOST_RUNS, PRIOR_FREEDOM, Spreads, learn
from analysis.read.run import load_run
from tests.analysis.compare.quiet_runs import FORK, LADDER, NATIVE, quiet
from tests.edit_run import scale_rounds

FORK_CELL = ("os_fork", "parent", "bare", "3.11.7")


def learned(results: Path, totals: Sequence[float], **about: object) -> Spreads:
    """What two runs learn from others beside them, in which a fork takes `totals` µs."""
    for number, total in enumerate(totals, 10):
        quiet(results, number, [replace(FORK, total_ns=1000 * total)], **about)
    return learn([load_run(quiet(results, number, [FORK])) for number in (30, 31)])


def test_squares_between_like_runs_correct_the_assumed_spread(tmp_path: Path) -> None:
    """Three runs: two degrees of freedom beside the four of what is assumed, and the variances in proportion."""
    totals = (100.0, 110.0, 90.0)
    spreads = learned(tmp_path, totals)
    found = spreads.of(FORK_CELL, "rel", 0.002, absolute=False)
    squares = float(np.var(np.log(totals))) * 3
    assert spreads.like_runs == 3
    assert found.freedom == PRIOR_FREEDOM + 2 == 6
    assert found.value == pytest.approx(math.sqrt((4 * 0.002**2 + squares) / 6), rel=1e-6)
    # Times in whole ns, and the same control.
    absolute = spreads.of(FORK_CELL, "p50_ns", 0.05, absolute=True)
    assert absolute.value == pytest.approx(math.sqrt((4 * 0.05**2 + squares) / 6), rel=1e-6)


def test_what_rounds_tell_is_no_spread_between_runs(tmp_path: Path) -> None:
    """Runs whose rounds explain all that they differ by leave less than what was assumed, never less than nothing."""
    totals = (100.0, 100.1)
    for number, total in enumerate(totals, 10):
        run = quiet(tmp_path, number, [replace(FORK, total_ns=1000 * total)])
        scale_rounds(run, {(0, "mechanism"): [value**5 for value in LADDER]})
    found = learned(tmp_path, ()).of(FORK_CELL, "rel", 0.002, absolute=False)
    assert found.freedom == 5
    assert found.value == pytest.approx(0.002 * math.sqrt(4 / 5))


def test_nothing_is_learned_from_one_run_or_unlike_ones(tmp_path: Path) -> None:
    """A single run, runs of another cell, or of another kernel than each other: the spread stays assumed."""
    assert learned(tmp_path / "one", (100.0,)).like_runs == 0
    quiet(tmp_path / "unlike", 5, [FORK], document={"machine_facts": {"kernel": "6.1"}})
    assert learned(tmp_path / "unlike", (100.0,)).like_runs == 0
    others = learned(tmp_path / "other", (100.0, 120.0))
    for cell, column in ((("os_fork", "rss", "1GiB", "3.11.7"), "rel"), (FORK_CELL, "rel")):
        found = others.of(cell, column, 0.002, absolute=False)
        assert (found.freedom == math.inf) is (cell != FORK_CELL)
    assert learned(tmp_path / "few", (100.0, 120.0), rounds=5).learned == {}


def test_compared_and_damaged_runs_and_other_machines_teach_nothing(tmp_path: Path) -> None:
    """Only what lies beside the compared runs counts, they themselves do not, and what cannot be read is passed by."""
    quiet(tmp_path, 3, [replace(FORK, total_ns=1e6)], machine="another")
    (quiet(tmp_path, 4, [FORK]) / "blocks.csv").unlink()
    for number in (10, 11):
        quiet(tmp_path / "two", number, [FORK])
    assert learned(tmp_path, ()).like_runs == 0
    assert learned(tmp_path / "two", ()).like_runs == 2


def test_the_newest_runs_are_enough(tmp_path: Path) -> None:
    """Of more runs than `MOST_RUNS` the newest count: the odd one before them is not seen."""
    spreads = learned(tmp_path, (900.0, *[100.0] * MOST_RUNS))
    assert spreads.like_runs == MOST_RUNS
    found = spreads.of(FORK_CELL, "rel", 0.002, absolute=False)
    assert found.value < 0.002


def test_a_run_that_drifts_within_itself_widens_absolute_intervals(tmp_path: Path) -> None:
    """A slowest third of 1.5 times the fastest is a standard deviation of log(1.5) / 1.69, more than 5 %."""
    check = {
        **{"name": "drift", "value": 1.5, "unit": "ratio", "bound": 1.5, "direction": "at_most", "state": "passed"},
        "text": "",
    }
    run = quiet(tmp_path, 1, [FORK, NATIVE], document={"certificate": {"checks": [check], "passed": True}})
    spreads = learn([load_run(run), load_run(quiet(tmp_path, 2, [FORK, NATIVE]))])
    assert spreads.of(FORK_CELL, "p50_ns", 0.05, absolute=True).value == pytest.approx(math.log(1.5) / 1.69)
    assert spreads.of(FORK_CELL, "rel", 0.002, absolute=False).value == 0.002
    assert spreads.of(FORK_CELL, "p50_ns", 0.4, absolute=True).value == 0.4
