"""Turns texts into Markdown that shows them as they are: escaped sentences, and tables as GitHub renders them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

# An underscore inside a word is no markup.
_MARKUP = re.compile(r"([\\*<>\[\]#|~]|(?<!\w)_|_(?!\w))")
_LETTERS = re.compile(r"([\\`*_|<>])")
_CODE = re.compile(r"(`[^`]*`)")
_FREE_BAR = re.compile(r"(?<!\\)\|")


def escape(text: str) -> str:
    """`text` with everything escaped that Markdown would take for markup, but for code between backticks."""
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\1", part) for part in _CODE.split(text))


def escape_all(text: str) -> str:
    """`text`, of which nothing is markup, backticks included: names and values from the files of a run."""
    return _LETTERS.sub(r"\\\1", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[int]) -> str:
    """A table of cells that are Markdown already; columns (from 0) that are not in `left` are aligned at the right.

    A bar ends a cell even in code, so it is escaped here. The last line has no line feed.
    """
    marks = "|".join("---" if index in left else "--:" for index in range(len(columns)))
    return "\n".join([_line(columns), f"|{marks}|", *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    shown = [_FREE_BAR.sub(r"\\|", cell) or " " for cell in cells]
    return f"| {' | '.join(shown)} |"
