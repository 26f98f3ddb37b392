"""Turns text from anywhere into plain data, or into one line that says where it is no JSON that can be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

MOST_SHOWN = 200  # characters of an error's text: a value may be as long as the file

_DEEP = "1: not JSON that can be read (nested too deeply)"


class DocumentError(ValueError):
    """The text is not a run's document; the error's text begins with `line` (text that is no JSON) or the key."""


def load(text: str, constants: bool = False) -> Any:
    """The data of `text`; NaN and infinity are taken only with `constants`. Raises `DocumentError`."""
    try:
        return json.loads(text, parse_constant=None if constants else _no_constant)
    except DocumentError:
        raise
    except json.JSONDecodeError as error:
        raise DocumentError(f"{error.lineno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise DocumentError(_DEEP) from None
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        raise DocumentError(f"1: not JSON that can be read ({str(error).partition(';')[0]})") from None


def refuse_values(data: Any, wrong: Callable[[Any], str | None]) -> None:
    """Raise `DocumentError` with the key of the first value or name in `data` that is `wrong`."""
    try:
        for steps, what in _find(data, wrong):
            raise DocumentError(f"{shown(''.join(reversed(steps)).lstrip('.')) or 'all of it'}: {what}")
    except RecursionError:
        raise DocumentError(_DEEP) from None


def unwritable(value: Any) -> str | None:
    """What is wrong with a text that no file can hold: half of a pair of UTF-16, which JSON can spell."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "text with a lone surrogate, which no file can hold"
    return None


def shown(text: str) -> str:
    """`text` as one line that is not too long and can be printed."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"


def _find(data: Any, wrong: Callable[[Any], str | None]) -> Iterator[tuple[list[str], str]]:
    """The first wrong value: the way to it, last step first, and what is wrong. No way is made where nothing is."""
    if isinstance(data, dict):
        for name, value in data.items():
            if what := wrong(name):
                yield [f".{name}"], what
            for steps, what in _find(value, wrong) if isinstance(value, dict | list) else _leaf(value, wrong):
                yield [*steps, f".{name}"], what
    elif isinstance(data, list):
        for number, value in enumerate(data):
            for steps, what in _find(value, wrong) if isinstance(value, dict | list) else _leaf(value, wrong):
                yield [*steps, f"[{number}]"], what
    else:
        yield from _leaf(data, wrong)


def _leaf(value: Any, wrong: Callable[[Any], str | None]) -> tuple[tuple[list[str], str], ...]:
    what = wrong(value)
    return (([], what),) if what else ()


def _no_constant(name: str) -> NoReturn:
    raise DocumentError(f"1: not JSON ({name} is no number)")
