"""Turns the summaries of runs into the latency of the core mechanisms from run to run, relative and absolute.

It is not part of a run's report, which shows that run alone. `plot` of several runs draws it:

    rows = pd.concat([across_runs.rows_of(run, summary) for run, summary in oldest_first])
    picture = across_runs.draw(rows)  # a `Picture`; its `reason` says why there is none
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, Picture, dots, marks, palette, style, to_picture
from analysis.read.run import Run
from analysis.text import units
from bench.schema import CORE

NAME, TITLE = "across_runs", "From run to run"
RELATIVE = ("rel_p50", "rel_lo", "rel_hi")
ABSOLUTE = ("p50_ns", "p50_lo_ns", "p50_hi_ns")
TITLES = {RELATIVE: "÷ C control", ABSOLUTE: "time"}
COLUMNS = ("python", "mechanism", "calls", *ABSOLUTE, *RELATIVE)
MOST_LABELS = 10
LONGEST_LABEL = 24
PANEL_IN = 0.95


def rows_of(run: Run, summary: pd.DataFrame) -> pd.DataFrame:
    """The core mechanisms of one run in a bare parent: `COLUMNS`, ``run``, ``label``, ``machine``, ``partial``."""
    bare = (summary["scenario"] == "parent") & (summary["level"] == "bare") & summary["p50_ns"].notna()
    rows = summary[bare & summary["mechanism"].isin(CORE)][list(COLUMNS)]
    label = run.document.label or ""
    return rows.assign(run=run.name, label=label, machine=run.machine, partial=run.partial)


def in_time(rows: pd.DataFrame) -> pd.DataFrame:
    """The `rows` of several runs with ``place`` (of the run in time, from 0) and ``series`` (what goes through runs).

    Raises `NoPicture` where there are fewer than two runs.
    """
    if rows.empty:
        raise NoPicture(f"none of {', '.join(f'`{name}`' for name in CORE)} was measured in a bare parent")
    order = rows["mechanism"].map({name: index for index, name in enumerate(CORE)})
    frame = rows.assign(_core=order).sort_values(["run", "machine", "_core"], ignore_index=True, kind="stable")
    frame = frame.drop(columns="_core").assign(place=frame.groupby(["run", "machine"]).ngroup())
    if frame["place"].nunique() < 2:
        raise NoPicture("it takes two runs, and this is one")
    several = frame["machine"].nunique() > 1
    return frame.assign(series="Python " + frame["python"] + (" on " + frame["machine"] if several else ""))


def says(frame: pd.DataFrame) -> str:
    """How far the runs of each mechanism lie apart, relative and absolute, for the interpreter of the newest run."""
    newest = frame[frame["place"] == frame["place"].max()].iloc[0]
    rows = frame[frame["series"] == newest["series"]]
    count = rows["place"].nunique()
    if count < 2:
        return f"The newest run ({newest['series']}) has no like among the others. Each series has one point only."
    parts = []
    for name, each in rows.groupby("mechanism", sort=False):
        relative = f"{_spread(each, 'rel_p50')} relative, " if each["rel_p50"].notna().sum() > 1 else ""
        if len(each) > 1:
            parts.append(f"`{name}` {relative}{_spread(each, 'p50_ns')} absolute")
    return f"Medians of {count} runs ({newest['series']}) lie apart by up to: {'; '.join(parts)}."


def _spread(rows: pd.DataFrame, column: str) -> str:
    return f"{100 * (rows[column].max() / rows[column].min() - 1):.2g} %"


def draw(rows: pd.DataFrame) -> Picture:
    """The figure of `rows` (see `rows_of`), or the reason why there is none."""
    try:
        frame = in_time(rows)
    except NoPicture as reason:
        return Picture(NAME, TITLE, reason=str(reason))
    machines = frame["machine"].unique()
    footnote = str(machines[0]) if len(machines) == 1 else f"{len(machines)} machines"
    return to_picture(NAME, TITLE, drawing, says(frame), frame, footnote)


def drawing(frame: pd.DataFrame) -> Figure:
    """A row a mechanism: on the left relative, on the right absolute; runs evenly spaced in order of time."""
    names = [name for name in CORE if name in set(frame["mechanism"])]
    series = list(dict.fromkeys(frame["series"]))
    kinds = [RELATIVE, ABSOLUTE] if frame["rel_p50"].notna().any() else [ABSOLUTE]
    picture = style.new_figure(1.75 + PANEL_IN * len(names) + 0.13 * len(series))
    panels = picture.subplots(len(names), len(kinds), sharex=True, squeeze=False)
    for name, line in zip(names, panels, strict=True):
        rows = frame[frame["mechanism"] == name]
        for axes, columns in zip(line, kinds, strict=True):
            _draw_panel(axes, rows, columns, series)
            axes.set_title(f"{name}, {TITLES[columns]}", fontsize=6.5)
    for axes in panels[-1]:
        _label_runs(axes, frame)
    hollow = frame[[columns[1] for columns in kinds]].isna().to_numpy().any()
    note = f"{series[0]}. " if len(series) == 1 else ""
    note += "Pale bars: 95 % intervals, where wider than the dot."
    style.note(picture, note + (" Hollow: the run has too few rounds for an interval." if hollow else ""))
    style.legend(picture, _handles(series, bool(hollow)), 1 if frame["machine"].nunique() > 1 else 2)
    return picture


def _draw_panel(axes: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], series: list[str]) -> None:
    median, lo, hi = columns
    known = rows[rows[median].notna()]
    for place, name in enumerate(series):
        chosen = known[known["series"] == name]
        if chosen.empty:
            continue
        mechanism = str(chosen["mechanism"].iloc[0])
        look = _look(mechanism, place, series)
        aside = (place - (len(series) - 1) / 2) * min(0.14, 0.6 / len(series))
        at = chosen["place"] + aside
        (line,) = axes.plot(at, chosen[median], color=look.colour, linewidth=0.6, linestyle=_dash(place), zorder=2)
        marks.follow(line, mechanism)
        for x, row in zip(at, chosen.to_dict("records"), strict=True):
            values = row[median], row[lo], row[hi]
            hollow = not (units.known(row[lo]) and units.known(row[hi]))
            dot = dots.dot_with_interval(axes, "y", x, values, look, hollow)
            marks.mark(dot, mechanism, f"{mechanism}, {row['run']}, {name}", _words(row, columns))
    ends = [value for column in columns for value in known[column] if units.known(value)]
    if ends:
        style.linear_axis(axes, _limits(ends), "time" if columns == ABSOLUTE else "ratio")
    axes.grid(axis="x", visible=False)


def _look(mechanism: str, place: int, series: list[str]) -> palette.Look:
    """The colour is that of the mechanism; where several series share a panel, the marker tells them apart."""
    look = palette.look_of(mechanism)
    return look if len(series) == 1 else palette.Look(look.colour, _marker(place))


def _marker(place: int) -> str:
    return palette.MARKERS[place % len(palette.MARKERS)]


def _dash(place: int) -> Any:
    return style.DASHES[place % len(style.DASHES)]


def _words(row: dict[Any, Any], columns: tuple[str, str, str]) -> str:
    values = (row[name] for name in columns)
    text = units.time_text(*values) if columns == ABSOLUTE else f"{units.ratio_text(*values)} times its control"
    return f"{text}, {units.count_text(row['calls'], 'call')}"


def _limits(values: list[float]) -> tuple[float, float]:
    """Limits of a linear axis around the values. They span at least 10 %: a small change must not look large."""
    lo, hi = min(values), max(values)
    room = max(0.08 * (hi - lo), (0.1 * hi - (hi - lo)) / 2)
    return lo - room, hi + room


def _label_runs(axes: Axes, frame: pd.DataFrame) -> None:
    """Name runs by their start and label, every second or third one where there are many."""
    runs = frame.drop_duplicates("place").set_index("place")
    labelled = list(range(len(runs) - 1, -1, -math.ceil(len(runs) / MOST_LABELS)))
    texts = [_run_text(run) for run in runs.to_dict("records")]
    labels = [texts[place] for place in labelled]
    axes.set_xticks(labelled, labels, rotation=90, fontsize=5.5)
    axes.set_xlim(-0.6, len(runs) - 0.4)
    axes.set_xlabel("run, by its start (UTC)")


def _run_text(run: dict[Any, Any]) -> str:
    name = str(run["run"])
    words = [f"{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]}"]
    words += [str(run["label"])] if run["label"] else []
    words += ["partial"] if run["partial"] else []
    text = ", ".join(words)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _handles(series: list[str], hollow: bool) -> list[Line2D]:
    """Interpreters and machines where there are several, and what a hollow dot is."""
    handles = []
    for place, name in enumerate(series if len(series) > 1 else []):
        line = Line2D([], [], color=palette.BLACK, linewidth=0.6, linestyle=_dash(place), marker=_marker(place))
        line.set(markersize=dots.DOT_PT, markeredgewidth=0, label=name)
        handles.append(line)
    if hollow:
        dot = Line2D([], [], linewidth=0, marker="o", markerfacecolor="white", markeredgecolor=palette.BLACK)
        dot.set(markersize=dots.DOT_PT, markeredgewidth=0.8, label="no interval")
        handles.append(dot)
    return handles
