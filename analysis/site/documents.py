"""Turns a Markdown document of the project into the body of a page; links lead inside the site, or are text."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from analysis.report.components import code
from analysis.site.files import read_regular

_HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# Documents besides those in docs/: their place in the repository, the name of their page.
_BESIDE = {"CONTRIBUTING.md": "contributing", "results/README.md": "files"}
_TITLES = {
    "findings": "Findings",
    "method": "Method",
    "parents": "Parents",
    "forking": "Introduction",
    "reliability": "Reliability",
    "files": "Files and columns",
    "contributing": "Contribute",
}


@dataclass(frozen=True)
class Source:
    """A document: its `place` in the repository, the `name` of its page, its Markdown."""

    place: str
    name: str
    text: str

    @property
    def link_text(self) -> str:
        """What a link to its page is called."""
        return _TITLES.get(self.name, self.name.capitalize())

    @property
    def title(self) -> str:
        """Its first heading, without reading all of it."""
        heading = _HEADING.search(_COMMENT.sub("", self.text))
        return heading[1].replace("`", "") if heading else self.name


@dataclass(frozen=True)
class Document:
    """A page's title, its sections (anchor and heading), and its body as HTML; HTML in the source stays letters."""

    title: str
    sections: list[tuple[str, str]]
    body: Markup


def sources(docs: Path) -> Iterator[Source]:
    """The documents that become pages: those in the folder `docs`, and those of the repository around it."""
    names = [(f"{docs.name}/{path.name}", path.stem) for path in docs.glob("*.md")]
    order = list(_TITLES)
    for place, name in sorted(
        [*names, *_BESIDE.items()], key=lambda one: (order.index(one[1]) if one[1] in order else len(order), one[1])
    ):
        data = read_regular(docs.parent / place)
        if data is not None:
            yield Source(place, name, data.decode("utf-8", "replace"))


def document(source: Source, target: Callable[[str], str | None]) -> Document:
    """The page of `source`.

    `target` turns a place in the repository, as a link names it, into one of the site; ``None``: only its text stays.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("code_inline", lambda _, tokens, here, *__: str(code(tokens[here].content)))
    tokens = reader.parse(_COMMENT.sub("", source.text))
    sections, used = [], Counter[str]()
    for here, token in enumerate(tokens):
        if token.type == "heading_open":
            text = tokens[here + 1].content.replace("`", "")
            anchor = _anchor(text, used)
            token.attrSet("id", anchor)
            if token.tag == "h2":
                sections.append((anchor, text))
        if token.children:
            token.children = _links(token.children, lambda link: _resolved(link, source.place, target))
    return Document(source.title, sections, Markup("".join(_html(reader, tokens, source.title))))


def _html(reader: MarkdownIt, tokens: list[Token], heading: str) -> Iterator[str]:
    """The tokens as HTML; a table scrolls in a region that is named after its heading, each by a name of its own."""
    begin, tables = 0, 0
    for here, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[here + 1].content.replace("`", "")
        if token.type in ("table_open", "table_close"):
            # A corner without a word is no head of a column.
            yield reader.renderer.render(tokens[begin:here], reader.options, {}).replace("<th></th>", "<td></td>")
            begin = here + 1
            tables += token.type == "table_open"
            label = escape(f"Table {tables}: {heading}")
            opening = f'<div class="wide" tabindex="0" role="region" aria-label="{label}"><table aria-label="{label}">'
            yield f"{opening}\n" if token.type == "table_open" else "</table></div>\n"
        elif token.type in ("fence", "code_block"):
            token.attrSet("tabindex", "0")  # a long line scrolls
    yield reader.renderer.render(tokens[begin:], reader.options, {})


def _anchor(text: str, used: Counter[str]) -> str:
    """The anchor of a heading, as GitHub makes it; the second of the same name ends in ``-1``."""
    name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    count = used[name]
    used[name] += 1
    return f"{name}-{count}" if count else name


def _resolved(link: str, place: str, target: Callable[[str], str | None]) -> str | None:
    if link.startswith(("https://", "#")):
        return link
    path, _, anchor = link.partition("#")
    found = target(posixpath.normpath(posixpath.join(posixpath.dirname(place), path)))
    return f"{found}#{anchor}" if found and anchor and "/" not in found else found


def _links(tokens: list[Token], target: Callable[[str], str | None]) -> list[Token]:
    """`tokens` with their links put right, and pictures left out: their text stays."""
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            place = target(str(token.attrGet("href") or ""))
            open_links.append(place is not None)
            if place is None:
                continue
            token.attrSet("href", place)
        elif token.type == "link_close" and not open_links.pop():
            continue
        elif token.type == "image":
            token = Token("text", "", 0, content=token.content)
        kept.append(token)
    return kept
