"""Turns the runs of a machine into what its page shows of them over time: a trend for each label, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from analysis.errors import LoadError
from analysis.read.document import read_document
from analysis.read.run import Run
from analysis.report.page_figure import Link, PageFigure, page_figure
from analysis.site.entries import BARE, RunEntry
from analysis.site.files import place_name
from analysis.site.run_page import svg_file
from analysis.trend.change import LEVEL, enough_runs
from analysis.trend.picture import pictures
from analysis.trend.series import Series, Trend, trend_of
from analysis.trend.text import HEAD, change_lines, footnotes, rows_of, to_csv, value_text

# One way for each of the kinds of work that most programs choose among.
FOLLOWED = ("os_fork", "posix_spawn", "mp_spawn")
COLUMNS = ("mechanism", "measure", "verdict", "first", "newest", "noise", "runs")
POINT_COLUMNS = ("run", "mechanism", "measure", "value")
_NUMBERS = ("p50_ns", "p50_lo_ns", "p50_hi_ns", "rel_p50", "rel_lo", "rel_hi")
# A trend needs no more than the page of a run has: to read its tables again takes as long as its page.
_NO_ROWS = pd.DataFrame()


@dataclass(frozen=True)
class TrendShown:
    """The trend of the runs with one label (empty: without); `reason` says why there is none.

    `rows` stand under `columns`, `points` under `point_columns`: what the figure shows, run by run.
    """

    label: str
    name: str
    count: int
    reason: str = ""
    columns: Sequence[str] = COLUMNS
    rows: Sequence[Sequence[str]] = ()
    changes: Sequence[str] = ()
    notes: Sequence[str] = ()
    point_columns: Sequence[str] = POINT_COLUMNS
    points: Sequence[Sequence[str]] = ()
    figures: Sequence[PageFigure] = ()
    csv: str = ""


def trends(runs: Sequence[tuple[RunEntry, Path]]) -> tuple[list[TrendShown], dict[str, bytes]]:
    """The trends of a machine's runs, those without a label first, and the files of their page by place."""
    shown: list[TrendShown] = []
    files: dict[str, bytes] = {}
    labels = sorted({entry.label for entry, _ in runs})
    for number, label in enumerate(labels):
        mine = [(entry, path) for entry, path in runs if entry.label == label]
        name = place_name(f"trend-{label}" if label else "trend")
        name = name if name.startswith("trend") else f"trend-{number}"
        trend, beside = _trend(label, name, mine)
        shown.append(trend)
        files |= beside
    return shown, files


def _trend(label: str, name: str, runs: Sequence[tuple[RunEntry, Path]]) -> tuple[TrendShown, dict[str, bytes]]:
    there = {cell.mechanism for entry, _ in runs for cell in entry.cells if cell.state == BARE}
    mechanisms = [mechanism for mechanism in FOLLOWED if mechanism in there]
    if len(runs) < 2:
        missing = f"A second one makes a picture, and {enough_runs(LEVEL)} can tell a change from noise."
        return TrendShown(label, name, len(runs), reason=missing), {}
    if not mechanisms:
        reason = f"None of these runs has {', '.join(FOLLOWED)} in a bare parent."
        return TrendShown(label, name, len(runs), reason=reason), {}
    try:
        known = {path: cells_of(entry) for entry, path in runs}
        light = [Run(path, read_document(path), cells, _NO_ROWS, _NO_ROWS) for path, cells in known.items()]
        trend = trend_of(light, mechanisms, summary=lambda run: known[run.path])
    except LoadError as problem:
        return TrendShown(label, name, len(runs), reason=str(problem)), {}
    followed = [one for one in trend.series if len(one.points) > 1]
    if not followed:
        reason = "No two of these runs measured the same mechanism with the same Python in a bare parent."
        return TrendShown(label, name, len(runs), reason=reason), {}
    return _shown(label, name, len(runs), replace(trend, series=followed))


def _shown(label: str, name: str, count: int, trend: Trend) -> tuple[TrendShown, dict[str, bytes]]:
    drawn = pictures(trend)
    files: dict[str, bytes] = {f"{name}.csv": to_csv(trend).encode()}
    figures = []
    for number, svg in enumerate(each for each in drawn if each.endswith(".svg")):
        own = f"{name}-{number}" if number else name
        links = [Link(f"{own}.{kind}", kind.upper()) for kind in ("svg", "png")]
        title = f"From run to run{f', label {label}' if label else ''}"
        figure = page_figure(own, title, finding(trend), drawn[svg], links)
        figures.append(figure)
        files |= {f"{own}.svg": svg_file(figure), f"{own}.png": drawn[svg.removesuffix("svg") + "png"]}
    return (
        TrendShown(
            label,
            name,
            count,
            rows=[[row[HEAD.index(name)] for name in COLUMNS] for row in rows_of(trend)],
            changes=[line for one in trend.series for line in change_lines(one)],
            notes=footnotes(trend),
            points=[row for one in trend.series for row in _points(one)],
            figures=figures,
            csv=f"{name}.csv",
        ),
        files,
    )


def finding(trend: Trend) -> str:
    """What a trend shows, in a sentence or two."""
    changed = [one for one in trend.series if one.changes]
    if changed:
        names = ", ".join(dict.fromkeys(f"`{one.mechanism}` ({one.measure})" for one in changed))
        return f"Over {len(trend.runs)} runs, {names} changed by more than runs scatter."
    missing = max((one.missing for one in trend.series), default=0)
    if missing:
        more = f"{missing} more run{'' if missing == 1 else 's'}"
        return f"{len(trend.runs)} runs make a picture; a verdict on changes needs {more}."
    return f"Over {len(trend.runs)} runs, nothing changed by more than runs scatter."


def _points(series: Series) -> Iterator[list[str]]:
    for point in series.points:
        partial = " (partial)" if point.run.partial else ""
        yield [f"{point.run.name}{partial}", f"`{series.name}`", str(series.measure), value_text(series.measure, point)]


def cells_of(entry: RunEntry) -> pd.DataFrame:
    """The measured cells of a run as its page shows them, with the columns of a summary that a trend is made of."""
    states = [cell.state.partition("=") for cell in entry.cells]
    return pd.DataFrame(
        {
            "scenario": [scenario for scenario, _, _ in states],
            "level": [level for _, _, level in states],
            **{name: [getattr(cell, name) for cell in entry.cells] for name in ("python", "mechanism")},
            **{name: pd.Series([getattr(cell, name) for cell in entry.cells], dtype=float) for name in _NUMBERS},
        }
    )
