"""Turns the summary of a run into text: a table grouped by work for the terminal, Markdown, CSV, or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, TextIO

import pandas as pd

from analysis.read.run import Run
from analysis.summary.cells import summary_csv
from analysis.text import markdown, units
from analysis.text.names import WORK_TITLES, cell_name
from analysis.text.spreadsheet import text_cell
from analysis.text.terminal import TableConsole, left_out, shown
from bench import schema

HEAD = ("cell", "median (95 % interval)", "p99", "relative to C (95 % interval)", "parent blocked", "errors")

# What goes first where a terminal is too narrow; the median and the ratio are what is compared.
SPARE = ("p99", "parent blocked", "relative to C (95 % interval)")

_WIDE = 100

Summaries = Sequence[tuple[Run, pd.DataFrame]]


def write(summaries: Summaries, form: str, stream: TextIO) -> None:
    """Write summaries (see `analysis.summary.cells.summarise`) in one of the `FORMATS`; each run under its name.

    CSV and JSON are in base units; of several runs, they have a column ``run`` and ``machine`` before the others.
    """
    if form == "csv":
        stream.write(_csv(summaries))
    elif form == "json":
        stream.write(json.dumps([_object(run, table) for run, table in summaries], indent=1, ensure_ascii=False) + "\n")
    elif form == "markdown":
        stream.write("\n".join(_markdown(run, table) for run, table in summaries))
    else:
        for number, (run, table) in enumerate(summaries):
            if number:
                stream.write("\n")
            _write_table(run, table, stream)


def heading(run: Run) -> str:
    """What was measured where, in a line."""
    rounds = f"{run.rounds} round{'' if run.rounds == 1 else 's'}"
    partial = ", partial" if run.partial else ""
    resumed = ", resumed" if run.document.resumed else ""
    return f"{run.name} on {run.machine}: {rounds}{partial}{resumed}"


def warnings(run: Run, summary: pd.DataFrame) -> list[str]:
    """What a reader must know about the figures, one line each."""
    lines = [f"measured on an unfit machine: {line}" for line in run.document.unfit]
    if summary["rel_p50"].isna().all() and len(summary):
        lines.append(f"no relative latency: {run.document.control.reason or 'nothing was measured beside a C control'}")
    short = summary["p50_ns"].notna() & summary["p50_lo_ns"].isna()
    if short.any():
        lines.append("an interval needs at least 6 rounds; measure longer (--budget)")
    if summary["errors"].sum():
        lines.append("errors: subjects that failed; subjects.csv says of each what went wrong")
    return lines


def throughput(summary: pd.DataFrame) -> list[str]:
    """What subjects that worked at the same time made in a second together, one line a cell."""
    rows = summary[summary["per_second"].notna()]
    python = summary["python"].nunique() > 1
    return [
        f"{cell_name(row, python)}: calls a second, of all parents together: "
        f"{units.with_interval(row['per_second'], row['per_second_lo'], row['per_second_hi'])}"
        for _, row in rows.iterrows()
    ]


def groups(summary: pd.DataFrame) -> list[tuple[str, list[tuple[str, ...]]]]:
    """For each work, in the order of `WORK_TITLES`, its title and the texts under `HEAD` of its cells."""
    works = sorted(dict.fromkeys(summary["work"]), key=lambda work: _order(str(work)))
    python = summary["python"].nunique() > 1
    return [
        (
            WORK_TITLES.get(work, work),
            [_texts(row, python) for _, row in summary[summary["work"] == work].iterrows()],
        )
        for work in works
    ]


def _order(work: str) -> int:
    works = list(WORK_TITLES)
    return works.index(work) if work in works else len(works)


def _texts(row: pd.Series, python: bool) -> tuple[str, ...]:
    return (
        cell_name(row, python),
        units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"]),
        units.time_text(row["p99_ns"], row["p99_lo_ns"], row["p99_hi_ns"]).split(" (")[0],
        units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"]),
        units.time_text(row["call_p50_ns"], row["call_p50_lo_ns"], row["call_p50_hi_ns"]),
        str(row["errors"]) if row["errors"] else "",
    )


def _write_table(run: Run, summary: pd.DataFrame, stream: TextIO) -> None:
    console = TableConsole(stream)
    # The column of errors is there if there are any.
    count = len(HEAD) if summary["errors"].sum() else len(HEAD) - 1
    # Where every column counts, only the bold type of titles tells them from cells.
    indent = "  " if console.width >= _WIDE else ""
    names = HEAD if console.plain else tuple(name.replace(" (", "\n(") for name in HEAD)
    table = console.table(names[:count], names[:1])
    for title, rows in groups(summary):
        table.add_row(shown(title, "bold"))
        for name, *texts in rows:
            table.add_row(shown(f"{indent}{name}"), *texts[: count - 1])
    console.say(heading(run), "bold")
    if dropped := console.print_fitting(table, SPARE):
        console.say(left_out(dropped), "dim")
    for line in [*throughput(summary), *warnings(run, summary)]:
        console.say(line)


def _markdown(run: Run, summary: pd.DataFrame) -> str:
    rows: list[Sequence[str]] = []
    for title, cells in groups(summary):
        rows.append([f"**{title}**", *[""] * (len(HEAD) - 1)])
        rows += [(markdown.code(name), *texts) for name, *texts in cells]
    lines = [f"**{markdown.escape(heading(run))}**", "", markdown.table(HEAD, rows, left=[0])]
    lines += ["", *(f"{markdown.escape(line)}  " for line in [*throughput(summary), *warnings(run, summary)])]
    return "\n".join(lines).rstrip("\n") + "\n"


def _csv(summaries: Summaries) -> str:
    if len(summaries) == 1:
        return summary_csv(summaries[0][1])
    parts = []
    for number, (run, summary) in enumerate(summaries):
        lines = summary_csv(summary).splitlines()
        parts += [f"machine,run,{lines[0]}"] if number == 0 else []
        parts += [f"{_fields(run.machine, run.name)},{line}" for line in lines[1:]]
    return "\n".join(parts) + "\n"


def _fields(*texts: str) -> str:
    """Texts as the first fields of a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text_cell(text) for text in texts])
    return line.getvalue()


def _object(run: Run, summary: pd.DataFrame) -> dict[str, Any]:
    text = {column.name for column in schema.SUMMARY.columns if column.kind == "str"}
    whole = {column.name for column in schema.SUMMARY.columns if column.kind == "int"}
    cells = []
    for row in summary.to_dict("records"):
        plain: dict[str, Any] = {}
        for key, value in row.items():
            name = str(key)
            if name in text:
                plain[name] = value
            else:
                known = units.known(value)
                plain[name] = (int(value) if name in whole else round(float(value), 6)) if known else None
        cells.append(plain)
    return {
        "machine": run.machine,
        "run": run.name,
        "status": run.document.status,
        "rounds": run.rounds,
        "warnings": warnings(run, summary),
        "cells": cells,
    }
