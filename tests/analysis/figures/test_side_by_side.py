"""Figures that set the same mechanisms side by side: only like things, in order, and said by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.figures import NoPicture, style
from analysis.figures.marks import marks_of
from analysis.figures.side_by_side import machines, pythons
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run


def _row(machine: str, p50_us: float, **others: object) -> dict[str, object]:
    """A row as the site has it: values may be missing."""
    usual = {"mechanism": "os_fork", "work": "fork", "python": "3.11.7", "state": "parent=bare"}
    times = {"p50_ns": p50_us * 1e3, "p50_lo_ns": p50_us * 990, "p50_hi_ns": p50_us * 1010}
    relative = {"rel_p50": p50_us / 50, "rel_lo": None, "rel_hi": None}
    return {"machine": machine, **usual, **times, **relative, **others}


def test_interpreters_stand_in_order_of_version(tmp_path: Path) -> None:
    """3.9 comes before 3.10; with a control the value is relative; what only one interpreter has is left out."""
    fork = FakeCell(calls=2, blocks=1)
    cells = [
        replace(fork, python="3.10.1", total_ns=130_000.0),
        replace(fork, python="3.9.2", total_ns=195_000.0),
        *(replace(fork, mechanism="noop", work="baseline", control="", python=name) for name in ("3.9.2", "3.10.1")),
        replace(fork, mechanism="popen", work="exec", python="3.9.2"),
    ]
    run = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET))))
    frame = pythons.data(run)
    assert list(zip(frame["mechanism"], frame["python"], frame["place"], strict=True)) == [
        ("os_fork", "3.9.2", 0), ("os_fork", "3.10.1", 1), ("noop", "3.9.2", 0), ("noop", "3.10.1", 1),
    ]  # fmt: skip
    assert frame["value"].tolist() == [3.0, 2.0, 120_000, 120_000]
    assert pythons.says(frame) == (
        "From version to version, `os_fork` differs most: 3.00 (3.00 to 3.00) times its control with Python 3.9.2, and "
        "2.00 (2.00 to 2.00) with 3.10.1."
    )
    with style.look():
        picture = pythons.draw(frame)
    assert [label.get_text() for label in picture.axes[0].get_xticklabels()] == ["3.9", "3.10"]
    assert marks_of(picture)[1].value == "2.00 (2.00 to 2.00) times its control, 130 µs (130 to 130), 12 calls"


def test_two_builds_of_one_version_keep_their_names(tmp_path: Path) -> None:
    """Where minor versions do not tell interpreters apart, whole labels do."""
    cells = [FakeCell(python=name, calls=2, blocks=1) for name in ("3.11.7", "3.11.7~2")]
    frame = pythons.data(AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET)))))
    with style.look():
        labels = pythons.draw(frame).axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == ["3.11.7", "3.11.7~2"]


def test_only_like_cells_of_machines_are_beside_each_other() -> None:
    """Another parent, another minor version, what one machine lacks, and an older run are left out."""
    rows = pd.DataFrame(
        [
            _row("a", 900),
            _row("a", 100),
            _row("b", 150, python="3.11.2"),
            _row("a", 100, state="rss=64MiB"),
            _row("b", 100, state="rss=16MiB"),
            _row("a", 100, mechanism="popen", work="exec"),
            _row("b", 100, mechanism="popen", work="exec", python="3.12.1"),
            _row("a", 1, mechanism="noop", work="baseline"),
            _row("b", 1, mechanism="noop", work="baseline"),
        ]
    )
    frame = machines.shared(rows)
    assert list(zip(frame["machine"], frame["name"], frame["p50_ns"], strict=True)) == [
        ("a", "os_fork", 100_000), ("b", "os_fork", 150_000),
    ]  # fmt: skip
    assert machines.says(frame) == (
        "Between the machines, relative to the C control, `os_fork` differs most: from 2.00 to 3.00. Of the absolute "
        "times, that of `os_fork` differs most: from 100.0 µs (99.0 to 101.0) to 150 µs (148 to 152)."
    )


def test_machines_that_share_nothing_have_no_figure() -> None:
    """One machine, and machines without a like cell, get a reason instead of a figure."""
    with pytest.raises(NoPicture, match="these are of one"):
        machines.shared(pd.DataFrame([_row("a", 100), _row("a", 110)]))
    picture = machines.draw(pd.DataFrame([_row("a", 100), _row("b", 100, python="3.12.1")]))
    assert "same parent and minor version" in picture.reason
    assert not picture.svg


def test_many_machines_and_cells_fit_and_can_be_pointed_at() -> None:
    """Six machines with fifty cells of which some have no control: forty rows, the bare parent first."""
    rows = pd.DataFrame(
        [
            _row(f"machine-{number}", 100 + cell, state=f"rss={cell}MiB" if cell else "parent=bare", **missing)
            for number in range(6)
            for cell in range(50)
            for missing in ({"rel_p50": None} if cell % 2 else {},)
        ]
    )
    frame = machines.shared(rows)
    assert frame["name"].unique().tolist() == ["os_fork", *(f"os_fork rss={cell}MiB" for cell in range(1, 40))]
    assert frame["left_out"].unique().tolist() == [10]
    with style.look():
        picture = machines.drawing(frame)
    assert len(marks_of(picture)) == 6 * 40 + 6 * 20
    assert marks_of(picture)[0].name == "os_fork on machine-0, Python 3.11.7"
