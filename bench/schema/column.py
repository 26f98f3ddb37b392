"""Turns the annotated fields of a record into columns: name, kind, unit, meaning, range, and the words allowed."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from enum import StrEnum

import msgspec


@dataclass(frozen=True)
class Column:
    """One column: `kind` is ``int``, ``float`` or ``str``; an optional one may be empty.

    Numbers lie between `low` and `high` (None: no limit); where there are `words`, text is one of them.
    """

    name: str
    kind: str
    unit: str
    meaning: str
    optional: bool
    low: int
    high: int | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class _About:
    """What an annotation says of its column."""

    meaning: str
    unit: str
    low: int
    high: int | None


def column(meaning: str, unit: str = "", low: int = 0, high: int | None = None) -> _About:
    """What a field's annotation holds beside its type. Times and counts are never below 0 unless `low` says so."""
    return _About(meaning, unit, low, high)


def columns_of(record: type[msgspec.Struct]) -> tuple[Column, ...]:
    """The columns of a record's class, in the order of its fields."""
    hints = typing.get_type_hints(record, include_extras=True)
    return tuple(_column(name, hints[name]) for name in record.__struct_fields__)


def _column(name: str, hint: object) -> Column:
    kind, about = typing.get_args(hint)
    optional = isinstance(kind, types.UnionType)
    if optional:
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    words = tuple(kind) if issubclass(kind, StrEnum) else ()
    plain = "str" if words else kind.__name__
    return Column(name, plain, about.unit, about.meaning, optional, about.low, about.high, words)
