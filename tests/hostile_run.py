"""Turns a fake run into one whose every text was written by somebody who wants to reach through the output."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.edit_run import Row, change_rows
from tests.fake_kinds import sized
from tests.fake_run import FakeCell, FakeRun, write_run

CELL = "<b>`$_{[/]\u202e"
"""For names beside the axes of a figure, which have little room."""

NAME = "=1+2<img src=x onerror=alert(1)>\"'```<b>`</code>$x_{1$[a](http://e.x)|&lt;,\\\x9b31m\u202e\u2066\u200b\u061c"
"""For what must be of one line: HTML, Markdown, mathematics, a formula, and characters that a terminal obeys."""
ONE_LINE = NAME.replace("\x9b31m", "")
"""For what is refused with characters that end a line or control a terminal."""
FILE_NAME = ONE_LINE.replace("/", "∕")
"""For what also names a file."""
TEXT = f"{NAME}\x1b]0;x\x07\x00\x7f\n```\n# <script>alert(1)</script>\r\n"
CSV_TEXT = TEXT.replace("\x00", "")
"""A table with a byte of value 0 is refused."""
LONE = f"{TEXT}\ud800"
"""What only JSON can hold: half of a pair."""

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
"""What no output may hold, but for the line feed between its lines."""


def hostile_run(results: Path, run: str = "20261124T040000Z", factor: float = 1.0) -> Path:
    """Write a run with `NAME`, `TEXT` or `LONE` in all its texts; calls of its cells take `factor` times as long."""
    odd = FakeCell("-os_fork", 90_000.0, level="@bare", calls=5, blocks=2, failing_rounds=(1,))
    cells = [*sized("3.11.7"), FakeCell("=mp", 1e6, 5e5, "exec", calls=5, blocks=2), odd, replace(odd, python="+3.12")]
    noisy = [replace(cell, total_ns=factor * cell.total_ns) for cell in cells]
    directory = write_run(results, FakeRun(noisy, rounds=7, run=run))
    return _spoil(directory)


def _spoil(run: Path) -> Path:
    def spoil_cell(row: Row) -> None:
        row["python"] += CELL
        row["control"] = row["control"] and f"@{CSV_TEXT}"
        if row["mechanism"] not in ("os_fork", "subprocess_run"):
            row["mechanism"] += CELL
            row["level"] += "" if row["level"] == "bare" else CELL
            row["unit"] = f"+{CSV_TEXT}"

    def spoil_subject(row: Row) -> None:
        row["error"] = row["error"] and f"@{CSV_TEXT}"

    change_rows(run, "cells.csv", spoil_cell)
    change_rows(run, "subjects.csv", spoil_subject)
    path = run / "run.json"
    path.write_text(json.dumps(_spoiled(json.loads(path.read_text()))), encoding="ascii")
    return run


def _spoiled(document: dict[str, Any]) -> dict[str, Any]:
    facts = {name: f"{value}{LONE}" for name, value in document["machine_facts"].items()}
    check = {"name": f"check{ONE_LINE}", "value": 1.0, "unit": LONE, "bound": 2.0, "direction": "at_most", "text": LONE}
    cell = {name: f"{name}{LONE}" for name in ("python", "mechanism", "scenario", "level", "reason")}
    texts = ("version", "implementation", "build", "compiler", "executable", "configure", "site_loads")
    pythons = {
        f"{label}{CELL}": {name: f"{value}{LONE}" if name in texts else value for name, value in about.items()}
        for label, about in document["pythons"].items()
    }
    return document | {
        "run": f"{document['run']}-{FILE_NAME}",
        "machine": f"={FILE_NAME}",
        "label": LONE,
        "suite": {"version": LONE, "commit": LONE},
        "options": document["options"]
        | {"profile": LONE, "mechanisms": [LONE, TEXT], "scenarios": [LONE], "cpu": LONE},
        "started": f"{document['started']}{ONE_LINE}",
        "ended": LONE,
        "true": LONE,
        "control": {"available": True, "reason": LONE},
        "machine_facts": facts
        | {f"# {LONE}": LONE, "governor": LONE, "container": LONE, "kernel": f"{LONE}{run_of(document)}"},
        "pythons": pythons,
        "unavailable": [cell],
        "certificate": {"checks": [check | {"state": "passed"}, check | {"state": "failed"}], "passed": False},
        "unfit": [LONE, f"{TEXT}`"],
        "note": LONE,
    }


def run_of(document: dict[str, Any]) -> str:
    """What tells two runs apart, so that their facts differ."""
    return str(document["run"])


def harmful(texts: Sequence[str]) -> list[str]:
    """What of `FORBIDDEN` is in any of `texts`."""
    return [f"{match[0]!r}" for text in texts for match in FORBIDDEN.finditer(text)]
