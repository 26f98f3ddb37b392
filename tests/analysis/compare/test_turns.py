"""Whether runs of two sides were measured in turn, from the times at which they began."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.compare.turns import Turn, turns
from analysis.read.run import Run, load_run
from tests.analysis.compare.quiet_runs import NATIVE, quiet


def sides(results: Path, order: str) -> tuple[Sequence[Run], Sequence[Run]]:
    """Runs of side b(ase) and n(ew) in the order of time, each side given latest first."""
    made = [(side, load_run(quiet(results, hour, [NATIVE]))) for hour, side in enumerate(order)]
    base, new = ([run for side, run in reversed(made) if side == which] for which in "bn")
    return base, new


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("bnbn", [Turn(1, 1), Turn(0, 0)]),
        ("bnnb", [Turn(1, 1), Turn(0, 0)]),
        ("nbbnnb", [Turn(2, 2), Turn(1, 1), Turn(0, 0)]),
        ("bn", []),
        ("bbnn", []),
        ("bnb", []),
        ("bnbb", []),
        ("bnbnn", []),
        ("bbbnnn", []),
        ("b", []),
    ],
)
def test_runs_are_in_turn_where_neighbours_in_time_are_of_unlike_sides(
    tmp_path: Path, order: str, expected: list[Turn]
) -> None:
    """Two by two in the order of time, whatever the order in which runs were named; one pair is no turn."""
    assert turns(*sides(tmp_path, order)) == expected
