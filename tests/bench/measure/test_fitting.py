"""Which cells a budget can measure: in words of order and cost, and in a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.read.run import load_run
from bench.measure.fitting import by_importance, fitting
from bench.plan import cells, setup
from bench.plan.cells import Cell
from tests.engine import status


@pytest.fixture(scope="module")
def standard() -> list[Cell]:
    """The cells of the standard profile on this machine."""
    here = setup.prepare("none", ())
    made, _ = cells.make(cells.requested("standard", (), ()), here.pythons, here.resources)
    return made


def test_core_mechanisms_in_a_bare_parent_come_first(standard: list[Cell]) -> None:
    """Core before others, a bare parent before other parents within each, else the order of the profile."""
    order = by_importance(standard)
    assert sorted(cell.number for cell in order) == [cell.number for cell in standard]
    groups = [(cell.is_core, (cell.level.scenario, cell.level.text) == ("parent", "bare")) for cell in order]
    assert groups == sorted(groups, reverse=True)
    numbers = [cell.number for cell, group in zip(order, groups, strict=True) if group == (True, True)]
    assert numbers == sorted(numbers)


def test_what_does_not_fit_makes_room_for_what_is_cheaper(standard: list[Cell]) -> None:
    """Of costs 5, 4, 2 and 1 in the order of importance, a round of 8 has 5, 2 and 1; a round of 0 has the cheapest."""
    four = by_importance(standard)[:4]
    numbers = [cell.number for cell in four]
    cost = dict(zip(numbers, (5.0, 4.0, 2.0, 1.0), strict=True))
    assert fitting(four, cost, 8.0) == {numbers[0], numbers[2], numbers[3]}
    assert fitting(four, cost, 12.0) == set(numbers)
    assert fitting(four, cost, 0.5) == {numbers[3]}


def test_a_budget_that_is_too_small_names_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The standard profile in 1 s: some cells are left out before the first round, by name, and the run is complete."""
    assert status("run", "--budget", "1", "--results", str(tmp_path), "--no-progress") == 0
    out, err = capsys.readouterr()
    (said,) = [line for line in err.splitlines() if line.startswith("left out, ")]
    run = load_run(Path(out.splitlines()[-1]))
    left_out = [cell for cell in run.document.unavailable if "a budget of 1 s does not give 6 rounds" in cell.reason]
    assert left_out
    assert f"of more than {len(run.cells)} of {len(run.cells) + len(left_out)} cells: " in said
    assert all(f"{cell.mechanism} (" in said for cell in left_out)
    assert set(run.blocks["cell"]) <= set(run.cells["cell"])
