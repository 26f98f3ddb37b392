"""Turns Markdown into the elements that a reader gets, as CommonMark has it, with GitHub's tables and strikes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt


@dataclass
class Elements(HTMLParser):
    """The live elements of a page with their attributes, and the text between them."""

    found: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Collect what a reader sees."""
        self.text += data

    @property
    def tags(self) -> list[str]:
        """The kinds of elements, in order."""
        return [tag for tag, _ in self.found]


def elements(page: str) -> Elements:
    """The elements of an HTML page."""
    parsed = Elements()
    parsed.feed(page)
    parsed.close()
    return parsed


def rendered(text: str) -> Elements:
    """The elements that Markdown becomes; HTML in it is live, as it is on GitHub."""
    return elements(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
