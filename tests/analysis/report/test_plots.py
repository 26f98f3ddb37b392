"""The figures of runs in a folder: their file names, and which runs the figure across runs shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import figures
from analysis.figures import Picture
from analysis.report import plots
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import FakeCell, FakeRun, write_run


def test_plots_of_one_run_are_named_by_their_figure(tmp_path: Path) -> None:
    """Every figure of the run that there is becomes an SVG and a PNG, and an older one that is none any more goes."""
    run = write_run(tmp_path, FakeRun([FakeCell()], rounds=6))
    out = tmp_path / "new" / "out"
    out.mkdir(parents=True)
    (out / "size.svg").write_text("of an earlier run")
    written = plots.write_plots(plots.draw_plots([run]), out)
    names = ["mechanisms", "where_time_goes", "calls", "page_faults", "blocked", "time_order"]
    assert [path.name for path in written] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert sorted(out.iterdir()) == sorted(written)


def test_plots_of_several_runs_share_the_figure_across_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two runs each figure begins with its run's name, and the figure across runs shows both, once."""
    runs = [write_run(tmp_path, FakeRun([FakeCell()], run=f"2026110{day}T040000Z")) for day in (2, 1)]

    def drawn(kind: figures.FigureKind, analysed: AnalysedRun) -> Picture:
        return Picture(kind.name, kind.title, "A sentence.", b"svg", b"png")

    monkeypatch.setattr(figures, "draw", drawn)
    paths = plots.write_plots(plots.draw_plots(runs), tmp_path)
    names = [path.name for path in paths if path.suffix == ".svg"]
    assert names.count("across_runs.svg") == 1
    assert "20261101T040000Z-mechanisms.svg" in names
    assert "20261102T040000Z-time_order.svg" in names
    text = next(path for path in paths if path.name == "across_runs.svg").read_text(encoding="utf-8")
    assert all(f"os_fork, {run.name}, Python 3.11.7" in text for run in runs)
