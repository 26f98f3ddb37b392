"""Turns a comparison into text: a table for the terminal, Markdown for a pull request, CSV, or JSON."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

import pandas as pd
from rich.markup import escape

from analysis.compare.rows import RELATIVE, Comparison
from analysis.stats.ratio import FASTER, POWER, SLOWER
from analysis.text import units
from analysis.text.names import cell_name
from analysis.text.terminal import TableConsole

FORMATS = ("table", "markdown", "csv", "json")
HEAD = ("cell", "base", "new", "ratio", "verdict", "rests on", "could show", "relative ratio")
_LEFT = ("cell", "verdict", "rests on")
_STYLE = {SLOWER: "bold red", FASTER: "bold green"}


def write(comparison: Comparison, form: str, stream: TextIO) -> None:
    """Write `comparison` to `stream` in one of `FORMATS`; no control characters unless it is a terminal."""
    if form == "table":
        _write_table(comparison, stream)
    else:
        stream.write({"markdown": to_markdown, "csv": to_csv, "json": to_json}[form](comparison))


def head(comparison: Comparison) -> tuple[str, ...]:
    """The columns of a table: the relative ratio beside a verdict that rests on an absolute one, within a run."""
    beside = comparison.by and comparison.rows["relative_ratio"].notna().any()
    return HEAD if beside else HEAD[:-1]


def cells_of(comparison: Comparison) -> list[tuple[str, ...]]:
    """The texts under `head`, one tuple a row; a row without a verdict has its reason there."""
    rows = comparison.rows
    python = rows["python"].nunique() > 1 and comparison.by != "python"
    texts = []
    for _, row in rows.iterrows():
        values = [_value(row, side) for side in ("base", "new")]
        if comparison.by:
            values = [f"{row[side]}: {value}" for side, value in zip(("base", "new"), values, strict=True)]
        shown = units.ratio_text(row["ratio"], row["ratio_lo"], row["ratio_hi"])
        smallest = units.MISSING if math.isnan(row["smallest_change"]) else f"{100 * row['smallest_change']:.2g} %"
        verdict = row["verdict"] or f"no comparison: {row['reason']}"
        relative = units.ratio_text(row["relative_ratio"], row["relative_lo"], row["relative_hi"])
        found = (cell_name(row, python), *values, shown, verdict, row["rests_on"], smallest, relative)
        texts.append(found[: len(head(comparison))])
    return texts


def _value(row: pd.Series, side: str) -> str:
    """The value on one side: ``130 µs``, or ``1.85 (130 µs)`` where the verdict rests on relative latency."""
    time = units.time_text(row[f"{side}_ns"])
    return f"{units.ratio_text(row[f'{side}_rel'])} ({time})" if row["rests_on"] == RELATIVE else time


def footnotes(comparison: Comparison) -> list[str]:
    """What the table rests on, in sentences."""
    kept = 100 * comparison.confidence
    lines = [
        f"ratio: new / base; its intervals hold all together at 95 % (each at {kept:.4g} %); "
        f"margin {100 * comparison.margin:g} %",
        f"could show: the smallest change that would have been shown with a probability of {100 * POWER:.0f} %",
    ]
    return lines + list(comparison.notes)


def lists(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Titled lists: what differs besides the code, and cells that only one side has; empty ones are left out."""
    several = {cell["python"] for cell in (*comparison.missing, *comparison.added)} != set(comparison.rows["python"])
    found = [
        ("differs", [f"{name}: {base} → {new}" for name, base, new in comparison.differences]),
        ("missing in new", [cell_name(cell, several) for cell in comparison.missing]),
        ("only in new", [cell_name(cell, several) for cell in comparison.added]),
    ]
    return [(title, entries) for title, entries in found if entries]


def _write_table(comparison: Comparison, stream: TextIO) -> None:
    console = TableConsole(stream)
    table = console.table(head(comparison), _LEFT)
    for (_, row), texts in zip(comparison.rows.iterrows(), cells_of(comparison), strict=True):
        table.add_row(*(escape(text) for text in texts), style=_STYLE.get(row["verdict"]))
    console.say(f"base: {comparison.base}")
    console.say(f"new:  {comparison.new}")
    console.print()
    console.print(table)
    console.print()
    for line in footnotes(comparison):
        console.say(line, "dim")
    for title, entries in lists(comparison):
        console.say(f"{title}:")
        for entry in entries:
            console.say(f"  {entry}")


def to_markdown(comparison: Comparison) -> str:
    """A table with its notes as GitHub renders it; verdicts of a change are bold."""
    lines = [f"base: `{comparison.base}` · new: `{comparison.new}`", ""]
    lines += [f"| {' | '.join(head(comparison))} |"]
    lines.append(f"|{'|'.join('---' if name in _LEFT else '--:' for name in head(comparison))}|")
    for (_, row), texts in zip(comparison.rows.iterrows(), cells_of(comparison), strict=True):
        cells = [_cell(text) for text in texts]
        if row["verdict"] in _STYLE:
            cells[HEAD.index("verdict")] = f"**{row['verdict']}**"
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"{_cell(line)}  " for line in footnotes(comparison))]
    for title, entries in lists(comparison):
        lines += ["", f"{title}:", "", *(f"- {_cell(entry)}" for entry in entries)]
    return "\n".join(line.rstrip() if not line.endswith("  ") else line for line in lines) + "\n"


def _cell(text: str) -> str:
    """`text` so that Markdown shows it as it is."""
    for letter in "\\`*_|<>":
        text = text.replace(letter, f"\\{letter}")
    return text


def to_csv(comparison: Comparison) -> str:
    """The rows in base units (ns, ratios, shares); the same comparison gives the same bytes."""
    shown = pd.DataFrame(_records(comparison.rows), columns=comparison.rows.columns)
    return str(shown.to_csv(index=False, lineterminator="\n"))


def to_json(comparison: Comparison) -> str:
    """An object: rows as in CSV (missing numbers are null, so is the verdict where there is none) and the rest."""
    rows = [record | {"verdict": record["verdict"] or None} for record in _records(comparison.rows)]
    document = {
        "base": comparison.base,
        "new": comparison.new,
        "margin": comparison.margin,
        "confidence": comparison.confidence,
        "rows": rows,
        "differences": [{"what": what, "base": base, "new": new} for what, base, new in comparison.differences],
        "missing": list(comparison.missing),
        "new_cells": list(comparison.added),
        "notes": list(comparison.notes),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: times in whole ns, ratios and shares with six decimals, ``None`` for what is missing."""
    whole = ("base_ns", "new_ns", "base_rounds", "new_rounds")
    records = []
    for row in rows.to_dict("records"):
        plain: dict[str, Any] = {}
        for name, value in row.items():
            if isinstance(value, str):
                plain[str(name)] = value
            elif not units.known(value):
                plain[str(name)] = None
            else:
                plain[str(name)] = round(value) if name in whole else round(float(value), 6)
        records.append(plain)
    return records
