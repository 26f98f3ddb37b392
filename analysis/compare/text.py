"""Turns a comparison into text: a table for the terminal, Markdown for a pull request, CSV, or JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any, TextIO

import pandas as pd

from analysis.compare.pairs import RestsOn
from analysis.compare.rows import COLUMNS, Comparison, ComparisonRow
from analysis.stats.ratio import POWER, Verdict
from analysis.text import markdown, units
from analysis.text.names import cell_name
from analysis.text.spreadsheet import text_cell
from analysis.text.terminal import TableConsole, left_out, shown

HEAD = ("cell", "base", "new", "ratio", "verdict", "rests on", "could show", "relative ratio")
_LEFT = ("cell", "verdict", "rests on")
# What goes first where a terminal is too narrow.
SPARE = ("rests on", "could show", "relative ratio", "base", "new")
_REASON_WIDTH = 24
_STYLE = {Verdict.SLOWER: "bold red", Verdict.FASTER: "bold green"}
_WHOLE = ("base_ns", "new_ns", "base_rounds", "new_rounds")


def write(comparison: Comparison, form: str, stream: TextIO) -> None:
    """Write `comparison` to `stream` in one of `text.formats.FORMATS`; no control characters but on a terminal."""
    if form == "table":
        _write_table(comparison, stream)
    else:
        stream.write({"markdown": to_markdown, "csv": to_csv, "json": to_json}[form](comparison))


def head(comparison: Comparison) -> tuple[str, ...]:
    """The columns of a table: the relative ratio beside a verdict that rests on an absolute one, within a run."""
    beside = comparison.by and any(units.known(row.relative_ratio) for row in comparison.rows)
    return HEAD if beside else HEAD[:-1]


def cells_of(comparison: Comparison) -> list[tuple[str, ...]]:
    """The texts under `head`, one tuple a row; a row without a verdict has its reason there."""
    python = comparison.several_pythons and comparison.by != "python"
    count = len(head(comparison))
    return [_texts(row, python, bool(comparison.by))[:count] for row in comparison.rows]


def _texts(row: ComparisonRow, python: bool, named: bool) -> tuple[str, ...]:
    """The texts under `HEAD`; `named`: each value begins with what was compared."""
    base = _value(row.rests_on, row.base_ns, row.base_rel)
    new = _value(row.rests_on, row.new_ns, row.new_rel)
    return (
        row.cell_name(python),
        f"{row.base}: {base}" if named else base,
        f"{row.new}: {new}" if named else new,
        units.ratio_text(row.ratio, row.ratio_lo, row.ratio_hi),
        row.verdict or f"no comparison: {row.reason}",
        row.rests_on,
        units.MISSING if math.isnan(row.smallest_change) else f"{100 * row.smallest_change:.2g} %",
        units.ratio_text(row.relative_ratio, row.relative_lo, row.relative_hi),
    )


def _value(rests_on: RestsOn, time_ns: float, relative: float) -> str:
    """The value on one side: ``130 µs``, or ``1.85 (130 µs)`` where the verdict rests on relative latency."""
    time = units.time_text(time_ns)
    return f"{units.ratio_text(relative)} ({time})" if rests_on is RestsOn.RELATIVE else time


def footnotes(comparison: Comparison) -> list[str]:
    """What the table rests on, in sentences."""
    kept = 100 * comparison.confidence
    lines = [
        f"ratio: new / base; the intervals of this column hold all together at 95 % (each at {kept:.4g} %); "
        f"margin {100 * comparison.margin:g} %",
        f"could show: the smallest change that runs with the scatter of these show with a probability of "
        f"{100 * POWER:.0f} %",
    ]
    return lines + list(comparison.notes)


def lists(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Titled lists: what differs besides the code, and cells that only one side has; empty ones are left out."""
    several = {cell["python"] for cell in (*comparison.missing, *comparison.added)} != {
        row.python for row in comparison.rows
    }
    titled = [
        ("differs", [f"{name}: {base} → {new}" for name, base, new in comparison.differences]),
        ("missing in new", [cell_name(cell, several) for cell in comparison.missing]),
        ("only in new", [cell_name(cell, several) for cell in comparison.added]),
    ]
    return [(title, entries) for title, entries in titled if entries]


def _write_table(comparison: Comparison, stream: TextIO) -> None:
    console = TableConsole(stream)
    table = console.table(head(comparison), _LEFT)
    if not console.plain:  # a reason may be folded, so that other columns stay
        table.columns[HEAD.index("verdict")].max_width = _REASON_WIDTH
    for row, texts in zip(comparison.rows, cells_of(comparison), strict=True):
        table.add_row(*(shown(text) for text in texts), style=_STYLE.get(row.verdict) if row.verdict else None)
    console.say(f"base: {comparison.base}")
    console.say(f"new:  {comparison.new}")
    console.print()
    dropped = console.print_fitting(table, SPARE)
    if dropped:
        console.say(left_out(dropped), "dim")
    console.print()
    for line in footnotes(comparison):
        console.say(line, "dim")
    for title, entries in lists(comparison):
        console.say(f"{title}:")
        for entry in entries:
            console.say(f"  {entry}")


def to_markdown(comparison: Comparison) -> str:
    """A table with its notes as GitHub renders it; verdicts of a change are bold."""
    columns = head(comparison)
    rows = [[markdown.escape_all(text) for text in texts] for texts in cells_of(comparison)]
    for row, texts in zip(comparison.rows, rows, strict=True):
        if row.verdict in _STYLE:
            texts[HEAD.index("verdict")] = f"**{row.verdict}**"
    left = [index for index, name in enumerate(columns) if name in _LEFT]
    lines = [
        f"base: {markdown.code(comparison.base)} · new: {markdown.code(comparison.new)}",
        "",
        markdown.table(columns, rows, left),
    ]
    lines += ["", *(f"{markdown.escape_all(line)}  " for line in footnotes(comparison))]
    for title, entries in lists(comparison):
        lines += ["", f"{title}:", "", *(f"- {markdown.escape_all(entry)}".rstrip() for entry in entries)]
    return "\n".join(lines) + "\n"


def to_csv(comparison: Comparison) -> str:
    """The rows in base units (ns, ratios, shares), no text a formula; the same comparison gives the same bytes."""
    rows = [
        {name: text_cell(value) if isinstance(value, str) else value for name, value in _plain(row).items()}
        for row in comparison.rows
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return str(frame.to_csv(index=False, lineterminator="\n"))


def to_json(comparison: Comparison) -> str:
    """An object: rows as in CSV (missing numbers are null, so is the verdict where there is none) and the rest."""
    document = {
        "base": comparison.base,
        "new": comparison.new,
        "margin": comparison.margin,
        "confidence": comparison.confidence,
        "rows": [_plain(row) for row in comparison.rows],
        "differences": [{"what": what, "base": base, "new": new} for what, base, new in comparison.differences],
        "missing": list(comparison.missing),
        "new_cells": list(comparison.added),
        "notes": list(comparison.notes),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(row: ComparisonRow) -> dict[str, Any]:
    """Plain values: times in whole ns, ratios and shares with six decimals, ``None`` for what is missing."""
    plain: dict[str, Any] = {}
    for name, value in asdict(row).items():
        if isinstance(value, str):
            plain[name] = str(value)
        elif not units.known(value):
            plain[name] = None
        else:
            plain[name] = round(value) if name in _WHOLE else round(float(value), 6)
    return plain
