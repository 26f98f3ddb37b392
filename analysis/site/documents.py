"""Turns a Markdown document of the project into the body of a page; links lead inside the site, or are text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_OPEN = '<div class="wide" tabindex="0" role="region" aria-label="Table of this section">'


@dataclass(frozen=True)
class Document:
    """A page's title and its body as HTML; HTML in the source is shown as letters."""

    title: str
    body: str


def document(source: str, target: Callable[[str], str | None]) -> Document:
    """The page of `source`; `target` turns a link into one of the site, or ``None``: only its text stays."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(_COMMENT.sub("", source))
    title = ""
    for here, token in enumerate(tokens):
        if token.type == "heading_open":
            text = tokens[here + 1].content
            title = title or text.replace("`", "")
            token.attrSet("id", _anchor(text))
        if token.children:
            token.children = _links(token.children, target)
    body = reader.renderer.render(tokens, reader.options, {})
    return Document(title, body.replace("<table>", f"{_OPEN}<table>").replace("</table>", "</table></div>"))


def _anchor(text: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


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
