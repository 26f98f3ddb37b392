"""Turns a text of a run into what is wrong with it: a formula, markup, or something of the person who measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.text.spreadsheet import text_cell
from bench.schema.json_text import shown
from bench.schema.visible import visible

# A dose or a level may be a number below 0, or several joined by a plus.
_NUMBER = re.compile(r"[-+]?\d[\d.eE+-]*\Z")
# Python writes some names of its own in brackets.
_OF_PYTHON = r"(?:string|stdin|module|lambda|genexpr|listcomp|dictcomp|setcomp|unknown|locals|frozen [\w.]+)>"
_MARKUP = re.compile(
    rf"<(?!{_OF_PYTHON})(?:/?[a-z][\w:-]*(?:\s[^<>]*)?/?>|!--|!doctype|\?xml)"
    r"|<(?:script|img|svg|iframe|object|embed|style|link|meta|base|form)\b|javascript:|\bon[a-z]{4,}\s*=",
    re.IGNORECASE,
)
# What every system has; what lies elsewhere is the contributor's own.
_SYSTEM = r"(?:usr|bin|sbin|lib|lib64|opt|nix|snap|etc|proc|sys|dev|run|System|Library|Applications)"
_PRIVATE = (
    ("a home directory", re.compile(r"/(?:home|Users)/[^/\s]+|(?<!\w)/root\b|(?<![\w/])~[A-Za-z][\w-]*(?=/)")),
    ("a path of Windows", re.compile(r"\b[A-Za-z]:[\\/]+(?=[^\s/\\])\S*|(?<!\\)\\\\[\w.-]+\\\S*")),
    (
        "an e-mail address or a host",
        re.compile(r"(?<![\w.+-])[\w.+-]*\w@(?![0-9a-f]{12}\b)[A-Za-z][\w-]*(?:\.[\w-]+)*"),
    ),
    ("a path", re.compile(rf"(?<![\w.~/+)-])/(?!{_SYSTEM}(?:/|\b))(?:[\w.@+-]+/)+[\w.@+-]*")),
)
# The reason of an error has a few thousand at the most; patterns take their time with what is longer.
MOST_LETTERS = 8192
_REMEDY = "measure again where no text holds it"


def wrong_text(text: str) -> Iterator[str]:
    """What is wrong with `text`, wherever it stands; each is one line, safe to show."""
    if len(text) > MOST_LETTERS:
        yield f"has {len(text)} characters; no text of a run has more than {MOST_LETTERS}"
        text = text[:MOST_LETTERS]
    if visible(text) != text:
        yield f"holds characters that cannot be seen ({_quoted(text)}); remove them"
    if match := _MARKUP.search(text):
        yield f"holds markup ({_quoted(match[0])}); no text of a run has any"
    for what, pattern in _PRIVATE:
        if match := pattern.search(text):
            yield f"holds {what} ({_quoted(match[0])}); {_REMEDY}"
            break


def formula(text: str) -> Iterator[str]:
    """Whether a spreadsheet would calculate `text` in a cell."""
    if text_cell(text) != text and not _NUMBER.match(text):
        yield f"is a formula to a spreadsheet ({_quoted(text)}); no text of a run is"


def _quoted(text: str) -> str:
    return shown(visible(text))
