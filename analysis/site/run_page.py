"""Turns one run into what its page shows and the files beside it.

Answers and figures are those of the report that came with the run, since drawing takes seconds; all of it is taken as
a stranger's, and the page says that it was not made anew. Where there is no report, or all are to be drawn, it is made
from the raw files and nothing is written into the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis import figures
from analysis.figures import Picture
from analysis.read.run import Run
from analysis.report.decisions import COLUMNS, result
from analysis.report.page_figure import Link, PageFigure, chosen_from, page_figure
from analysis.report.write import FOLDER, context, plain_context
from analysis.site.files import archive, digest_of_files, read_regular
from analysis.site.stored_report import StoredReport, stored_report
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.stored import summary_of
from bench.schema.visible import visible

RAW = {
    "run.json": "facts of the machine and of the run",
    "cells.csv": "one row a cell",
    "subjects.csv": "one row a subject, with its verified dose",
    "blocks.csv": "one row a block",
    "samples.csv": "one row a call",
    "samples.csv.gz": "one row a call",
    "summary.csv": "one row a cell, derived",
    "model.json": "how latency grows with the parent, derived",
    "pyperf.json.gz": "the run for pyperf's tools, derived",
}
ARCHIVE = "run.zip"
_PNG = b"\x89PNG\r\n\x1a\n"
_REPORT = f"{FOLDER}/report.md"
# So that a page with its tables stays below 2 MiB; figures beyond it are files beside the page.
MOST_INLINE = 1_400_000
_STORED = (
    "The table is that of `summary.csv`; answers and figures are those of the report that came with the run. None of "
    "them was made anew for this page. `python -m analysis validate` tells whether they follow from the raw files."
)
_DRAWN = "Table, answers and figures were made from the raw files for this page."


@dataclass(frozen=True)
class RunPage:
    """What a run becomes: the `values` of its page, its `summary`, and `downloads` by their place below the page."""

    values: dict[str, Any]
    summary: pd.DataFrame
    downloads: dict[str, bytes]


def run_digest(path: Path) -> str:
    """The digest of all that `run_files` gives. Raises `LoadError` for links and what is too large."""
    return digest_of_files(path, _names(path))


def run_files(path: Path) -> dict[str, bytes]:
    """Everything of a run that its page is made of, by name. Raises `LoadError` for links and what is too large."""
    found = {name: read_regular(path / name) for name in _names(path)}
    return {name: data for name, data in found.items() if data is not None}


def _names(path: Path) -> list[str]:
    # A folder that is a link would lead out of the run as a file does.
    if (path / FOLDER).is_symlink():
        return list(RAW)
    drawn = [f"{FOLDER}/{kind.name}.{ending}" for kind in figures.kinds() for ending in ("svg", "png")]
    return [*RAW, _REPORT, *drawn]


def possible_files() -> list[str]:
    """Every file that `run_page` may leave, by its place below the page."""
    drawn = [f"figures/{kind.name}.{ending}" for kind in figures.kinds() for ending in ("svg", "png")]
    return ["index.html", ARCHIVE, *(f"files/{name}" for name in RAW), *drawn]


def run_page(run: Run, files: Mapping[str, bytes], folder: str, redraw: bool) -> RunPage:
    """The page of `run`, whose files are in memory; `folder` is what its archive unpacks to. Raises `LoadError`."""
    drawn = redraw or _REPORT not in files
    values, pictures, summary = _drawn(run) if drawn else _stored(run, files)
    shown, beside = _figures(pictures)
    raw = {name: data for name, data in files.items() if name in RAW}
    values |= {
        "figures": {figure.name: figure for figure in shown},
        "series": chosen_from(shown, set(summary["mechanism"])),
        "provenance": _DRAWN if drawn else _STORED,
        "raw": [(name, meaning, f"{len(files[name]):,}") for name, meaning in RAW.items() if name in files],
        "archive": ARCHIVE,
        "cite": _citation(run),
    }
    downloads = {**{f"files/{name}": data for name, data in raw.items()}, ARCHIVE: archive(folder, raw), **beside}
    return RunPage(values, summary, downloads)


def svg_file(figure: PageFigure) -> bytes:
    """The figure as a file of its own: what a page shows of it, and nothing of what else was in it."""
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{figure.view_box}">'
    return f"{start}{figure.inside}</svg>\n".encode()


def _drawn(run: Run) -> tuple[dict[str, Any], list[Picture], pd.DataFrame]:
    analysed = AnalysedRun(run)
    pictures = [figures.draw(kind, analysed) for kind in figures.kinds()]
    return context(analysed, pictures), pictures, analysed.summary


def _stored(run: Run, files: Mapping[str, bytes]) -> tuple[dict[str, Any], list[Picture], pd.DataFrame]:
    analysed = AnalysedRun(run)
    # The summary that lies beside the run, in the place of the one that would be made from every call.
    vars(analysed)["summary"] = summary_of(run)
    lines = files[_REPORT].decode("utf-8", "replace").split("\n")
    report = stored_report("\n".join(visible(line) for line in lines))
    pictures = list(_stored_pictures(report, files))
    told = {
        "decision_columns": COLUMNS,
        "decisions": report.decisions,
        "result": result(report.decisions),
        "answers": report.answers,
        "pictures": pictures,
    }
    return plain_context(analysed) | told, pictures, analysed.summary


def _stored_pictures(report: StoredReport, files: Mapping[str, bytes]) -> Iterator[Picture]:
    """The figures that lie in the report, and those of which it says why they were not drawn."""
    for kind in figures.kinds():
        svg, png = (files.get(f"{FOLDER}/{kind.name}.{ending}", b"") for ending in ("svg", "png"))
        if svg:
            yield Picture(kind.name, kind.title, report.findings.get(kind.name, kind.title), svg, png)
        elif kind.title in report.reasons:
            yield Picture(kind.name, kind.title, reason=report.reasons[kind.title])


def _figures(pictures: Sequence[Picture]) -> tuple[list[PageFigure], dict[str, bytes]]:
    """What the page shows of `pictures`, and the files beside it that it offers."""
    shown: list[PageFigure] = []
    beside: dict[str, bytes] = {}
    used = 0
    for picture in (each for each in pictures if not each.reason):
        links = []
        figure = page_figure(picture.name, picture.title, picture.sentence, picture.svg)
        if not figure.reason:
            links.append(Link(f"figures/{picture.name}.svg", "SVG"))
            beside[links[-1].place] = svg_file(figure)
        if picture.png.startswith(_PNG):
            links.append(Link(f"figures/{picture.name}.png", "PNG"))
            beside[links[-1].place] = picture.png
        used += len(figure.inside)
        if used > MOST_INLINE:
            used -= len(figure.inside)
            figure = replace(figure, inside=Markup(), reason="this page holds enough; the figure is a file beside it")
        shown.append(replace(figure, links=tuple(links)))
    return shown, beside


def _citation(run: Run) -> str:
    suite = "".join(f" {text}" for text in (run.document.suite.version, run.document.suite.commit) if text)
    return f"forkbench{suite}, run {run.name} on {run.machine}, measured {run.document.started}"
