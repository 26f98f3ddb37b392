"""Turns texts into Markdown that shows them as they are: escaped sentences, and tables as GitHub renders them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

# What begins a link, an entity or an address that GitHub makes a link of, whatever stands around it.
_LINKS = r"\](?=[(\[:])|&(?=#?\w+;)|:(?=//)|(?<=www)\."
# An underscore between two letters is no markup.
_MARKUP = re.compile(rf"([\\`*<>\[\]#|~]|(?<![^\W_])_|_(?![^\W_])|{_LINKS})", re.IGNORECASE)
_LETTERS = re.compile(rf"([\\`*_|<>~]|{_LINKS})", re.IGNORECASE)
# At the beginning of a line: a heading, an item of a list, a box to tick, or the line under a heading.
_BLOCK = re.compile(r"^(#{0,5}|\d*)(#(?=\s|$)|[-+](?=[\s-]|$)|[.)](?=\s|$)|[\[=])")
# Code as the program itself writes it: more than one backtick in a row, or one alone, is text of somebody else.
_CODE = re.compile(r"((?<!`)`[^`]+`(?!`))")
_TICKS = re.compile(r"`+")
_FREE_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")


def escape(text: str) -> str:
    """`text` with everything escaped that Markdown would take for markup, but for code between backticks."""
    # The pieces at odd places are what `_CODE` holds.
    pieces = [piece if odd % 2 else _MARKUP.sub(r"\\\1", piece) for odd, piece in enumerate(_CODE.split(text))]
    return _BLOCK.sub(r"\1\\\2", "".join(pieces))


def escape_all(text: str) -> str:
    """`text`, of which nothing is markup, backticks included: names and values from the files of a run."""
    return _BLOCK.sub(r"\1\\\2", _LETTERS.sub(r"\\\1", text))


def code(text: str) -> str:
    """`text` as code, which no backtick in it ends."""
    fence = "`" * (_longest(text) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def code_block(text: str, language: str) -> str:
    """`text` as a block of code, which no line of it ends."""
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest(text: str) -> int:
    """How many backticks stand in a row, at most."""
    return max((len(ticks) for ticks in _TICKS.findall(text)), default=0)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[int]) -> str:
    """A table of cells that are Markdown already; columns (from 0) that are not in `left` are aligned at the right.

    A bar ends a cell even in code, so it is escaped here. The last line has no line feed.
    """
    marks = "|".join("---" if index in left else "--:" for index in range(len(columns)))
    return "\n".join([_line(columns), f"|{marks}|", *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    shown = [_FREE_BAR.sub(r"\1\\|", cell) or " " for cell in cells]
    return f"| {' | '.join(shown)} |"
