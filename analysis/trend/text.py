"""Turns a trend into text: tables for the terminal, Markdown, CSV with a row for every run and series, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

import pandas as pd

from analysis.text import markdown, units
from analysis.text.spreadsheet import text_cell
from analysis.text.terminal import TableConsole, shown
from analysis.trend.change import FEWEST_BESIDE, LEVEL, ChangeKind
from analysis.trend.series import BARE, Measure, Point, Series, ShownChange, Trend

HEAD = ("machine", "mechanism", "measure", "runs", "first", "newest", "noise", "verdict")
_LEFT = ("machine", "mechanism", "measure", "verdict")
COLUMNS = (
    "machine",
    "mechanism",
    "python",
    "measure",
    "run",
    "label",
    "partial",
    "value",
    "lo",
    "hi",
    "change",
    "ratio",
    "p",
)
"""Columns of CSV: `value` with its interval in ns or a ratio; `change` (step, drift) in the first run that shows it."""
_MOST_DIFFERENCES = 8


def write(trend: Trend, form: str, stream: TextIO) -> None:
    """Write `trend` to `stream` in one of `text.formats.FORMATS`; no control characters but on a terminal."""
    if form == "table":
        _write_table(trend, stream)
    else:
        stream.write({"markdown": to_markdown, "csv": to_csv, "json": to_json}[form](trend))


def value_text(measure: Measure, point: Point) -> str:
    """The latency of a run with its interval."""
    text = units.time_text if measure is Measure.ABSOLUTE else units.ratio_text
    return text(point.value, point.lo, point.hi)


def verdict(series: Series) -> str:
    """What can be said of a series: its changes, none, or how many more runs are needed to say anything."""
    if series.changes:
        return ", ".join(
            f"{one.change.kind} of {_percent(one.change.ratio)} {_since(one)}{one.first.run.name}"
            for one in series.changes
        )
    if series.missing:
        return f"too few runs: {series.missing} more run{'' if series.missing == 1 else 's'} for a verdict"
    return "no change seen"


def change_lines(series: Series) -> list[str]:
    """A sentence for every change of a series, and what was not the same in the run that shows it first."""
    lines = []
    for one in series.changes:
        when = "from" if one.change.kind is ChangeKind.STEP else "since"
        differing = [f"{name}: {old} → {new}" for name, old, new in one.differences[:_MOST_DIFFERENCES]]
        rest = len(one.differences) - len(differing)
        what = "; ".join(differing) + (f"; and {rest} more" if rest > 0 else "")
        lines.append(
            f"{series.machine}, {series.name}, {series.measure}: {one.change.kind} of {_percent(one.change.ratio)} "
            f"{when} {one.first.run.name} on (p = {one.change.p:.2g}); beside the run before ({one.before.name}) "
            f"{'it differs in ' + what if what else 'nothing that is known differs'}"
        )
    return lines


def footnotes(trend: Trend) -> list[str]:
    """What the table rests on, in sentences."""
    return [
        *([] if trend.scenario == BARE else [f"parent: {trend.scenario}"]),
        f"verdict: where nothing changed, a change is claimed in {100 * LEVEL:.0f} % of trends at most (over all "
        f"mechanisms of a machine, for each measure); a change needs {FEWEST_BESIDE} runs on each side",
        "noise: standard deviation from run to run between changes",
        "absolute latency wanders with the machine: there only a sudden step counts, and one that the relative latency "
        "does not show is in the control too (the kernel, the machine)",
    ]


def rows_of(trend: Trend) -> list[tuple[str, ...]]:
    """The texts under `HEAD`, one tuple a series."""
    return [
        (
            one.machine,
            one.name,
            one.measure,
            str(len(one.points)),
            value_text(one.measure, one.points[0]),
            value_text(one.measure, one.points[-1]),
            f"{100 * one.noise:.2g} %" if units.known(one.noise) else units.MISSING,
            verdict(one),
        )
        for one in trend.series
    ]


def to_markdown(trend: Trend) -> str:
    """A table with its notes as GitHub renders it."""
    rows = [[markdown.escape_all(text) for text in texts] for texts in rows_of(trend)]
    lines = [markdown.table(HEAD, rows, [index for index, name in enumerate(HEAD) if name in _LEFT]), ""]
    lines += [f"- {markdown.escape_all(line)}" for one in trend.series for line in change_lines(one)]
    lines += ["", *(f"{markdown.escape_all(line)}  " for line in footnotes(trend))]
    return "\n".join(lines) + "\n"


def to_csv(trend: Trend) -> str:
    """A row for every series and run, in base units, no text a formula; the same trend gives the same bytes."""
    rows = [
        {name: text_cell(value) if isinstance(value, str) else value for name, value in row.items()}
        for one in trend.series
        for row in _plain_points(one)
    ]
    return str(pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False, lineterminator="\n"))


def to_json(trend: Trend) -> str:
    """An object: `series` with their points (missing numbers are null), changes with what differed, the level."""
    document = {"label": trend.label, "scenario": trend.scenario, "series": [_plain(one) for one in trend.series]}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _write_table(trend: Trend, stream: TextIO) -> None:
    console = TableConsole(stream)
    table = console.table(HEAD, _LEFT)
    for one, texts in zip(trend.series, rows_of(trend), strict=True):
        table.add_row(*(shown(text) for text in texts), style="bold" if one.changes else None)
    console.print(table)
    console.print()
    for one in trend.series:
        for line in change_lines(one):
            console.say(line)
    for line in footnotes(trend):
        console.say(line, "dim")


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"


def _since(one: ShownChange) -> str:
    return "from " if one.change.kind is ChangeKind.STEP else "since "


def _plain(series: Series) -> dict[str, Any]:
    return {
        "machine": series.machine,
        "mechanism": series.mechanism,
        "python": series.python,
        "measure": str(series.measure),
        "noise": round(series.noise, 6) if units.known(series.noise) else None,
        "level": round(series.level, 6),
        "more_runs_needed": series.missing,
        "verdict": verdict(series),
        "points": [{name: row[name] for name in COLUMNS[4:10]} for row in _plain_points(series)],
        "changes": [
            {
                "kind": str(one.change.kind),
                "first_run": one.first.run.name,
                "run_before": one.before.name,
                "ratio": round(one.change.ratio, 6),
                "p": round(one.change.p, 6),
                "differences": [{"what": what, "before": old, "after": new} for what, old, new in one.differences],
            }
            for one in series.changes
        ],
    }


def _plain_points(series: Series) -> Sequence[dict[str, Any]]:
    changes = {one.first.place: one.change for one in series.changes}
    rows = []
    for point in series.points:
        change = changes.get(point.place)
        rows.append(
            {
                "machine": series.machine,
                "mechanism": series.mechanism,
                "python": point.run.cells["python"].iloc[0] if not series.python else series.python,
                "measure": str(series.measure),
                "run": point.run.name,
                "label": point.run.document.label,
                "partial": point.run.partial,
                **{name: _number(getattr(point, name), series.measure) for name in ("value", "lo", "hi")},
                "change": str(change.kind) if change else None,
                "ratio": round(change.ratio, 6) if change else None,
                "p": round(change.p, 6) if change else None,
            }
        )
    return rows


def _number(value: float, measure: Measure) -> float | int | None:
    if not units.known(value):
        return None
    return round(value) if measure is Measure.ABSOLUTE else round(value, 6)
