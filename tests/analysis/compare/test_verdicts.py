"""What a verdict rests on, worked out by hand from runs without noise: spread, correction, control, margin."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.analysis.compare.quiet_runs import (
    ASSUMED,
    FORK,
    NATIVE,
    NOOP,
    SPAWN,
    Compare,
    half,
    quiet,
    reach,
)
from tests.edit_run import scale_rounds


def test_an_assumed_spread_is_that_of_what_is_compared(tmp_path: Path, compared: Compare) -> None:
    """Single runs: 0.2 % for relative latency and 5 % for absolute latency, each by the square root of two runs."""
    found = compared(quiet(tmp_path, 1, [FORK]), quiet(tmp_path, 2, [replace(FORK, total_ns=132_000.0)]))
    (row,) = found["rows"]
    assert half(row, "relative") == pytest.approx(reach(0.002), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05), abs=2e-6)
    assert (row["rests_on"], row["ratio"], row["verdict"]) == ("relative", 1.1, "slower")
    assert (row["ratio_lo"], row["ratio_hi"]) == (row["relative_lo"], row["relative_hi"])
    smallest = math.expm1(reach(0.002) + stats.norm.ppf(0.8) * 0.002 * math.sqrt(2))
    # The margin of 1.25 % is to be passed as well, and it is wider than this interval.
    assert reach(0.002) < math.log1p(0.0125)
    assert row["smallest_change"] > smallest
    expected = math.expm1(math.log1p(0.0125) + stats.norm.ppf(0.8) * 0.002 * math.sqrt(2))
    assert row["smallest_change"] == pytest.approx(expected, abs=1e-6)


def test_a_row_says_which_side_is_which(tmp_path: Path, compared: Compare) -> None:
    """Times, ratios and numbers of rounds of base and new stand under their own names, and are total times."""
    slow = replace(FORK, total_ns=130_000.0, control_ns=100_000.0, call_share=0.1)
    base, new = quiet(tmp_path, 1, [FORK]), quiet(tmp_path, 2, [slow], rounds=7)
    found = compared(base, new, "--margin", 3)
    (row,) = found["rows"]
    assert (row["base"], row["new"]) == (found["base"], found["new"]) == (base.name, new.name)
    assert (row["base_ns"], row["new_ns"]) == (120_000, 130_000)
    assert (row["base_rounds"], row["new_rounds"]) == (6, 7)
    assert (row["base_rel"], row["new_rel"]) == (pytest.approx(120 / 65, abs=1e-6), 1.3)
    assert row["relative_ratio"] == pytest.approx(1.3 / (120 / 65), abs=1e-6)
    assert row["absolute_ratio"] == pytest.approx(130 / 120, abs=1e-6)
    assert (row["verdict"], found["margin"], found["confidence"]) == ("faster", 0.03, 0.95)
    identity = [row[name] for name in ("mechanism", "work", "scenario", "level", "python")]
    assert identity == ["os_fork", "fork", "parent", "bare", "3.11.7"]


def test_the_values_shown_are_medians_over_all_rounds(tmp_path: Path, compared: Compare) -> None:
    """Seven rounds of one run and six of another: the value of the side is the median of all thirteen."""
    runs = [quiet(tmp_path / "base", 1, [FORK], rounds=7), quiet(tmp_path / "base", 2, [FORK])]
    scale_rounds(runs[0], {(0, "mechanism"): [1, 2, 3, 4, 5, 6, 7]})
    scale_rounds(runs[1], {(0, "mechanism"): [2, 3, 6, 8, 9, 10]})
    found = compared(tmp_path / "base" / "fake-2cpu", quiet(tmp_path, 3, [FORK]))
    # 1 2 2 3 3 4 [5] 6 6 7 8 9 10
    assert found["rows"][0]["base_ns"] == 5 * 120_000
    assert found["rows"][0]["base_rounds"] == 13
    assert found["rows"][0]["base_rel"] == pytest.approx(5 * 120 / 65, abs=1e-6)


def test_intervals_between_runs_are_corrected_for_their_number(tmp_path: Path, compared: Compare) -> None:
    """Four cells: each interval is at 1 - 0.05 / 4 and as much wider, relative and absolute alike."""
    cells = [FORK, SPAWN, NATIVE, replace(FORK, scenario="rss", level="64MiB")]
    found = compared(quiet(tmp_path, 1, cells), quiet(tmp_path, 2, [*cells, NOOP]))
    assert found["confidence"] == pytest.approx(0.9875)
    assert len(found["rows"]) == 4
    for row in found["rows"]:
        assert half(row, "absolute") == pytest.approx(reach(0.05, comparisons=4), abs=2e-6)
    assert half(found["rows"][0], "relative") == pytest.approx(reach(0.002, comparisons=4), abs=2e-6)


def test_the_spread_is_measured_where_runs_are_in_turn(tmp_path: Path, compared: Compare) -> None:
    """Four pairs in turn: Student's t on their differences. The same runs, base first: 0.2 % a side, and a note."""
    totals = (120_000.0, 120_120.0, 120_240.0, 120_600.0)
    more = (1.01, 1.011, 1.009, 1.014)

    def sides(results: Path, numbers: tuple[list[int], list[int]]) -> list[object]:
        base = [quiet(results, n, [replace(FORK, total_ns=t)]) for n, t in zip(numbers[0], totals, strict=True)]
        new = [
            quiet(results, n, [replace(FORK, total_ns=t * by)])
            for n, t, by in zip(numbers[1], totals, more, strict=True)
        ]
        return ["--base", *base, "--new", *new]

    found = compared(*sides(tmp_path / "turns", ([0, 3, 4, 7], [1, 2, 5, 6])))
    (row,) = found["rows"]
    expected = stats.ttest_1samp(np.log(more), 0).confidence_interval()
    assert (math.log(row["relative_lo"]), math.log(row["relative_hi"])) == pytest.approx(
        (expected.low, expected.high), rel=2e-2
    )
    assert not any("in turn" in note for note in found["notes"])
    found = compared(*sides(tmp_path / "sides", ([0, 1, 2, 3], [4, 5, 6, 7])))
    spread = math.sqrt(float(np.var(np.log(totals)) + np.var(np.log(np.array(totals) * more))) * 4 / 6)
    (row,) = found["rows"]
    assert spread > 0.002
    assert half(row, "relative") == pytest.approx(stats.t.ppf(0.975, 6) * spread * math.sqrt(2), rel=1e-2)
    assert half(row, "absolute") == pytest.approx(reach(0.05), abs=2e-6)
    assert sum(note.startswith("the runs of the two sides were not measured in turn") for note in found["notes"]) == 1


def test_runs_that_agree_to_the_last_digit_prove_no_stillness(tmp_path: Path, compared: Compare) -> None:
    """Four pairs in turn without any variation have the assumed spread, not an interval of no width."""
    base = [quiet(tmp_path, 2 * number, [FORK]) for number in range(4)]
    new = [quiet(tmp_path, 2 * number + 1, [replace(FORK, total_ns=121_200.0)]) for number in range(4)]
    (row,) = compared("--base", *base, "--new", *new)["rows"]
    assert half(row, "relative") == pytest.approx(reach(0.002, runs=2 / 4), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05, runs=2 / 4), abs=2e-6)
    assert row["verdict"] == "unclear"


def test_unlike_controls_make_no_relative_ratio(tmp_path: Path, compared: Compare) -> None:
    """A control that is another one, or is on one side only, cancels nothing: absolute latency, and a note says so."""
    other = replace(FORK, control="native_spawn", control_ns=30_000.0)
    fork = quiet(tmp_path, 1, [FORK])
    for number, cell in ((2, other), (3, replace(FORK, control=""))):
        run = quiet(tmp_path, number, [cell])
        for sides in ((fork, run), (run, fork)):
            found = compared(*sides)
            (row,) = found["rows"]
            assert [row[f"relative_{part}"] for part in ("ratio", "lo", "hi")] == [None] * 3
            assert (row["rests_on"], row["ratio"], row["verdict"]) == ("absolute", 1.0, "unclear")
            assert found["notes"] == [
                "no relative latency to the same control on both sides: os_fork",
                ASSUMED,
            ]
    # Nor is its time compared with that of another control.
    assert compared(*(quiet(tmp_path / "alike", number, [FORK]) for number in (1, 2)))["notes"] == [
        ASSUMED,
        "drift of the machine: native_fork took 1.000 times as long as on the base side "
        "(median of 1 cell; relative latency is free of it)",
    ]


@pytest.mark.parametrize(
    ("base", "new", "rests_on"),
    [(10.0, 10.0, "relative"), (10.01, 10.0, "absolute"), (10.0, 10.01, "absolute"), (1.0, 1.0, "relative")],
)
def test_a_control_steadies_up_to_ten_times_itself(
    tmp_path: Path, compared: Compare, base: float, new: float, rests_on: str
) -> None:
    """At ten times its control on both sides a verdict is relative; beyond it on either side it is absolute."""
    runs = [
        quiet(tmp_path, number, [replace(FORK, control_ns=1e5, total_ns=rel * 1e5)])
        for number, rel in enumerate((base, new))
    ]
    found = compared(*runs)
    (row,) = found["rows"]
    assert row["rests_on"] == rests_on
    # What the control does not steady moves from run to run as absolute latency does.
    assert half(row, "relative") == pytest.approx(reach(0.002 if rests_on == "relative" else 0.05), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05), abs=2e-6)
    named = "more than 10 times the control, which then cancels no drift: os_fork" in found["notes"]
    assert named is (rests_on == "absolute")


def test_several_interpreters_are_matched_by_label(tmp_path: Path, compared: Compare) -> None:
    """Where a side has two interpreters, unlike ones are never compared, and rows come in the order of new."""
    pythons = ("3.9.1", "3.10.1", "3.12.1")
    cells = [replace(FORK, python=python, total_ns=1e5 * place) for place, python in enumerate(pythons, 1)]
    found = compared(quiet(tmp_path, 1, cells[:2]), quiet(tmp_path, 2, [cells[2], *cells[1::-1]]))
    assert [(row["python"], row["ratio"]) for row in found["rows"]] == [("3.10.1", 1.0), ("3.9.1", 1.0)]
    assert [cell["python"] for cell in found["new_cells"]] == ["3.12.1"]
    one_each = compared(quiet(tmp_path, 3, cells[:1]), quiet(tmp_path, 4, cells[1:2]))
    assert [(row["python"], row["absolute_ratio"]) for row in one_each["rows"]] == [("3.10.1", 2.0)]


def test_rounds_beyond_the_complete_ones_do_not_count(tmp_path: Path, compared: Compare) -> None:
    """A run that was cut off in its seventh round is compared by six, although the seventh holds calls."""
    torn = quiet(tmp_path, 1, [FORK, SPAWN], torn=True)
    found = compared(torn, quiet(tmp_path, 2, [FORK, SPAWN]))
    assert [(row["base_rounds"], row["ratio"]) for row in found["rows"]] == [(6, 1.0), (6, 1.0)]


def test_a_cell_that_always_failed_has_no_rounds_of_another(tmp_path: Path, compared: Compare) -> None:
    """Where every subject of a cell failed it has 0 rounds, between runs and within one."""
    failing = replace(SPAWN, failing_rounds=tuple(range(6)))
    run = quiet(tmp_path, 1, [FORK, failing, replace(SPAWN, mechanism="popen"), replace(SPAWN, mechanism="spawn")])
    spawn = compared(run, run)["rows"][1]
    assert (spawn["reason"], spawn["base_rounds"], spawn["base_ns"]) == (
        "base: need at least 6 rounds, have 0",
        0,
        None,
    )
    rows = compared(run, "--by", "mechanism", "--base", "popen")["rows"]
    assert [(row["new"], row["new_rounds"], row["reason"]) for row in rows] == [
        ("posix_spawn", 0, "base: need at least 6 rounds, have 0"),
        ("spawn", 6, ""),
    ]


def test_a_control_that_went_its_own_way_is_no_drift(tmp_path: Path, compared: Compare) -> None:
    """Where a fork's control alone takes a tenth, the time itself counts, and a note says why."""
    fast = replace(FORK, total_ns=24_000.0, control_ns=6_500.0)
    spawns = [SPAWN, replace(SPAWN, mechanism="popen")]
    found = compared(quiet(tmp_path, 1, [FORK, *spawns]), quiet(tmp_path, 2, [fast, *spawns]))
    fork, *others = found["rows"]
    assert (fork["rests_on"], fork["ratio"], fork["verdict"]) == ("absolute", pytest.approx(0.2), "faster")
    assert fork["relative_ratio"] == pytest.approx(2.0)
    assert {row["rests_on"] for row in others} == {"relative"}
    assert [note for note in found["notes"] if "took 0.100 times as long, all controls together 1.00 times" in note]
    assert not [note for note in found["notes"] if "drift of the machine: native_fork" in note]


def test_controls_that_all_slow_down_are_drift(tmp_path: Path, compared: Compare) -> None:
    """On a machine of half the speed every verdict rests on relative latency, and nothing changed."""
    cells = [FORK, SPAWN]
    slow = [replace(cell, total_ns=2 * cell.total_ns, control_ns=2 * (cell.control_ns or 0)) for cell in cells]
    found = compared(quiet(tmp_path, 1, cells), quiet(tmp_path, 2, slow))
    assert {(row["rests_on"], row["ratio"]) for row in found["rows"]} == {("relative", 1.0)}
