"""Turns the summaries of runs of several machines into one figure: relative latency, and absolute beside it.

It is not part of a run's report. `plot` of several runs draws it, and so can whoever has only the figures of cells:

    rows = pd.concat([machines.rows_of(machine, summary) for machine, summary in oldest_first])
    picture = machines.draw(rows)  # a `Picture`; its `reason` says why there is none
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import NoPicture, Picture, dots, palette, style, to_picture
from analysis.figures.marks import mark
from analysis.text import units
from analysis.text.names import RANKED, WORK_TITLES
from bench.schema import state_name

NAME, TITLE = "machines", "Machines side by side"
FIGURES = ("p50_ns", "p50_lo_ns", "p50_hi_ns", "rel_p50", "rel_lo", "rel_hi")
COLUMNS = ("machine", "mechanism", "work", "python", "state", *FIGURES)
"""What `draw` needs of a cell: ``state`` is scenario=level; times in ns; what is not known is missing or ``None``."""
BARE = "parent=bare"
ORDER = ["_work", "_bare", "_group", "_cost"]
MOST_ROWS = 40
MOST_TICKS = 3
MOST_LARGE = 3  # machines whose dots have room in a row
ROW_IN, WORK_IN = 0.15, 0.44
LONGEST_NAME, LONGEST_MACHINE = 26, 44


def rows_of(machine: str, summary: pd.DataFrame) -> pd.DataFrame:
    """The cells of a run's summary (columns as in summary.csv) as rows with `COLUMNS`."""
    states = [state_name(str(row["scenario"]), str(row["level"])) for row in summary.to_dict("records")]
    return summary.assign(machine=machine, state=states)[list(COLUMNS)]


def shared(rows: pd.DataFrame) -> pd.DataFrame:
    """The `rows` of cells that all machines have: with the same mechanism, state, and minor version of Python.

    Of several rows of one machine the last counts: the newest run, if they are in the order of time. Columns besides:
    ``version`` (the minor one), ``name``, ``place`` (of the cell, from 0), ``left_out`` (cells beyond `MOST_ROWS`).
    Bare parents are first. Raises `NoPicture`.
    """
    version = rows["python"].astype(str).str.extract(r"^(\d+\.\d+)", expand=False)
    rows = rows.assign(**{name: pd.to_numeric(rows[name]) for name in FIGURES}, version=version)
    rows = rows[rows["work"].isin(RANKED) & rows["p50_ns"].notna() & rows["version"].notna()]
    key = ["mechanism", "state", "version"]
    rows = rows.drop_duplicates([*key, "machine"], keep="last")
    machines = sorted(rows["machine"].unique())
    if len(machines) < 2:
        raise NoPicture("it takes runs of two machines, and these are of one")
    rows = rows[rows.groupby(key)["machine"].transform("nunique") == len(machines)]
    if rows.empty:
        raise NoPicture("no mechanism was measured on all machines with the same parent and minor version of Python")
    several = rows["version"].nunique() > 1
    cells = rows.groupby(key, sort=False)
    bare = rows["state"] == BARE
    order = rows.assign(
        _bare=~bare,
        _work=[RANKED.index(str(work)) for work in rows["work"]],
        # Other states of a mechanism are in the order in which they were asked for, which is that of their size.
        _group=rows["mechanism"].where(~bare, ""),
        _cost=cells["p50_ns"].transform("mean").where(bare, cells.ngroup()),
    ).sort_values([*ORDER, *key, "machine"])
    names = [_name(row, several) for row in order.to_dict("records")]
    order = order.assign(name=names, place=order.groupby(key, sort=False).ngroup())
    kept = _first_cells(order)
    return kept.assign(left_out=order["place"].nunique() - kept["place"].nunique()).drop(
        columns=["_bare", "_work", "_cost"]
    )


def _first_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of at most `MOST_ROWS` cells, those with a bare parent before others."""
    cells = rows.drop_duplicates("place").sort_values(["_bare", "place"])["place"].head(MOST_ROWS)
    kept = rows[rows["place"].isin(cells)]
    return kept.assign(place=kept["place"].map({old: new for new, old in enumerate(sorted(cells))}))


def _name(row: dict[Any, Any], version: bool) -> str:
    words = [str(row["mechanism"])]
    words += [str(row["state"])] if row["state"] != BARE else []
    words += [f"Python {row['version']}"] if version else []
    return " ".join(words)


def says(frame: pd.DataFrame) -> str:
    """How far machines are apart in the cells where that is least and most: relative to the control, and absolute."""
    sentences = []
    relative = frame[frame.groupby("place")["rel_p50"].transform(lambda values: values.notna().all())]
    if len(relative):
        near, far = _apart(relative, "rel_p50")
        ends = (units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"]) for row in (far.low, far.high))
        least = f", and `{near.low['name']}` least ({near.text})" if near != far else ""
        sentences.append(
            f"Between the machines, relative to the C control, `{far.low['name']}` differs most: from "
            f"{' to '.join(ends)}{least}."
        )
    _, far = _apart(frame, "p50_ns")
    ends = (units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"]) for row in (far.low, far.high))
    sentences.append(f"Of the absolute times, that of `{far.low['name']}` differs most: from {' to '.join(ends)}.")
    return " ".join(sentences)


@dataclass(frozen=True)
class _Ends:
    """One cell: the rows of the machines where it is cheapest and dearest, and how many times as dear."""

    low: dict[str, Any]
    high: dict[str, Any]
    ratio: float

    @property
    def text(self) -> str:
        """``by 3.1 %``, or ``3.1 times``."""
        return f"by {100 * (self.ratio - 1):.2g} %" if self.ratio < 2 else f"{self.ratio:.2g} times"


def _apart(frame: pd.DataFrame, column: str) -> tuple[_Ends, _Ends]:
    """The cells whose machines are nearest to each other, and furthest from each other."""
    cells = []
    for _, rows in frame.groupby("place"):
        ordered = rows.sort_values(column, kind="stable").to_dict("records")
        low, high = ({str(key): value for key, value in row.items()} for row in (ordered[0], ordered[-1]))
        cells.append(_Ends(low, high, float(high[column] / low[column])))
    return min(cells, key=lambda cell: cell.ratio), max(cells, key=lambda cell: cell.ratio)


def draw(rows: pd.DataFrame) -> Picture:
    """The figure of `rows` (see `COLUMNS`; oldest first), or the reason why there is none."""
    try:
        frame = shared(rows)
    except NoPicture as reason:
        return Picture(NAME, TITLE, reason=str(reason))
    left_out = int(frame["left_out"].iloc[0])
    footnote = f"{frame['machine'].nunique()} machines · cells that all have" + (
        f" · the first {MOST_ROWS} of {MOST_ROWS + left_out}" if left_out else ""
    )
    return to_picture(NAME, TITLE, drawing, says(frame), frame, footnote)


def drawing(frame: pd.DataFrame) -> Figure:
    """A row a cell and a colour a machine, with intervals: on the left relative to the control, on the right times.

    Each work has its own axes, so that small differences show where another work has large ones.
    """
    machines = sorted(frame["machine"].unique())
    works = [rows for _, rows in frame.sort_values("place").groupby("work", sort=False)]
    counts = [rows["place"].nunique() for rows in works]
    relative = bool(frame["rel_p50"].notna().any())
    picture = style.new_figure(0.85 + 0.14 * len(machines) + ROW_IN * sum(counts) + WORK_IN * len(works))
    panels = picture.subplots(
        len(works), 1 + relative, sharey="row", squeeze=False, gridspec_kw={"height_ratios": counts}
    )
    for line, rows in zip(panels, works, strict=True):
        for axes, kind in zip(line, ("ratio", "time")[not relative :], strict=True):
            _draw_panel(axes, rows, machines, kind)
        names = rows.drop_duplicates("place")["name"]
        line[0].set_yticks(range(len(names)), [_cut(name, LONGEST_NAME) for name in names])
        line[0].set_ylim(len(names) - 0.4, -0.6)
        line[0].set_title(WORK_TITLES[str(rows["work"].iloc[0])], weight="bold", fontsize=6.5)
    for axes, text in zip(panels[-1], ("median ÷ C control", "median time")[not relative :], strict=True):
        axes.set_xlabel(text)
    handles = [
        dots.as_dot(Line2D([], [], label=_cut(name, LONGEST_MACHINE)), _look(place))
        for place, name in enumerate(machines)
    ]
    style.note(picture, dots.INTERVALS)
    style.legend(picture, handles, 1)
    return picture


def _draw_panel(axes: Axes, rows: pd.DataFrame, machines: list[str], kind: str) -> None:
    columns = ("rel_p50", "rel_lo", "rel_hi") if kind == "ratio" else ("p50_ns", "p50_lo_ns", "p50_hi_ns")
    known = rows[rows[columns[0]].notna()]
    first = rows["place"].min()
    for row in known.to_dict("records"):
        _draw_point(axes, row, float(row["place"] - first), machines, columns)
    style.log_axis(axes, "x", style.padded(known[list(columns)].to_numpy().ravel()), kind, most=MOST_TICKS)
    ticks = axes.get_xticks()
    axes.set_xticks(ticks[:: 1 if len(ticks) <= MOST_TICKS else 2])
    axes.tick_params(axis="x", labelsize=6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _draw_point(axes: Axes, row: dict[Any, Any], y: float, machines: list[str], columns: tuple[str, str, str]) -> None:
    """One machine's median with its interval; machines stand one above the other, so that none hides another."""
    value, lo, hi = (row[name] for name in columns)
    place = machines.index(row["machine"])
    at = y + ((place + 0.5) / len(machines) - 0.5) * 0.7
    point = dots.dot_with_interval(axes, "x", at, (value, lo, hi), _look(place))
    if len(machines) > MOST_LARGE:
        point.set(markersize=dots.DOT_PT / 2, linewidth=dots.INTERVAL_PT / 2)
    show = units.time_text if columns[0] == "p50_ns" else units.ratio_text
    unit = "" if columns[0] == "p50_ns" else " times its control"
    name = f"{row['name']} on {row['machine']}, Python {row['python']}"
    mark(point, str(row["mechanism"]), name, show(value, lo, hi) + unit)


def _look(place: int) -> palette.Look:
    """That of a machine. Its colour says nothing of mechanisms: their names stand at the rows."""
    return palette.Look(palette.COLOURS[place % len(palette.COLOURS)], palette.MARKERS[place % len(palette.MARKERS)])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
