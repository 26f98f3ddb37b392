"""Turns text that somebody else may have written into text that is safe to show: all of it can be seen.

A terminal obeys control characters, a reader is misled by what turns the direction of a line or has no width, and
neither XML nor UTF-8 holds all of them. This is done once, where text comes in, for every kind of output. What the
syntax of an output takes for markup is escaped where that output is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
# These only separate words, and a table has no place for them.
_LINE_SPACE = re.compile(r"[\t\n\v\f\r]")


def visible(text: str) -> str:
    r"""`text` with what has no shape of its own spelled out, as in ``\x1b`` or ``\u202e``; a line end is a blank.

    A backslash stays as it is, so that paths stay as they are: this is for reading, and cannot be undone.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in _LINE_SPACE.sub(" ", text)
    )


def writable(text: str) -> str:
    r"""`text` for a file in UTF-8, which holds no half of a pair: it becomes ``\ud800``, in JSON the half again.

    Python makes halves of bytes in a path that are no UTF-8, and JSON may hold them.
    """
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def in_all_texts(data: Any, change: Callable[[str], str]) -> Any:
    """`data` of JSON with all of its texts changed, those of keys included."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, list):
        return [in_all_texts(value, change) for value in data]
    if isinstance(data, dict):
        return {change(key): in_all_texts(value, change) for key, value in data.items()}
    return data
