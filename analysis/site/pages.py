"""Turns records of runs into the texts of pages, by the place of each in the site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.report.components import html, styles
from analysis.site.documents import document
from analysis.site.entries import CellEntry, RunEntry

TEMPLATES = Path(__file__).parent / "templates"
_RUN_LINK = re.compile(r"\.\./results/([^/]+)/([^/]+)/.*")


def run_page(values: Mapping[str, Any]) -> str:
    """The page of a run (see `analysis.site.run_page.page_values`)."""
    return _render("run", 3, **values)


def above(entries: Sequence[RunEntry], documents: Iterable[tuple[str, str]]) -> dict[str, str]:
    """All pages that are not of one run: front page, machines, comparison, documents."""
    sources = dict(documents)
    newest = _by_machine(entries)
    made = {
        "index.html": _render("front", 0, machines=newest, documents=sorted(sources)),
        "compare.html": _render("compare", 0, machines=newest, rows=_side_by_side(newest)),
    }
    for place, runs in newest.items():
        made[f"{place}/index.html"] = _render("machine", 2, runs=runs, newest=runs[0])
    places = {entry.place for entry in entries}
    for name, source in sources.items():
        page = document(source, lambda link: _target(link, sources, places))
        made[f"{name}.html"] = _render("document", 0, title=page.title or name, body=page.body)
    return made


def _by_machine(entries: Sequence[RunEntry]) -> dict[str, list[RunEntry]]:
    """Place of a machine -> its runs, the newest first."""
    found: dict[str, list[RunEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.place.rpartition("/")[2], reverse=True):
        found.setdefault(entry.machine_place, []).append(entry)
    return dict(sorted(found.items()))


def _side_by_side(machines: Mapping[str, Sequence[RunEntry]]) -> list[tuple[RunEntry, CellEntry]]:
    """Every cell with a bare parent and a ratio in the newest run of each machine; the same mechanism together."""
    rows = [
        (runs[0], cell)
        for runs in machines.values()
        for cell in runs[0].cells
        if cell.state == "parent=bare" and cell.rel_p50 is not None
    ]
    return sorted(rows, key=lambda row: (row[1].work, row[1].mechanism, row[0].machine, row[1].python))


def _target(link: str, sources: Mapping[str, str], places: set[str]) -> str | None:
    """Where a link of a document leads in the site, or ``None``."""
    if link.startswith(("https://", "#")):
        return link
    page, _, anchor = link.partition("#")
    if page.endswith(".md") and page[:-3] in sources:
        return f"{page[:-3]}.html" + (f"#{anchor}" if anchor else "")
    run = _RUN_LINK.fullmatch(page)
    place = f"machines/{run[1]}/{run[2]}" if run else ""
    return f"{place}/index.html" if place in places else None


def _render(name: str, depth: int, **values: Any) -> str:
    return _environment().get_template(f"{name}.html.j2").render(root="../" * depth, **values)


@cache
def _environment() -> jinja2.Environment:
    """Templates of this package: everything is escaped, and a missing name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["css"] = Markup(styles(TEMPLATES / "style.css"))
    made.globals["script"] = Markup((TEMPLATES / "table.js").read_text(encoding="utf-8"))
    made.filters["html"] = html
    made.filters["safe_body"] = Markup  # for what `documents.document` made
    return made
