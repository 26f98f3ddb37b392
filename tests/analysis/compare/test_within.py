"""Comparisons inside one run, worked out by hand from runs without noise: pairs, rounds, correction, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from bench import schema
from tests.analysis.compare.quiet_runs import (
    FORK,
    LADDER,
    LADDER_ERROR,
    SPAWN,
    Compare,
    Refuse,
    half,
    quiet,
)
from tests.edit_run import scale_rounds


def test_intervals_within_a_run_are_corrected_for_their_number(tmp_path: Path, compared: Compare) -> None:
    """Two comparisons of six rounds that differ by 0 to 5 %: Student's t with 3 degrees of freedom at 97.5 %."""
    cells = [replace(FORK, python=python, total_ns=1e9) for python in ("3.9.1", "3.10.1", "3.12.1")]
    run = scale_rounds(quiet(tmp_path, 1, cells), {(1, "mechanism"): LADDER, (2, "mechanism"): LADDER[::-1]})
    found = compared(run, "--by", "python")
    assert found["confidence"] == pytest.approx(0.975)
    assert [row["new"] for row in found["rows"]] == ["3.10.1", "3.12.1"]
    for row in found["rows"]:
        assert row["ratio"] == pytest.approx(math.exp(0.025), abs=1e-6)
        for name in ("absolute", "relative"):
            assert half(row, name) == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 3) * LADDER_ERROR, abs=2e-6)
    # The confidence of the whole is spread over the comparisons made, not over the cells there are.
    alone = compared(quiet(tmp_path, 2, cells[:2]), "--by", "python")
    assert alone["confidence"] == 0.95


def test_unlike_controls_within_a_run(tmp_path: Path, compared: Compare) -> None:
    """Cells of one run with unlike controls are compared by absolute latency alone."""
    shell = replace(SPAWN, mechanism="popen", control="native_python", control_ns=20_000.0)
    (row,) = compared(quiet(tmp_path, 1, [SPAWN, shell]), "--by", "mechanism")["rows"]
    assert (row["relative_ratio"], row["ratio"], row["verdict"]) == (None, 1.0, "same")
    like = replace(shell, control="native_spawn")
    (row,) = compared(quiet(tmp_path, 2, [SPAWN, like]), "--by", "mechanism")["rows"]
    assert (row["relative_ratio"], row["rests_on"]) == (8.25, "absolute")


def test_rounds_are_matched_by_their_number(tmp_path: Path, compared: Compare) -> None:
    """Twice as long in each shared round is 2, although rounds drift apart and each cell failed in another one."""
    cells = [
        replace(FORK, python="3.9.1", failing_rounds=(0,), level="bare"),
        replace(FORK, python="3.10.1", total_ns=240_000.0, failing_rounds=(7,)),
    ]
    drift = [1, 7, 2, 11, 3, 5, 13, 4]
    run = scale_rounds(quiet(tmp_path, 1, cells, rounds=8), {(cell, "mechanism"): drift for cell in (0, 1)})
    (row,) = compared(run, "--by", "python")["rows"]
    assert (row["ratio_lo"], row["ratio"], row["ratio_hi"], row["verdict"]) == (2.0, 2.0, 2.0, "slower")
    assert (row["base_rounds"], row["new_rounds"]) == (7, 7)


def test_within_a_run_the_verdict_is_of_absolute_latency(tmp_path: Path, compared: Compare) -> None:
    """Where the control is slower in the same measure, the relative ratio is 1 and the verdict all the same slower."""
    slow = replace(FORK, python="3.10.1", total_ns=180_000.0, control_ns=97_500.0)
    run = quiet(tmp_path, 1, [replace(FORK, python="3.9.1"), slow])
    found = compared(run, "--by", "python")
    (row,) = found["rows"]
    assert (row["rests_on"], row["ratio"], row["verdict"]) == ("absolute", 1.5, "slower")
    assert [row[f"relative_{part}"] for part in ("lo", "ratio", "hi")] == [1.0, 1.0, 1.0]
    assert (found["base"], found["new"], row["base"], row["new"]) == ("3.9.1", "3.10.1", "3.9.1", "3.10.1")
    assert found["notes"] == [f"compared round by round within one run ({run.name}), by python"]
    (row,) = compared(run, "--by", "python", "--margin", 50.1)["rows"]
    assert row["verdict"] == "same"


def test_within_a_run_pairs_agree_in_all_else(tmp_path: Path, compared: Compare) -> None:
    """Along each column, cells are paired that differ in it and agree in the others, by their names."""
    cells = [
        replace(FORK, scenario=scenario, level=level, python=python)
        for python in ("3.9.1", "3.10.1")
        for scenario, level in (("parent", "bare"), ("rss", "0"), ("rss", "1GiB"))
    ] + [replace(SPAWN, python="3.9.1")]
    cells += [replace(SPAWN, mechanism="popen", python=python) for python in ("3.9.1", "3.10.1")]
    run = quiet(tmp_path, 1, cells)

    def pairs(*arguments: str) -> list[tuple[str, ...]]:
        names = ("mechanism", "scenario", "level", "python", "base", "new")
        return [tuple(row[name] for name in names) for row in compared(run, "--by", *arguments)["rows"]]

    assert pairs("python") == [
        ("os_fork", "parent", "bare", "3.10.1", "3.9.1", "3.10.1"),
        ("os_fork", "rss", "0", "3.10.1", "3.9.1", "3.10.1"),
        ("os_fork", "rss", "1GiB", "3.10.1", "3.9.1", "3.10.1"),
        ("popen", "parent", "bare", "3.10.1", "3.9.1", "3.10.1"),
    ]
    by_level = [("os_fork", "rss", "1GiB", python, "0", "1GiB") for python in ("3.9.1", "3.10.1")]
    assert pairs("level") == by_level
    assert pairs("level", "--base", "1GiB") == [(*each[:2], "0", each[3], "1GiB", "0") for each in by_level]
    # Of the base scenario the first level counts; its other levels are no scenario of their own.
    assert [each[4:] for each in pairs("scenario")] == [("parent=bare", "rss=0"), ("parent=bare", "rss=1GiB")] * 2
    assert [each[4:] for each in pairs("scenario", "--base", "rss")] == [("rss=0", "parent=bare")] * 2
    assert pairs("mechanism") == [("popen", "parent", "bare", "3.9.1", "posix_spawn", "popen")]
    by_work = [(name, "os_fork (fork)") for name in ("posix_spawn", "popen", "popen")]
    assert [(each[0], each[4]) for each in pairs("work")] == by_work
    assert [each[5] for each in pairs("path")] == [
        f"{name} (posix_spawn)" for name in ("posix_spawn", "popen", "popen")
    ]


def test_within_a_run_what_cannot_be_compared_is_refused(tmp_path: Path, refused: Refuse) -> None:
    """An unknown column, the number of the cell, an unknown value, five rounds: a line that says what there is."""
    run = quiet(tmp_path, 1, [FORK, replace(FORK, level="equal")])
    columns = ", ".join(schema.CELLS.header[1:])
    for name in ("cell", "colour"):
        assert refused(run, "--by", name) == f"--by {name}: not a column of cells.csv; choose one of {columns}"
    assert refused(run, "--by", "level", "--base", "x") == "--base x: no cell has this level; choose one of bare, equal"
    assert refused(run, "--by", "work") == (f"{run}: no two cells differ in work and agree in all else (work is fork)")
    short = quiet(tmp_path, 2, [FORK, replace(FORK, level="equal")], rounds=5)
    assert refused(short, "--by", "level") == f"{short}: 5 complete rounds, a comparison needs at least 6"
