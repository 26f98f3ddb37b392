"""A comparison as table, Markdown, CSV, JSON and forest plot."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.compare.forest_plot import draw, write_plot
from analysis.compare.pairs import RestsOn
from analysis.compare.rows import COLUMNS, Comparison, ComparisonRow
from analysis.compare.text import to_csv, to_json, to_markdown, write
from analysis.errors import CompareError
from analysis.figures import style
from analysis.stats.ratio import Verdict

NAN = math.nan


def row_of(mechanism: str, verdict: Verdict | None, ratio: float, width: float, **fields: Any) -> ComparisonRow:
    """A row of a comparison with a ratio and an interval of ± `width`."""
    values: dict[str, Any] = dict.fromkeys(COLUMNS, NAN)
    values |= {"mechanism": mechanism, "work": "fork", "scenario": "parent", "level": "bare", "python": "3.11.7"}
    values |= {"base": "old", "new": "later", "base_rounds": 12, "new_rounds": 11}
    values |= {"base_ns": 120_000.4, "base_rel": 1.85, "new_ns": 120_000.4 * ratio, "new_rel": 1.85 * ratio}
    values |= {"rests_on": RestsOn.RELATIVE, "ratio": ratio, "ratio_lo": ratio - width, "ratio_hi": ratio + width}
    values |= {"verdict": verdict, "smallest_change": 0.021, "reason": ""}
    return ComparisonRow(**(values | fields))


ROWS = (
    row_of("os_fork", Verdict.SLOWER, 1.08, 0.01),
    row_of("posix_spawn", Verdict.FASTER, 0.9, 0.02, scenario="rss", level="64MiB"),
    row_of("subprocess_run", Verdict.SAME, 1.001, 0.008),
    row_of("native_fork", Verdict.UNCLEAR, 1.02, 0.12, rests_on=RestsOn.ABSOLUTE, base_rel=NAN, new_rel=NAN),
    row_of("popen|[x]", None, NAN, NAN, smallest_change=NAN, reason="new: need at least 6 rounds, have 5"),
)
NOOP = {"mechanism": "noop", "scenario": "parent", "level": "bare", "python": "3.11.7"}
FOUND = Comparison(
    ROWS,
    base="old",
    new="later",
    margin=0.0125,
    confidence=0.99,
    differences=[("kernel", "6.1", "6.2")],
    missing=[NOOP],
    added=[NOOP | {"mechanism": "thread"}],
    notes=["drift of the machine: a lot"],
)


def table(comparison: Comparison) -> str:
    """The table as it goes into a pipe."""
    stream = io.StringIO()
    write(comparison, "table", stream)
    return stream.getvalue()


def test_table() -> None:
    """The table has a row a cell with values, ratio, verdict and ground, then notes and lists, all of it plain."""
    text = table(FOUND)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "\x1b" not in text
    assert "os_fork 1.85 (120 µs) 2.00 (130 µs) 1.080 (1.070 to 1.090) slower relative 2.1 %" in lines
    assert any(line.startswith("posix_spawn rss=64MiB") and "faster" in line for line in lines)
    assert any(line.startswith("native_fork 120 µs 122 µs") and "absolute" in line for line in lines)
    assert any("popen|[x]" in line and "no comparison: new: need at least 6 rounds, have 5" in line for line in lines)
    assert "kernel: 6.1 → 6.2" in lines
    assert lines[lines.index("missing in new:") + 1] == "noop"
    assert lines[lines.index("only in new:") + 1] == "thread"
    assert "drift of the machine: a lot" in lines


def test_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours, and the table wraps so that nothing of it is lost or cut."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    write(FOUND, "table", stream)
    text = stream.getvalue()
    assert "\x1b[" in text
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in text.splitlines()]
    assert max(map(len, plain)) <= 90
    assert not any("…" in line for line in plain)
    assert any("os_fork" in line and "slower" in line for line in plain)


def test_markdown() -> None:
    """Markdown is a table that GitHub renders: as many cells in each row as in its head, special letters escaped."""
    lines = to_markdown(FOUND).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(ROWS)
    assert {line.replace("\\|", "").count("|") for line in rows} == {8}
    assert "| **slower** |" in rows[2]
    assert "popen\\|[x]" in rows[-1]
    assert "- kernel: 6.1 → 6.2" in lines


def test_csv() -> None:
    """CSV has base units and empty fields for what is missing; the same comparison gives the same bytes."""
    text = to_csv(FOUND)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(COLUMNS)
    assert (rows[0]["verdict"], rows[0]["base_ns"], rows[0]["ratio"]) == ("slower", "120000", "1.08")
    assert (rows[-1]["verdict"], rows[-1]["ratio"]) == ("", "")
    assert text == to_csv(FOUND)


def test_json() -> None:
    """JSON is one object: rows as in CSV with null for what is missing, differences, and cells of one side only."""
    document = json.loads(to_json(FOUND))
    assert document["rows"][0]["verdict"] == "slower"
    assert document["rows"][0]["base_ns"] == 120_000
    assert document["rows"][-1]["verdict"] is None
    assert document["rows"][-1]["ratio"] is None
    assert document["differences"] == [{"what": "kernel", "base": "6.1", "new": "6.2"}]
    assert (document["missing"], document["new_cells"][0]["mechanism"]) == ([NOOP], "thread")
    assert (document["margin"], document["confidence"]) == (0.0125, 0.99)


def test_within_a_run_both_ratios_are_shown() -> None:
    """Inside a run a value is named by what was compared, and the relative ratio stands beside the absolute one."""
    row = row_of(
        "os_fork", Verdict.SAME, 1.0, 0.004, rests_on=RestsOn.ABSOLUTE, base="3.9", new="3.10", relative_ratio=1.002
    )
    within = Comparison([row], "3.9", "3.10", 0.0125, 0.95, by="python")
    lines = [" ".join(line.split()) for line in table(within).splitlines()]
    assert "cell base new ratio verdict rests on could show relative ratio" in lines
    assert "os_fork 3.9: 120 µs 3.10: 120 µs 1.000 (0.996 to 1.004) same absolute 2.1 % 1.00" in lines


def test_plot_shows_every_verdict(tmp_path: Path) -> None:
    """The forest plot has a row for each cell with a verdict, its interval and its word; the bytes do not change."""
    with style.look():
        axes = draw(FOUND).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["os_fork", "posix_spawn rss=64MiB", "subprocess_run", "native_fork"]
    assert [text.get_text().split()[-1] for text in axes.texts] == ["slower", "faster", "same", "unclear"]
    low, high = axes.get_xlim()
    assert low < 0.88
    assert high > 1.14
    for name in ("a.svg", "a.PNG"):
        write_plot(FOUND, tmp_path / "new" / name)
        first = (tmp_path / "new" / name).read_bytes()
        write_plot(FOUND, tmp_path / "new" / name)
        assert (tmp_path / "new" / name).read_bytes() == first
    assert first.startswith(b"\x89PNG")


def test_plot_to_no_place(tmp_path: Path) -> None:
    """A suffix that is no picture and a place that is no directory are refused in a line."""
    with pytest.raises(CompareError, match=r"must end in \.svg, \.png or \.pdf"):
        write_plot(FOUND, tmp_path / "a.jpg")
    (tmp_path / "file").touch()
    with pytest.raises(CompareError, match="cannot be written"):
        write_plot(FOUND, tmp_path / "file" / "a.svg")
