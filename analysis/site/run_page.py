"""Turns one run into its page and the files beside it; figures are those that `analysis report` left in the run."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from analysis import figures
from analysis.read.run import Run
from analysis.report import machine_sections
from analysis.report.write import FOLDER, write_report
from analysis.site.documents import document
from analysis.site.entries import RunEntry
from analysis.site.files import archive, read_regular
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import write_summary

RAW = {
    "run.json": "facts of the machine and of the run",
    "cells.csv": "one row a cell",
    "subjects.csv": "one row a subject, with its verified dose",
    "blocks.csv": "one row a block",
    "samples.csv": "one row a call",
    "samples.csv.gz": "one row a call",
    "summary.csv": "one row a cell, derived",
    "pyperf.json.gz": "the run for pyperf's tools, derived",
}
_PNG = b"\x89PNG\r\n\x1a\n"
# In base64, so that a page with its tables stays below 2 MiB; figures beyond it are shown as PNG files.
MOST_INLINE = 1_400_000


@dataclass(frozen=True)
class Shown:
    """One figure of a page: `source` is what its ``img`` shows, `png` the place of a file to download or ``""``."""

    name: str
    title: str
    sentence: str
    source: str
    png: str


def run_files(path: Path) -> dict[str, bytes]:
    """Everything of a run that its page is made of, by name. Raises `LoadError` for links and what is too large."""
    names = [*RAW, f"{FOLDER}/report.md"]
    names += [f"{FOLDER}/{kind.name}.{ending}" for kind in figures.kinds() for ending in ("svg", "png")]
    # A folder that is a link would lead out of the run as a file does.
    if (path / FOLDER).is_symlink():
        names = list(RAW)
    found = {name: read_regular(path / name) for name in names}
    return {name: data for name, data in found.items() if data is not None}


def make_report(run: Run) -> None:
    """Make what `analysis report` makes, for a run that came without. Raises `LoadError`, `OSError`."""
    analysed = AnalysedRun(run)
    write_summary(run, analysed.summary)
    write_report(analysed)


def page_values(run: Run, entry: RunEntry, files: Mapping[str, bytes]) -> dict[str, Any]:
    """What the template of a run's page shows."""
    analysed = AnalysedRun(run)
    report = files.get(f"{FOLDER}/report.md", b"").decode("utf-8", "replace")
    answers = report.partition("\n## Answers\n")[2].partition("\n## What was measured\n")[0]
    return {
        "entry": entry,
        "answers": document(answers, lambda _: None).body,
        "figures": list(_figures(report, files)),
        "certificate": machine_sections.certificate(analysed),
        "facts": machine_sections.machine(analysed),
        "interpreters": machine_sections.interpreters(analysed),
        "raw": [(name, meaning, len(files[name])) for name, meaning in RAW.items() if name in files],
        "sizes": {name: len(data) for name, data in files.items()},
    }


def downloads(entry: RunEntry, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files beside a run's page, by their place below it: raw ones, PNGs, and one archive of the raw ones."""
    raw = {name: data for name, data in files.items() if name in RAW}
    pictures = {
        f"figures/{name.rpartition('/')[2]}": data
        for name, data in files.items()
        if name.endswith(".png") and data.startswith(_PNG)
    }
    folder = entry.place.rpartition("/")[2]
    return {**{f"files/{name}": data for name, data in raw.items()}, **pictures, "run.zip": archive(folder, raw)}


def _figures(report: str, files: Mapping[str, bytes]) -> Iterator[Shown]:
    """The figures of a report in their order.

    An SVG of a run may hold a script. Inside an ``img`` none runs and nothing is loaded, so that it is never put into
    the page itself, nor beside it as a file that a browser would open.
    """
    sentences = dict(_sentences(report))
    used = 0
    for kind in figures.kinds():
        svg = files.get(f"{FOLDER}/{kind.name}.svg")
        has_png = files.get(f"{FOLDER}/{kind.name}.png", b"").startswith(_PNG)
        png = f"figures/{kind.name}.png" if has_png else ""
        text = base64.b64encode(svg).decode("ascii") if svg else ""
        inline = bool(text) and used + len(text) <= MOST_INLINE
        used += len(text) if inline else 0
        source = f"data:image/svg+xml;base64,{text}" if inline else png
        if source:
            yield Shown(kind.name, kind.title, sentences.get(kind.name, kind.title), source, png)


def _sentences(report: str) -> Iterator[tuple[str, str]]:
    """Name and finding of every figure in report.md."""
    for token in MarkdownIt("commonmark", {"html": False}).parse(report):
        for child in token.children or []:
            if child.type == "image":
                yield (
                    str(child.attrGet("src") or "").removesuffix(".png"),
                    "".join(part.content for part in child.children or []),
                )
