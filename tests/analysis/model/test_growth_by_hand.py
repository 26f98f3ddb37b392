"""Lines through several sizes by hand and by plain least squares: slope, misfit, and where two lines meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.model.memory_growth import (
    break_even_size,
    cells_of_several_sizes,
    fit_line,
    growth,
)
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.edit_run import change_rows, rows_of, scale_rounds
from tests.fake_kinds import MIB, sized
from tests.fake_run import BARE, QUIET, FakeCell, FakeRun, write_run

SMALL = FakeCell(calls=1, blocks=1)
LARGE = replace(SMALL, scenario="rss", level="256MiB", unit="bytes", memory=256 * MIB)
PYTHON = "3.11.7"


def program(cell: FakeCell) -> FakeCell:
    """The same parent with another mechanism."""
    return replace(cell, mechanism="subprocess_run", work="exec", control="native_spawn")


def least_squares(dose: Sequence[float], latency: Sequence[float]) -> tuple[float, float]:
    """Slope and intercept that make the squares of the relative errors least."""
    times = np.array(latency)
    design = np.column_stack([np.array(dose) / times, 1 / times])
    slope, intercept = np.linalg.lstsq(design, np.ones(len(dose)), rcond=None)[0]
    return float(slope), float(intercept)


def test_points_off_a_line_are_fitted_by_their_relative_error() -> None:
    """Four points that lie on no line: least squares of relative errors, by another way of reckoning."""
    dose, latency = [1.0, 2.0, 5.0, 10.0], [110.0, 130.0, 230.0, 330.0]
    assert fit_line(np.array(dose), np.array(latency)) == pytest.approx(least_squares(dose, latency))


def test_sizes_count_from_half_as_much_again_on() -> None:
    """15 is another size than 10, 14.9 is not; a latency of 0 and a missing dose are no points."""
    assert fit_line(np.array([10.0, 15.0]), np.array([20.0, 30.0])) == pytest.approx((2.0, 0.0))
    for dose, latency in (([10.0, 14.9], [20.0, 30.0]), ([10.0, 20.0], [0.0, 5.0]), ([10.0, math.nan], [1.0, 2.0])):
        assert all(map(math.isnan, fit_line(np.array(dose), np.array(latency))))
    assert fit_line(np.array([1.0, 2.0, 9.0]), np.array([3.0, 5.0, 0.0])) == pytest.approx((2.0, 1.0))
    assert fit_line(np.array([1.0, 2.0]), np.array([0.5, 1.0])) == pytest.approx((0.5, 0.0))
    assert all(map(math.isnan, fit_line(np.array([]), np.array([]))))


def test_growth_is_over_rounds_and_its_misfit_of_the_medians(tmp_path: Path) -> None:
    """Each round has its line: median, least and largest slope of seven; the misfit is that of the medians."""
    middle = replace(LARGE, level="64MiB", memory=64 * MIB, total_ns=900_000.0)
    cells = [replace(LARGE, total_ns=4e6), SMALL, middle]
    large = [1.0, 1.3, 0.8, 1.1, 0.9, 1.2, 1.05]
    run = scale_rounds(
        write_run(tmp_path, FakeRun(cells, rounds=7, noise=QUIET)),
        {(0, "mechanism"): large, (1, "mechanism"): [1, 1.02, 0.9, 1.1, 1.04, 1.06, 1.08]},
    )
    found = growth(AnalysedRun(load_run(run)), PYTHON, "os_fork")
    assert found is not None
    times = {cell: [0] * 7 for cell in range(3)}
    for row in rows_of(run / "samples.csv.gz"):
        if row["role"] == "mechanism" and row["warmup"] == "0":
            times[int(row["cell"])][int(row["round"])] = int(row["total_ns"])
    doses = [BARE["private_bytes"] + more for more in (0, 64 * MIB, 256 * MIB)]
    ordered = [times[1], times[2], times[0]]
    slopes = sorted(least_squares(doses, [cell[place] for cell in ordered])[0] for place in range(7))
    assert (found.slope.center, found.slope.lo, found.slope.hi) == pytest.approx((slopes[3], slopes[0], slopes[6]))
    assert slopes[0] < slopes[3] < slopes[6]
    medians = [float(np.median(cell)) for cell in ordered]
    slope, intercept = least_squares(doses, medians)
    misfits = [abs((slope * dose + intercept) / median - 1) for dose, median in zip(doses, medians, strict=True)]
    assert found.largest_misfit == pytest.approx(max(misfits))
    assert (found.smallest_parent_ns, found.size_count) == (round(medians[0]), 3)
    assert found.largest_dose == doses[2]


def test_sizes_are_those_verified_in_each_round(tmp_path: Path) -> None:
    """A parent that held less in one round has that round's line through what it held."""
    run = write_run(tmp_path, FakeRun([SMALL, replace(LARGE, total_ns=1e6)], rounds=6, noise=QUIET))
    held = [100, 200, 300, 400, 500, 600]

    def dose(row: dict[str, str]) -> None:
        if row["cell"] == "1":
            row["private_bytes"] = str(BARE["private_bytes"] + held[int(row["round"])] * MIB)

    found = growth(AnalysedRun(load_run(change_rows(run, "subjects.csv", dose))), PYTHON, "os_fork")
    assert found is not None
    assert found.slope.lo == pytest.approx(880_000 / (600 * MIB))
    assert found.slope.hi == pytest.approx(880_000 / (100 * MIB))
    assert found.largest_dose == BARE["private_bytes"] + 350 * MIB


def test_each_interpreter_and_mechanism_has_its_own_line(tmp_path: Path) -> None:
    """Two interpreters and two mechanisms, measured in one run, do not share points, and are listed in order."""
    cells = [
        replace(cell, python=python, total_ns=cell.total_ns * factor)
        for python, factor in (("3.9.1", 3.0), (PYTHON, 1.0))
        for cell in sized()[::-1]
    ]
    alone = replace(program(LARGE), mechanism="popen")
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun([*cells, alone], rounds=6, noise=QUIET))))
    slopes = []
    for python in ("3.9.1", PYTHON):
        each = growth(found, python, "os_fork")
        assert each is not None
        slopes.append(each.slope.center * 4096)
    assert slopes == pytest.approx([150, 50])
    points = cells_of_several_sizes(found)
    expected = [
        (python, mechanism, float(BARE["rss_bytes"] + more))
        for python in (PYTHON, "3.9.1")
        for mechanism in ("os_fork", "subprocess_run")
        for more in (0, 64 * MIB, 256 * MIB)
    ]
    assert list(points[["python", "mechanism", "dose"]].itertuples(index=False, name=None)) == expected
    assert growth(found, PYTHON, "popen") is None
    assert break_even_size(found, PYTHON, "os_fork", "popen") is None


@pytest.mark.parametrize(("more", "counts"), [(4_500_000, True), (4_499_999, False)])
def test_parents_are_of_several_sizes_from_half_as_much_again_on(tmp_path: Path, more: int, counts: bool) -> None:
    """A parent of 13.5 MB is another size beside one of 9 MB; one byte less and it is the same."""
    cells = [SMALL, replace(LARGE, memory=more)]
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET))))
    assert cells_of_several_sizes(found)["dose"].tolist() == ([9e6, 9e6 + more] if counts else [])


def test_parents_whose_size_is_not_known_are_no_points(tmp_path: Path) -> None:
    """Where the dose was not read, or was read as nothing, there is no size."""
    run = write_run(tmp_path, FakeRun([SMALL, LARGE, replace(LARGE, level="1GiB")], rounds=6, noise=QUIET))

    def forget(row: dict[str, str]) -> None:
        if row["cell"] != "0":
            row["rss_bytes"] = "" if row["cell"] == "1" else "0"

    assert cells_of_several_sizes(AnalysedRun(load_run(change_rows(run, "subjects.csv", forget)))).empty


def meeting(results: Path, starts: list[tuple[float, float]]) -> AnalysedRun:
    """A fork of 1 ms in the smallest parent and 3 ms in the largest; `starts` are a program's times (ms) by round."""
    cells = [replace(SMALL, total_ns=1e6), replace(LARGE, total_ns=3e6)]
    cells += [replace(program(cell), total_ns=1e6) for cell in (SMALL, LARGE)]
    run = write_run(results, FakeRun(cells, rounds=len(starts), noise=QUIET))
    small, large = ([start[place] for start in starts] for place in (0, 1))
    return AnalysedRun(load_run(scale_rounds(run, {(2, "mechanism"): small, (3, "mechanism"): large})))


def test_lines_of_each_round_meet_where_they_cost_the_same(tmp_path: Path) -> None:
    """Meeting at a quarter, half and beyond of the way; cheaper from the start is 0, and never is infinite."""
    starts = [
        (2.0, 2.0),  # half of the way: 1 + 2 x = 2
        (1.5, 1.5),  # a quarter
        (0.5, 0.5),  # cheaper everywhere
        (2.0, 4.5),  # steeper than the fork, and always behind
        (0.5, 5.0),  # cheaper at first, then not: there is no size from which on it is
        (3.0, 4.0),  # twice the way: 2 more to catch up, of which the fork loses 1 on it
        (2.5, 2.0),  # falling: 1.5 to catch up, 2.5 lost on the way: 0.6 of it
    ]
    found = break_even_size(meeting(tmp_path, starts), PYTHON, "os_fork", "subprocess_run")
    assert found is not None
    way = 256 * MIB
    # In order: 0, 1/4, 1/2, 0.6, 2, never, never.
    assert found.center == pytest.approx(BARE["rss_bytes"] + 0.6 * way)
    assert (found.lo, found.hi) == (0.0, math.inf)
    some = break_even_size(
        meeting(tmp_path / "some", [*starts[:2], starts[5], starts[6], (1.25, 1.25), (2.2, 2.2)]),
        PYTHON,
        "os_fork",
        "subprocess_run",
    )
    assert some is not None
    ends = [BARE["rss_bytes"] + share * way for share in (0.125, 0.55, 2.0)]
    assert (some.lo, some.center, some.hi) == pytest.approx(tuple(ends))


@pytest.mark.parametrize(
    ("start", "size"),
    [((0.9, 2.9), 0.0), ((0.5, 3.1), math.inf), ((1.1, 3.2), math.inf), ((1.1, 9.0), math.inf)],
)
def test_where_lines_do_not_meet(tmp_path: Path, start: tuple[float, float], size: float) -> None:
    """Cheaper in the smallest parent and in the largest is 0; cheaper in one alone, or a steeper program, is never."""
    found = break_even_size(meeting(tmp_path, [start] * 6), PYTHON, "os_fork", "subprocess_run")
    assert found is not None
    assert found.center == size


def test_sizes_that_share_no_round_have_no_line(tmp_path: Path) -> None:
    """Two sizes measured six times each, never in one round: nothing is fitted across rounds."""
    cells = [replace(SMALL, failing_rounds=tuple(range(6))), replace(LARGE, failing_rounds=tuple(range(6, 12)))]
    found = AnalysedRun(load_run(write_run(tmp_path, FakeRun(cells, rounds=12, noise=QUIET))))
    assert len(cells_of_several_sizes(found)) == 2
    assert growth(found, PYTHON, "os_fork") is None
    assert break_even_size(found, PYTHON, "os_fork", "os_fork") is None
