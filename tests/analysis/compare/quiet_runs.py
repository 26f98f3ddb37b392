"""Turns cells into runs without noise, whose comparisons can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

Compare = Callable[..., dict[str, Any]]
Refuse = Callable[..., str]

FORK = FakeCell(calls=3, blocks=1)
SPAWN = FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", calls=3, blocks=1, path="posix_spawn")
NATIVE = FakeCell("native_fork", 65_000.0, work="control", control="", calls=3, blocks=1)
NOOP = FakeCell("noop", 150.0, work="baseline", control="", calls=3, blocks=1)
# A round takes as many times as long as its place here says; the middle four of the logarithms are around .025.
LADDER = [math.exp(step / 100) for step in range(6)]
# Of six such values: winsorised sum of squares .00095, by 4 * 3.
LADDER_ERROR = math.sqrt(0.00095 / 12)


ASSUMED = (
    "spread between runs: assumed (relative 0.2 %, absolute 5 %), since no two other runs with the same set-up lie "
    "beside these"
)


def quiet(results: Path, number: int, cells: Sequence[FakeCell], **about: Any) -> Path:
    """Write a run in which every call of a cell takes the same time; `number` is in its name."""
    fields: dict[str, Any] = {"rounds": 6, "noise": QUIET, "run": f"20261124T{number:02}0000Z"}
    return write_run(results, FakeRun(cells=cells, **(fields | about)))


def reach(spread: float, comparisons: int = 1, runs: float = 2.0) -> float:
    """Half the width of the interval between runs without noise: `runs` is the sum of 1 / runs over both sides."""
    return float(stats.norm.ppf(1 - 0.025 / comparisons)) * spread * math.sqrt(runs)


def half(row: dict[str, Any], name: str) -> float:
    """Half the width of the interval of ``relative`` or ``absolute``, on logarithms, checked to be around its ratio."""
    lo, ratio, hi = (math.log(row[f"{name}_{part}"]) for part in ("lo", "ratio", "hi"))
    assert ratio - lo == pytest.approx(hi - ratio, abs=4e-6)
    return (hi - lo) / 2
