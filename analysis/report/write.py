"""Turns a run into its report (index.html and report.md with their figures)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from analysis import figures
from analysis.answers import answers
from analysis.report import components, machine_sections, sections
from analysis.report.answers_text import first_sentence, told, untold
from analysis.report.decisions import COLUMNS, decisions, result
from analysis.report.page_figure import Link, PageFigure, chosen_from, page_figure
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import markdown
from analysis.write_file import make_folder, write_file

FOLDER = "report"


def write_report(analysed: AnalysedRun) -> Path:
    """Write figures, report.md and index.html into the folder ``report`` of a run; return the path of index.html.

    The same files give the same bytes. Raises `LoadError` where a file of the run cannot be read or the
    folder is a link, `OSError` where it cannot be written.
    """
    pictures = [figures.draw(kind, analysed) for kind in figures.kinds()]
    shown = context(analysed, pictures)
    folder = analysed.run.path / FOLDER
    make_folder(folder)
    for picture in pictures:
        write_picture(picture, folder / picture.name)
    for name in ("report.md", "index.html"):
        text = environment().get_template(f"{name}.j2").render(shown)
        write_file(folder / name, text)
    return folder / "index.html"


def write_picture(picture: figures.Picture, stem: Path) -> list[Path]:
    """Write an SVG and a PNG; a figure that this data does not have takes an older one away."""
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    if picture.reason:
        for path in paths:
            path.unlink(missing_ok=True)
        return []
    for path, data in zip(paths, (picture.svg, picture.png), strict=True):
        write_file(path, data)
    return paths


def context(analysed: AnalysedRun, pictures: Sequence[figures.Picture]) -> dict[str, Any]:
    """Everything that the templates show."""
    decided = decisions(analysed)
    shown = {picture.name: _shown(picture) for picture in pictures if not picture.reason}
    return plain_context(analysed) | {
        "decisions": decided,
        "result": result(decided),
        "decision_columns": COLUMNS,
        "answers": answers(analysed),
        "pictures": pictures,
        "figures": shown,
        "series": chosen_from(list(shown.values()), set(analysed.summary["mechanism"])),
    }


def plain_context(analysed: AnalysedRun) -> dict[str, Any]:
    """What the templates show besides figures and what follows from every call: its summary is enough for it."""
    command, command_note = sections.command(analysed)
    return {
        "title": sections.title(analysed),
        "question": sections.question(analysed),
        "standing": sections.standing(analysed),
        "unfit": machine_sections.unfit(analysed),
        "table_note": sections.table_note(analysed),
        "figure_note": sections.FIGURE_NOTE,
        "tables": sections.tables(analysed),
        "certificate": machine_sections.certificate(analysed),
        "errors": sections.errors(analysed),
        "unavailable": sections.unavailable(analysed),
        "machine": machine_sections.machine(analysed),
        "interpreters": machine_sections.interpreters(analysed),
        "command": command,
        "command_note": command_note,
        "files": sections.files(analysed),
        "derived": sections.derived_files(analysed),
    }


def _shown(picture: figures.Picture) -> PageFigure:
    links = [Link(f"{picture.name}.{kind}", kind.upper()) for kind in ("svg", "png")]
    return page_figure(picture.name, picture.title, picture.sentence, picture.svg, links)


@cache
def environment() -> jinja2.Environment:
    """Templates of a report."""
    made = components.environment(components.TEMPLATES)
    made.filters.update(
        {
            "md": markdown.escape,
            "md_table": md_table,
            "code_block": markdown.code_block,
            "first_sentence": first_sentence,
            "other_sentences": other_sentences,
            "told": told,
            "base64": lambda data: b64encode(data).decode("ascii"),
            "untold": untold,
        }
    )
    return made


def other_sentences(line: str) -> str:
    """What stands behind the first sentence of a line; empty: nothing."""
    return line[len(first_sentence(line)) :].strip()


def md_table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    """A table of texts, with ``code`` between backticks, as Markdown (see `analysis.text.markdown.table`)."""
    escaped = [[markdown.escape(text) for text in row] for row in rows]
    return markdown.table([markdown.escape(name) for name in columns], escaped, left)
