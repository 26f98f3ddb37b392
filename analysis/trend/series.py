"""Turns runs into series, one for each machine, mechanism and measure, with their changes and what differed in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from analysis.compare.differences import Difference, differences
from analysis.compare.releases import without_digests
from analysis.errors import LoadError
from analysis.read.run import Run
from analysis.summary.stored import summary_of
from analysis.trend.change import LEVEL, Change, enough_runs, find_changes, noise
from bench.schema import state_name
from bench.schema.usage import near

DEFAULT_MECHANISM = "os_fork"
BARE = "parent=bare"


class Measure(StrEnum):
    """What is followed: ns, or times as long as the control in C."""

    RELATIVE = "relative"
    ABSOLUTE = "absolute"


_COLUMNS = {
    Measure.RELATIVE: ("rel_p50", "rel_lo", "rel_hi"),
    Measure.ABSOLUTE: ("p50_ns", "p50_lo_ns", "p50_hi_ns"),
}


@dataclass(frozen=True)
class Point:
    """The latency of one run: its median and interval (ns or a ratio; NaN: no interval). `place` is that in time."""

    run: Run
    place: int
    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class ShownChange:
    """A change, with the run before it, the first run that shows it, and what is not the same in these two."""

    change: Change
    before: Run
    first: Point
    differences: Sequence[Difference]


@dataclass(frozen=True)
class Series:
    """One mechanism on one machine by one measure, in the order of time.

    `python` is empty where every run measured one interpreter: a new Python is then a change of the series. `noise` is
    what runs scatter between changes (0.01: 1 %), `level` the risk of a false alarm, `missing` how many more runs
    make a verdict possible.
    """

    machine: str
    mechanism: str
    python: str
    measure: Measure
    points: Sequence[Point]
    changes: Sequence[ShownChange]
    noise: float
    level: float
    missing: int

    @property
    def name(self) -> str:
        """Mechanism and interpreter in words; the machine stands apart."""
        return f"{self.mechanism} Python {self.python}" if self.python else self.mechanism


@dataclass(frozen=True)
class Trend:
    """All series of the chosen runs, and the label by which they were chosen."""

    runs: Sequence[Run]
    series: Sequence[Series]
    label: str | None = None
    scenario: str = BARE

    @property
    def machines(self) -> list[str]:
        """The machines that have a series."""
        return list(dict.fromkeys(one.machine for one in self.series))


def trend_of(
    runs: Iterable[Run],
    mechanisms: Sequence[str] = (),
    label: str | None = None,
    scenario: str = BARE,
    summary: Callable[[Run], pd.DataFrame] = summary_of,
) -> Trend:
    """The series of `mechanisms` (none: `DEFAULT_MECHANISM`) with `scenario` over `runs` (with `label`).

    A user's program (``program=server.py``) is followed whatever its content was. `summary` gives the summary of a run,
    for those who have it already. Raises `LoadError` where nothing
    is left, or no run has one of the mechanisms.
    """
    chosen = sorted((run for run in runs if label is None or run.document.label == label), key=_in_time)
    if not chosen:
        labelled = f" with the label {label}" if label is not None else ""
        raise LoadError(f"no run{labelled} to follow; make one with: make bench{' LABEL=' + label if label else ''}")
    wanted = list(dict.fromkeys(mechanisms)) or [DEFAULT_MECHANISM]
    rows = _rows(chosen, scenario, summary)
    _check(wanted, rows, chosen, scenario)
    keys = [
        (*key, measure)
        for key in rows[["machine", "mechanism", "series_python"]].drop_duplicates().itertuples(index=False)
        for measure in Measure
        if key[1] in wanted
    ]
    keys.sort(key=lambda key: (key[0], wanted.index(key[1]), key[2]))
    points = {key: _points(rows, chosen, key) for key in keys}
    # The measures are two views of the same calls: the risk is shared among the series of each.
    shared = Counter((key[0], key[3]) for key in keys if points[key])
    series = [_series(key, points[key], LEVEL / shared[key[0], key[3]]) for key in keys if points[key]]
    if not series:
        raise LoadError(f"{', '.join(wanted)}: no run has a figure of it with {scenario}")
    return Trend(chosen, series, label, scenario)


def _in_time(run: Run) -> tuple[str, str]:
    return run.name, run.machine


def _rows(runs: Sequence[Run], scenario: str, summary_of_run: Callable[[Run], pd.DataFrame]) -> pd.DataFrame:
    """A row for every cell of `scenario` in every run, with the run's place in time."""
    several = {run.machine for run in runs if run.cells["python"].nunique() > 1}
    frames = []
    for place, run in enumerate(runs):
        summary = summary_of_run(run)
        rows = summary[[scenario in (state, without_digests(state)) for state in _states(summary)]].copy()
        rows["series_python"] = rows["python"] if run.machine in several else ""
        frames.append(rows.assign(place=place, machine=run.machine))
    return pd.concat(frames, ignore_index=True)


def _states(cells: pd.DataFrame) -> list[str]:
    """The parent of each cell, as it is written behind --scenario."""
    return [state_name(str(scenario), str(level)) for scenario, level in cells[["scenario", "level"]].to_numpy()]


def _check(wanted: Sequence[str], rows: pd.DataFrame, runs: Sequence[Run], scenario: str) -> None:
    count = f"any of {len(runs)} runs" if len(runs) > 1 else runs[0].name
    if rows.empty:
        states = {without_digests(state) for run in runs for state in _states(run.cells)}
        raise LoadError(
            f"--scenario {scenario}: not in {count}{near(scenario, states)}; there is {', '.join(sorted(states))}"
        )
    there = list(dict.fromkeys(rows["mechanism"]))
    for name in wanted:
        if name not in there:
            raise LoadError(
                f"--mechanism {name}: not in {count} with {scenario}{near(name, there)}; there is {', '.join(there)}"
            )


def _points(rows: pd.DataFrame, runs: Sequence[Run], key: tuple[str, str, str, Measure]) -> list[Point]:
    machine, mechanism, python, measure = key
    median, lo, hi = _COLUMNS[measure]
    chosen = (rows["machine"] == machine) & (rows["mechanism"] == mechanism) & (rows["series_python"] == python)
    mine = rows[chosen & (rows[median] > 0)].drop_duplicates("place")
    columns = (mine["place"], mine[median], mine[lo], mine[hi])
    return [
        Point(runs[place], place, float(value), float(low), float(high))
        for place, value, low, high in zip(*columns, strict=True)
    ]


def _series(key: tuple[str, str, str, Measure], points: Sequence[Point], level: float) -> Series:
    machine, mechanism, python, measure = key
    values = [point.value for point in points]
    changes = find_changes(values, level, wanders=measure is Measure.ABSOLUTE)
    return Series(
        machine,
        mechanism,
        python,
        measure,
        points,
        [_shown(change, points) for change in changes],
        noise(values, changes) if len(values) > 1 else math.nan,
        level,
        max(0, enough_runs(level) - len(points)),
    )


def _shown(change: Change, points: Sequence[Point]) -> ShownChange:
    before, first = points[change.first - 1].run, points[change.first]
    return ShownChange(change, before, first, differences([before.document], [first.run.document]))
