"""Turns records of runs and documents into the texts of pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis.figures.side_by_side import machines as side_by_side
from analysis.report import components
from analysis.report.decisions import COLUMNS as DECISION_COLUMNS
from analysis.report.page_figure import Link, PageFigure, chosen_from, page_figure
from analysis.report.write import environment as report_environment
from analysis.site.documents import Source, document
from analysis.site.entries import BARE, CellEntry, RunEntry, main_run
from analysis.site.files import place_name, read_regular
from analysis.site.machine_page import TrendShown
from analysis.site.run_page import svg_file
from analysis.text.names import RANKED, WORK_TITLES
from analysis.text.units import MISSING

TEMPLATES = Path(__file__).parent / "templates"
TITLE = "What does starting a process from Python cost?"
_RUN_LINK = re.compile(r"results/([^/]+)/([^/]+)/.*")
_FRONT_COLUMNS = ("machine", "Python", "run", "certificate", "fork, median", "relative to C", "runs")
_RUN_COLUMNS = ("run", "label", "Python", "profile", "certificate", "fork, median", "relative to C", "rounds")
_COMPARE_COLUMNS = ("mechanism", "machine", "Python", "work", "relative to C", "median")


@dataclass(frozen=True)
class Site:
    """What pages are made of besides their own: the `folder` of the site, and its documents, which all link to."""

    folder: Path
    documents: Sequence[Source]

    def page(self, template: str, place: str, **values: Any) -> str:
        """The page for `place` (``machines/x/index.html``), whose links lead to the others from there."""
        shown = {"root": "../" * place.count("/"), "documents": self.documents} | values
        return _environment().get_template(f"{template}.html.j2").render(shown)

    def figures_of(self, run: RunEntry, root: str) -> list[PageFigure]:
        """The figures that a run's page opens with, for a page whose links go through `root`."""
        shown = []
        for about in run.first_figures:
            place = f"{run.place}/figures/{about.name}.svg"
            svg = read_regular(self.folder / place)
            if svg is not None:
                links = [Link(f"{root}{place}", "SVG")]
                shown.append(page_figure(about.name, about.title, about.sentence, svg, links))
        return [figure for figure in shown if not figure.reason]


def front_page(site: Site, machines: Mapping[str, Sequence[RunEntry]]) -> str:
    """The question, the main figure of the newest run that is fit for it, and all machines."""
    newest = sorted((run for runs in machines.values() for run in runs), key=_in_time, reverse=True)
    main = main_run(newest) if newest else None
    shown = site.figures_of(main, "") if main else []
    rows = [_front_row(place, main_run(runs), len(runs)) for place, runs in machines.items()]
    return site.page(
        "front",
        "index.html",
        title=TITLE,
        description=main.result if main and main.result else TITLE,
        machines=machines,
        main=main,
        shown=shown,
        series=chosen_from(shown, main.mechanisms) if main else [],
        columns=_FRONT_COLUMNS,
        rows=rows,
        texts=4,
        names=[source.name for source in site.documents],
        headings={source.name: source.title for source in site.documents},
    )


def machine_page(site: Site, place: str, runs: Sequence[RunEntry], trends: Sequence[TrendShown]) -> str:
    """The run that stands for a machine, its trends, its sweeps, and all its `runs`, the newest first."""
    main = main_run(runs)
    root = "../../"
    shown = site.figures_of(main, root)
    return site.page(
        "machine",
        f"{place}/index.html",
        title=f"What starting a process costs on {main.machine}",
        description=f"{main.machine}: {main.result or 'runs of forkbench'}",
        main=main,
        runs=runs,
        shown=shown,
        decision_columns=DECISION_COLUMNS,
        series=chosen_from([*shown, *(figure for trend in trends for figure in trend.figures)], main.mechanisms),
        trends=trends,
        sweeps=[run for run in runs if run.sweeps],
        columns=_RUN_COLUMNS,
        rows=[_run_row(run, root) for run in runs],
        texts=5,
    )


def compared(machines: Mapping[str, Sequence[RunEntry]]) -> list[tuple[RunEntry, CellEntry]]:
    """Every mechanism in a bare parent, in the run that stands for each machine."""
    cells = [
        (run, cell)
        for run in (main_run(runs) for runs in machines.values())
        for cell in run.cells
        if cell.state == BARE and cell.work in RANKED
    ]
    return sorted(cells, key=lambda one: (RANKED.index(one[1].work), one[1].mechanism, one[0].machine, one[1].python))


def compare_page(site: Site, cells: Sequence[tuple[RunEntry, CellEntry]]) -> dict[str, bytes | str]:
    """The page that sets machines side by side, and the files of its figure."""
    files: dict[str, bytes | str] = {}
    picture = side_by_side.draw(pd.DataFrame([{**asdict(cell), "machine": run.machine} for run, cell in cells]))
    shown = None
    if not picture.reason:
        links = [Link(f"{picture.name}.svg", "SVG"), Link(f"{picture.name}.png", "PNG")]
        shown = page_figure(picture.name, picture.title, picture.sentence, picture.svg, links)
        files = {links[0].place: svg_file(shown), links[1].place: picture.png}
    files["compare.html"] = site.page(
        "compare",
        "compare.html",
        title="Machines side by side",
        description="What the ways to start a process cost on each machine, relative to C and in microseconds.",
        shown=shown,
        reason=picture.reason,
        columns=_COMPARE_COLUMNS,
        rows=[
            [
                f"`{cell.mechanism}`",
                _link(f"{run.place}/index.html", run.machine),
                cell.python,
                WORK_TITLES[cell.work],
                cell.ratio_text,
                cell.time_text,
            ]
            for run, cell in cells
        ],
        series=[cell.mechanism for _, cell in cells],
        texts=4,
    )
    return files


def document_page(site: Site, source: Source, places: Mapping[str, Any]) -> str:
    """The page of a document; a link to a run that is on the site leads there."""
    names = {one.place: f"{one.name}.html" for one in site.documents}

    def target(link: str) -> str | None:
        run = _RUN_LINK.fullmatch(f"{link}/")
        place = f"machines/{place_name(run[1])}/{place_name(run[2])}" if run else ""
        return f"{place}/index.html" if place in places else names.get(link)

    page = document(source, target)
    return site.page(
        "document",
        f"{source.name}.html",
        title=page.title,
        description=f"{page.title}: a document of forkbench.",
        sections=page.sections,
        body=page.body,
    )


def by_machine(runs: Sequence[RunEntry]) -> dict[str, list[RunEntry]]:
    """Place of a machine -> its runs, the newest first."""
    found: dict[str, list[RunEntry]] = {}
    for run in sorted(runs, key=_in_time, reverse=True):
        found.setdefault(run.machine_place, []).append(run)
    return dict(sorted(found.items()))


def _in_time(run: RunEntry) -> tuple[str, str]:
    """Names of runs begin with their time."""
    return run.place.rpartition("/")[2], run.place


def _front_row(place: str, run: RunEntry, count: int) -> list[str]:
    machine, shown = _link(f"{place}/index.html", run.machine), _link(f"{run.place}/index.html", run.run)
    return [machine, run.fork.python if run.fork else MISSING, shown, run.certificate, *_fork(run), str(count)]


def _run_row(run: RunEntry, root: str) -> list[str]:
    name = _link(f"{root}{run.place}/index.html", f"{run.run}{' (partial)' if run.partial else ''}")
    python = run.fork.python if run.fork else ", ".join(run.pythons)
    about = [run.label or MISSING, python, run.profile, run.certificate]
    return [name, *about, *_fork(run), str(run.rounds)]


def _fork(run: RunEntry) -> list[str]:
    fork = run.fork
    return [fork.time_text, fork.ratio_text] if fork else [MISSING, MISSING]


def _link(place: str, text: str) -> str:
    return Markup('<a href="{}">{}</a>').format(place, text)


@cache
def _environment() -> jinja2.Environment:
    """The site's templates, and behind them those of a report, of which the page of a run is one."""
    made = components.environment(TEMPLATES)
    made.filters.update(report_environment().filters)
    return made
