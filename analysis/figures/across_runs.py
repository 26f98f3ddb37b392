"""Turns the runs of a machine into the latency of a fork from run to run, absolute and relative."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.errors import LoadError
from analysis.figures import NoPicture, figure, palette, style
from analysis.read.run import Run, load_run
from analysis.read.table import read_table
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import summarise
from analysis.text import units
from bench import schema

MECHANISM = "os_fork"
COLUMNS = ("p50_ns", "p50_lo_ns", "p50_hi_ns", "rel_p50", "rel_lo", "rel_hi")
MOST_LABELS = 5


def summary_of(run: Run) -> pd.DataFrame:
    """The run's summary. It is read from summary.csv if that holds all rounds: reading every call takes seconds."""
    stored = stored_summary(run)
    return summarise(run) if stored is None else stored


def stored_summary(run: Run) -> pd.DataFrame | None:
    """What summary.csv says, which needs no blocks; ``None``: there is none that holds all rounds."""
    try:
        summary = read_table(run.path, schema.SUMMARY, run.document, set(run.cells["cell"]))
    except LoadError:
        return None
    if len(summary) != len(run.cells) or (summary["rounds"].max() if len(summary) else 0) != run.rounds:
        return None
    # A text that a spreadsheet would calculate is marked in summary.csv; cells.csv has it as it is.
    cells = run.cells.set_index("cell").loc[summary["cell"]]
    return summary.assign(**{name: cells[name].to_numpy() for name in ("python", "mechanism", "scenario", "level")})


def _fork_rows_of_each_run(analysed: AnalysedRun) -> Iterator[pd.DataFrame]:
    """The forks of every readable run, oldest first. A run that cannot be read is left out."""
    own = analysed.run.path.resolve()
    for path in analysed.runs_over_time or [analysed.run.path]:
        try:
            here = Path(path).resolve() == own
            run = analysed.run if here else load_run(path)
            summary = analysed.summary if here else summary_of(run)
        except LoadError:
            continue
        chosen = (summary["mechanism"] == MECHANISM) & (summary["scenario"] == "parent") & (summary["level"] == "bare")
        rows = summary[chosen & summary["p50_ns"].notna()][["python", *COLUMNS]]
        yield rows.assign(run=run.name, machine=run.machine, partial=run.partial)


def data(analysed: AnalysedRun) -> pd.DataFrame:
    """One row for every run and interpreter: `COLUMNS`, ``run``, ``machine``, ``partial``, ``place`` in time from 0."""
    rows_of_runs = [rows for rows in _fork_rows_of_each_run(analysed) if not rows.empty]
    if not rows_of_runs:
        raise NoPicture(f"no run of this machine has `{MECHANISM}` in a bare parent")
    frame = pd.concat(rows_of_runs, ignore_index=True).sort_values(["run", "machine"], ignore_index=True, kind="stable")
    several = frame["machine"].nunique() > 1
    series = "Python " + frame["python"] + (" on " + frame["machine"] if several else "")
    place = frame.groupby(["run", "machine"]).ngroup()
    return frame.assign(series=series, place=place)


def _spread_percent(rows: pd.DataFrame, column: str) -> str:
    return f"{100 * (rows[column].max() / rows[column].min() - 1):.2g} %"


def says(frame: pd.DataFrame) -> str:
    """The newest run's figures, and how far apart the runs of its interpreter lie."""
    newest = frame[frame["place"] == frame["place"].max()].iloc[0]
    rows = frame[frame["series"] == newest["series"]]
    absolute = units.time_text(newest["p50_ns"], newest["p50_lo_ns"], newest["p50_hi_ns"])
    relative = units.ratio_text(newest["rel_p50"], newest["rel_lo"], newest["rel_hi"])
    has_control = units.known(newest["rel_p50"])
    beside_control = f", {relative} times as long as its C control" if has_control else " (it has no C control)"
    newest_text = f"`{MECHANISM}` takes {absolute}{beside_control}"
    if len(rows) < 2:
        return f"There is one run so far ({newest['series']}): {newest_text}. A second run will show what changed."
    spread = f"the absolute medians lie up to {_spread_percent(rows, 'p50_ns')} apart"
    if rows["rel_p50"].notna().sum() > 1:
        spread += f", the relative ones up to {_spread_percent(rows, 'rel_p50')}"
    return f"In the newest of {len(rows)} runs ({newest['series']}), {newest_text}. Over these runs, {spread}."


def _draw_panel(axes: Axes, frame: pd.DataFrame, columns: tuple[str, str, str], series: list[str]) -> None:
    median, lo, hi = columns
    for index, name in enumerate(series):
        rows = frame[(frame["series"] == name) & frame[median].notna()]
        shift = (index - (len(series) - 1) / 2) * min(0.14, 0.6 / len(series))
        places, colour = rows["place"] + shift, palette.COLOURS[index % len(palette.COLOURS)]
        axes.plot(places, rows[median], color=colour, linewidth=0.6, zorder=2)
        axes.vlines(
            places, rows[lo].fillna(rows[median]), rows[hi].fillna(rows[median]), color=colour, linewidth=2.0, zorder=3
        )
        for part, fill in ((rows[~rows["partial"]], colour), (rows[rows["partial"]], "white")):
            marker = palette.MARKERS[index % len(palette.MARKERS)]
            axes.plot(
                part["place"] + shift,
                part[median],
                linewidth=0,
                marker=marker,
                zorder=4,
                markerfacecolor=fill,
                markeredgecolor=colour,
                markeredgewidth=0.8,
            )


def _label_runs(axes: Axes, frame: pd.DataFrame) -> None:
    names = frame.drop_duplicates("place").set_index("place")["run"]
    labelled = list(range(len(names) - 1, -1, -math.ceil(len(names) / MOST_LABELS)))
    labels = [f"{run[:4]}-{run[4:6]}-{run[6:8]}\n{run[9:11]}:{run[11:13]}:{run[13:15]}" for run in names.loc[labelled]]
    axes.set_xticks(labelled, labels)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel("run, named by its start (UTC)")


def _limits(values: pd.Series) -> tuple[float, float]:
    """Limits of a linear axis around the values. They span at least 10 %: a small change must not look large."""
    lo, hi = float(values.min()), float(values.max())
    room = max(0.08 * (hi - lo), (0.1 * hi - (hi - lo)) / 2)
    return lo - room, hi + room


@figure("across_runs", f"{MECHANISM} from run to run", order=4, data=data, says=says, across=True)
def draw(frame: pd.DataFrame) -> Figure:
    """Above absolute, below relative latency: medians with intervals, runs evenly spaced in order of time."""
    series = list(dict.fromkeys(frame["series"]))
    relative = bool(frame["rel_p50"].notna().any())
    picture = style.new_figure(3.3 if relative else 2.1)
    panels = np.atleast_1d(picture.subplots(1 + relative, 1, sharex=True))
    parts = [("absolute", "time", COLUMNS[:3]), ("relative to its C control", "ratio", COLUMNS[3:])]
    for axes, (title, kind, columns) in zip(panels, parts, strict=False):
        _draw_panel(axes, frame, columns, series)
        axes.set_title(title)
        axes.grid(axis="x", visible=False)
        style.linear_axis(axes, _limits(pd.concat([frame[name] for name in columns])), kind)
    _label_runs(panels[-1], frame)
    handles = [
        Line2D([], [], color=palette.COLOURS[i % 7], marker=palette.MARKERS[i % 7], linewidth=2.0, label=name)
        for i, name in enumerate(series)
    ]
    if frame["partial"].any():
        handles.append(
            Line2D(
                [],
                [],
                marker="o",
                linewidth=0,
                markerfacecolor="white",
                markeredgecolor=palette.BLACK,
                label="partial run",
            )
        )
    style.legend(picture, handles, 2)
    return picture
