"""Comparisons of fake runs, as they are printed: every letter of every format is kept in ``golden/``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.text.formats import FORMATS
from tests.fake_run import CELLS, FakeCell, FakeRun, Noise, write_run

GOLDEN = Path(__file__).parent / "golden"
NOISE = Noise(drift=0.02, subject=0.01, ratio=0.002, block=0.002, call=0.01, slow=0)
SMALL = tuple(replace(cell, calls=min(cell.calls, 5), blocks=2) for cell in CELLS)
CHANGED = (
    *(SMALL[0], SMALL[1], replace(SMALL[2], total_ns=1.08 * SMALL[2].total_ns)),
    *(replace(SMALL[3], failing_rounds=tuple(range(8))), SMALL[4], replace(SMALL[5], total_ns=0.9 * SMALL[5].total_ns)),
    FakeCell("vfork|odd", 90_000.0, calls=5, blocks=2),
)
PYTHONS = tuple(
    replace(cell, python=python, total_ns=factor * cell.total_ns)
    for python, factor in (("3.11.7", 1.0), ("3.14.0", 1.04))
    for cell in (SMALL[0], SMALL[2], SMALL[3], SMALL[4])
)
COMPARISONS = ("between", "by_mechanism", "by_scenario", "by_python")


def runs_of(kind: str, results: Path) -> list[str]:
    """Write the runs of one comparison and return its arguments."""
    if kind == "between":
        base = write_run(results, FakeRun(SMALL, 12, NOISE, 1, "20261124T010000Z"))
        facts = {"machine_facts": {"kernel": "6.19.0", "thp": "always"}}
        return [str(base), str(write_run(results, FakeRun(CHANGED, 12, NOISE, 2, "20261124T020000Z", document=facts)))]
    cells = PYTHONS if kind == "by_python" else SMALL
    return [str(write_run(results, FakeRun(cells, 12, NOISE, 3))), "--by", kind.removeprefix("by_")]


@pytest.mark.parametrize("kind", COMPARISONS)
def test_every_format_is_kept_to_the_letter(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comparison is printed as it was before, in every format, whatever became of the code between."""
    arguments = runs_of(kind, tmp_path)
    for form in FORMATS:
        assert main(["compare", *arguments, "--format", form]) == 0
        assert capsys.readouterr().out == (GOLDEN / f"{kind}.{form}").read_text(encoding="utf-8"), form
