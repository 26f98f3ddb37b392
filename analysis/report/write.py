"""Turns a run into its report (index.html and report.md with their figures)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from analysis import figures
from analysis.answers import answers
from analysis.report import machine_sections, sections
from analysis.report.answers_text import first_sentence
from analysis.report.decisions import COLUMNS, decisions
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import markdown
from analysis.write_file import make_folder, write_file

FOLDER = "report"
TEMPLATES = Path(__file__).parent / "templates"
# What a report and the pages of a site look alike by.
BASE_STYLE = TEMPLATES / "base.css"
_CODE = re.compile(r"`([^`]*)`")


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
    command, command_note = sections.command(analysed)
    return {
        "title": sections.title(analysed),
        "question": sections.question(analysed),
        "standing": sections.standing(analysed),
        "unfit": machine_sections.unfit(analysed),
        "decisions": decisions(analysed),
        "decision_columns": COLUMNS,
        "answers": answers(analysed),
        "table_note": sections.table_note(analysed),
        "tables": sections.tables(analysed),
        "pictures": pictures,
        "certificate": machine_sections.certificate(analysed),
        "errors": sections.errors(analysed),
        "unavailable": sections.unavailable(analysed),
        "machine": machine_sections.machine(analysed),
        "interpreters": machine_sections.interpreters(analysed),
        "command": command,
        "command_note": command_note,
        "files": sections.files(analysed),
    }


def styles(own: Path) -> str:
    """The style of a page: what all have, and behind it its own."""
    return "".join(path.read_text(encoding="utf-8") for path in (BASE_STYLE, own))


@cache
def environment() -> jinja2.Environment:
    """Templates of this package; an HTML one escapes what it is given, and a missing name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=lambda name: bool(name) and ".html" in str(name),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["css"] = Markup(styles(TEMPLATES / "style.css").rstrip())
    made.filters.update(
        {
            "html": html,
            "md": markdown.escape,
            "md_table": md_table,
            "code_block": markdown.code_block,
            "plain": plain,
            "first_sentence": first_sentence,
            "other_sentences": other_sentences,
            "base64": as_base64,
        }
    )
    return made


def html(text: str) -> Markup:
    """`text` escaped, with ``code`` elements for what stands between backticks."""
    return Markup(_CODE.sub(lambda match: f"<code>{match[1]}</code>", str(escape(text))))


def other_sentences(line: str) -> str:
    """What stands behind the first sentence of a line; empty: nothing."""
    return line[len(first_sentence(line)) :].strip()


def plain(text: str) -> str:
    """`text` without backticks."""
    return text.replace("`", "")


def md_table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    """A table of texts, with ``code`` between backticks, as Markdown (see `analysis.text.markdown.table`)."""
    escaped = [[markdown.escape(text) for text in row] for row in rows]
    return markdown.table([markdown.escape(name) for name in columns], escaped, left)


def as_base64(data: bytes) -> str:
    """`data` for a data URI."""
    return base64.b64encode(data).decode("ascii")
