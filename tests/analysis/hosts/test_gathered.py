"""Holds that other commands take runs of many hosts as they lie there: compare, trend, runs and publish."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.site.build import build
from tests import ROOT
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run


def test_compare_trend_runs_and_site_take_what_was_gathered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs of two machines, two of them of one second on equal hardware, are read without a word on the others."""
    results = tmp_path / "results"
    for machine, run in (("a", "20261124T040000Z"), ("a", "20261124T040000Z-1a2b3c4d"), ("b", "20261124T040000Z")):
        write_run(results, FakeRun([FakeCell(calls=3, blocks=1)], 7, QUIET, machine=machine, run=run))
    first, second, other = sorted(results.glob("*/*"))
    assert main(["compare", str(first), str(second)]) == 0
    assert main(["compare", str(first), str(other), "--across-machines"]) == 0
    assert main(["trend", "--results", str(results)]) == 0
    assert main(["runs", "--results", str(results)]) == 0
    assert main(["hosts", "--results", str(results)]) == 0
    assert not capsys.readouterr().err
    for beside in (first, second, other):  # to draw figures takes seconds
        shutil.copytree(next((ROOT / "results").glob("intel*/*/report")), beside / "report")
    (tmp_path / "docs").mkdir()
    built = build(results, tmp_path / "docs", tmp_path / "site")
    assert not built.problems
    pages = [str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*.html")]
    assert sum("20261124T040000Z" in page for page in pages) == 3, pages
