"""Turns runs into figures in a folder, and one page that shows them all, grouped by figure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import figures
from analysis.errors import LoadError
from analysis.figures.side_by_side import across_runs, machines
from analysis.read.run import Run, load_run
from analysis.report.write import environment, write_picture
from analysis.summary.analysed_run import AnalysedRun
from analysis.write_file import write_file

PAGE = "index.html"
# A page of this program says so; another one is somebody's, and stays.
GENERATOR = '<meta name="generator" content="forkbench plot">'
_NO_FILE_NAME = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Plot:
    """One figure of a folder: `stem` begins its files' names, `source` is the run that it shows; ``""``: all."""

    stem: str
    source: str
    picture: figures.Picture


def plot(run_paths: Sequence[Path], out: Path) -> list[Path]:
    """Write the figures of runs into folder `out`, and ``index.html`` that shows them; the last path is that of it.

    Raises `LoadError`, also where an ``index.html`` is in the way that is not such a page; `OSError`.
    """
    page = out / PAGE
    _refuse_another_page(page)
    out.mkdir(parents=True, exist_ok=True)
    plots = list(draw_plots(run_paths))
    written = write_plots(plots, out)
    write_file(page, page_of(plots))
    return [*written, page]


def write_plots(plots: Iterable[Plot], out: Path) -> list[Path]:
    """Write an SVG and a PNG of each into folder `out` and return their paths; what has no picture is left out."""
    return [path for plot in plots for path in write_picture(plot.picture, out / plot.stem)]


def _refuse_another_page(page: Path) -> None:
    if not page.exists():
        return
    with page.open(encoding="utf-8", errors="replace") as stream:
        known = GENERATOR in stream.read(2000)
    if not known:
        raise LoadError(f"{page}: is not a page of `plot`, and would be lost; name another folder with --out")


def draw_plots(run_paths: Sequence[Path]) -> Iterator[Plot]:
    """Every figure of the runs, the oldest run first; one that cannot be drawn holds the reason. Raises `LoadError`.

    Of one run: one file for each figure. Of several: each run's own figures begin with its name, and those across
    runs show them all.
    """
    runs = sorted((load_run(path) for path in run_paths), key=lambda run: (run.name, run.machine))
    unlike = len({run.machine for run in runs}) > 1
    over_time, by_machine = [], []
    for run in runs:
        analysed = AnalysedRun(run)
        over_time.append(across_runs.rows_of(run, analysed.summary))
        by_machine.append(machines.rows_of(run.machine, analysed.summary))
        prefix = f"{_name_of(run, unlike)}-" if len(runs) > 1 else ""
        for kind in figures.kinds():
            yield Plot(f"{prefix}{kind.name}", f"{run.machine}, {run.name}", figures.draw(kind, analysed))
    if len(runs) > 1:
        yield Plot(across_runs.NAME, "", across_runs.draw(pd.concat(over_time)))
    if unlike:
        yield Plot(machines.NAME, "", machines.draw(pd.concat(by_machine)))


def _name_of(run: Run, unlike: bool) -> str:
    """What begins the names of a run's files. run.json may say anything: it must not lead out of the folder."""
    return _NO_FILE_NAME.sub("_", f"{run.machine}-{run.name}" if unlike else run.name)


def page_of(plots: Sequence[Plot]) -> str:
    """A page that holds all figures and asks for nothing else: one section a figure, in the order of a report."""
    by_kind: dict[str, list[Plot]] = {}
    for plot in plots:
        by_kind.setdefault(plot.picture.name, []).append(plot)
    order = [machines.NAME, across_runs.NAME, *(kind.name for kind in figures.kinds())]
    groups = [by_kind[name] for name in order if name in by_kind]
    sources = list(dict.fromkeys(plot.source for plot in plots if plot.source))
    values = {
        "generator": GENERATOR,
        "base64_of": lambda data: base64.b64encode(data).decode("ascii"),
        "sources": sources,
        "groups": [group for group in groups if any(not plot.picture.reason for plot in group)],
        "missing": [group for group in groups if all(plot.picture.reason for plot in group)],
    }
    return environment().get_template("plots.html.j2").render(values)
