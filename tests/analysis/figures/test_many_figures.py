"""The figures of several parents and of workers: what they say worked out by hand, and no text over another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.figures import FigureKind, kinds
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.analysis.figures.test_figures import _drawn, _overlaps
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK = FakeCell(scenario="at_once", unit="subjects", total_ns=100_000.0, calls=40, blocks=1)
WAYS = ("workers_fork", "workers_forkserver", "workers_forkserver_preload", "workers_spawn", "workers_executor")


def _kind(name: str) -> FigureKind:
    return next(kind for kind in kinds() if kind.name == name)


def _analysed(folder: Path, cells: Sequence[FakeCell]) -> AnalysedRun:
    return AnalysedRun(load_run(write_run(folder, FakeRun(cells, rounds=6, noise=QUIET))))


def test_several_parents_have_both_curves(tmp_path: Path) -> None:
    """Four parents with calls of 200 us make twice as many as one with 100 us; two interpreters stay readable."""
    cells = [
        replace(FORK, python=python, level=str(n), subjects=n, total_ns=total)
        for python in ("3.11.7", "3.12.1")
        for n, total in ((1, 1e5), (2, 1e5), (4, 2e5))
    ]
    analysed, kind = _analysed(tmp_path, cells), _kind("at_once")
    frame = kind.data(analysed)
    assert kind.says(frame) == (
        "Python 3.11.7: 4 parents that use `os_fork` at the same time make 2.00 times as many calls a second as 1, "
        "and a call takes 2.00 times as long."
    )
    picture = _drawn(kind, analysed)
    assert len(picture.axes) == 2
    assert _overlaps(picture) == []


def test_workers_have_a_panel_for_each_kind_of_imports(tmp_path: Path) -> None:
    """Five ways, up to 16 workers, light and heavy: two panels, and the first and the last of 16 are named."""
    cells = [
        FakeCell(
            way,
            2e6 * count * (place + 1) * (10 if imports == "heavy" else 1),
            work="workers",
            scenario="workers+worker_imports",
            level=f"{count}+{imports}",
            calls=1,
            blocks=1,
            ready_share=0.5,
        )
        for imports in ("light", "heavy")
        for count in (1, 2, 4, 8, 16)
        for place, way in enumerate(WAYS)
    ]
    analysed, kind = _analysed(tmp_path, cells), _kind("workers")
    assert kind.says(kind.data(analysed)) == (
        "With light imports, 16 workers are ready 16.0 ms after the call of `workers_fork` and 80.0 ms after that of "
        "`workers_executor`; with heavy imports, 16 workers are ready 160 ms after the call of `workers_fork` and "
        "800 ms after that of `workers_executor`."
    )
    picture = _drawn(kind, analysed)
    assert [axes.get_title(loc="left") for axes in picture.axes] == ["light imports", "heavy imports"]
    assert _overlaps(picture) == []
