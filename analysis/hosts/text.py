"""Turns the table of hosts into text: for the terminal, Markdown, CSV with a row for every cell of a host, or JSON."""

from __future__ import annotations

import json
from typing import Any, TextIO

import pandas as pd

from analysis.hosts import shown as choice
from analysis.hosts.ranking import widening
from analysis.hosts.shown import HEAD, LEFT, Shown
from analysis.hosts.table import COLUMNS, HostTable
from analysis.stats.ratio import ABSOLUTE_SPREAD, RELATIVE_SPREAD
from analysis.text import markdown, units
from analysis.text.spreadsheet import text_cell
from analysis.text.terminal import TableConsole, left_out, shown

_MOST_ODD = 20
_DECIMALS = {"rel_p50": 6, "rel_lo": 6, "rel_hi": 6}


def write(table: HostTable, form: str, stream: TextIO, everything: bool = False) -> None:
    """Write `table` in one of `text.formats.FORMATS`; `everything`: all cells and hosts, which CSV and JSON have."""
    if form == "table":
        _write_table(table, stream, everything)
    elif form == "markdown":
        stream.write(to_markdown(table, everything))
    else:
        stream.write({"csv": to_csv, "json": to_json}[form](table))


def head_line(table: HostTable) -> str:
    """How many hosts there are, and when they measured."""
    runs = sorted(host.document.run for host in table.hosts)
    machines = len({host.document.machine for host in table.hosts})
    count = len(table.hosts)
    return (
        f"{count} host{'s' if count > 1 else ''}, {machines} kind{'s' if machines > 1 else ''} of machine, "
        f"runs {runs[0][:16]} to {runs[-1][:16]}"
    )


def odd_lines(table: HostTable) -> list[str]:
    """A line for each odd host, for no more than `_MOST_ODD`."""
    lines = [f"{name}: {'; '.join(reasons)}" for name, reasons in table.odd.items()]
    rest = len(lines) - _MOST_ODD
    return lines[:_MOST_ODD] + ([f"and {rest} hosts more (--format json has all)"] if rest > 0 else [])


def footnotes(table: HostTable, told: Shown) -> list[str]:
    """What ranks mean, and what is not shown."""
    factor = widening(len(table.hosts))
    wider = f"{factor:.2g} times as wide, so that all pairs hold together, " if factor > 1 else ""
    lines = [
        "rank: one more than the number of hosts that are surely faster. For that the intervals (95 %) are taken "
        f"{wider}with what runs of one host lie apart (relative {100 * RELATIVE_SPREAD:g} %, absolute "
        f"{100 * ABSOLUTE_SPREAD:g} %)"
    ]
    if table.relative:
        lines.append("relative: over the same work in C in the same process, which cancels the machine's drift")
    if told.hosts:
        lines.append(f"{told.hosts} hosts of a cell are not shown: --all shows them, --format csv has every figure")
    if told.lone:
        lines.append(f"{told.lone} cells that one host alone has are not shown: --all shows them")
    return lines


def _write_table(table: HostTable, stream: TextIO, everything: bool) -> None:
    console = TableConsole(stream)
    console.say(head_line(table))
    told = choice.shown(table, everything)
    dropped: list[str] = []
    for work in told.works:
        console.print()
        console.say(work.title, "bold")
        made = console.table(HEAD, LEFT)
        for texts in work.rows:
            made.add_row(*(shown(text) for text in texts))
        dropped = console.print_fitting(made, ("rank of absolute", "absolute")) or dropped
    console.print()
    if dropped:
        console.say(left_out(dropped), "dim")
    for line in footnotes(table, told):
        console.say(line, "dim")
    if table.odd:
        console.print()
        console.say("odd hosts:", "bold")
        for line in odd_lines(table):
            console.say(f"  {line}")


def to_markdown(table: HostTable, everything: bool = False) -> str:
    """A table for each work as GitHub renders it, with notes and odd hosts."""
    parts = [markdown.escape_all(head_line(table))]
    told = choice.shown(table, everything)
    for work in told.works:
        rows = [[markdown.escape_all(text) for text in texts] for texts in work.rows]
        left = [HEAD.index(name) for name in LEFT]
        parts.append(f"### {markdown.escape_all(work.title)}\n\n{markdown.table(HEAD, rows, left)}")
    parts.append("\n".join(f"{markdown.escape_all(line)}  " for line in footnotes(table, told)))
    if table.odd:
        parts.append("Odd hosts:\n\n" + "\n".join(f"- {markdown.escape_all(line)}" for line in odd_lines(table)))
    return "\n\n".join(parts) + "\n"


def to_csv(table: HostTable) -> str:
    """All rows in base units, with the reasons why a host is odd; no text is a formula."""
    rows = [
        {name: text_cell(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in (plain | {"odd": "; ".join(table.odd.get(plain["host"], ()))} for plain in _plain(table))
    ]
    return str(pd.DataFrame(rows, columns=[*COLUMNS, "odd"]).to_csv(index=False, lineterminator="\n"))


def to_json(table: HostTable) -> str:
    """An object: ``hosts`` with their runs and reasons, and ``rows`` as in CSV; missing numbers are null."""
    document = {
        "hosts": [
            {
                "host": host.name,
                "machine": host.document.machine,
                "run": host.document.run,
                "path": str(host.path),
                "odd": table.odd.get(host.name, []),
            }
            for host in table.hosts
        ],
        "rows": _plain(table),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(table: HostTable) -> list[dict[str, Any]]:
    return [
        {name: _number(name, row[name]) if not isinstance(row[name], str) else row[name] for name in COLUMNS}
        for row in table.rows.to_dict("records")
    ]


def _number(name: str, value: Any) -> float | int | None:
    if not units.known(value):
        return None
    return round(float(value), _DECIMALS[name]) if name in _DECIMALS else round(value)
