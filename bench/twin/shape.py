"""Turns a mapping into its shape: what a twin must have in its place for a fork to cost the same."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bench.schema.dose import MappingDose

PAGE = mmap.PAGESIZE
HUGE_PAGE = 2 << 20
# What one page of a page table spans: 512 entries of 8 bytes on x86-64 and on arm64 with pages of 4 KiB.
TABLE_SPAN = PAGE // 8 * PAGE
# Where nothing is resident, the size of a mapping does not matter to a fork: no more than this is mapped beside pages.
MOST_UNUSED = 1 << 30


class Kind(StrEnum):
    """What a fork does with a mapping depends on its kind, the words of a recipe."""

    ANONYMOUS = "anonymous"  # private pages, copied
    FILE_PRIVATE = "file_private"  # of a file, some pages private: all that are resident are copied
    FILE = "file"  # of a file, no private page: not copied
    SHARED = "shared"  # not copied
    UNTOUCHED = "untouched"  # no page
    UNFORKED = "unforked"  # children do not get it


OF_FILE = (Kind.FILE, Kind.FILE_PRIVATE)


@dataclass(frozen=True, order=True)
class Shape:
    """A mapping: its kind and bytes. `resident` ones are in small pages, `huge` in huge ones.

    Of a file's pages, `written` are private. The resident pages lie in so many `pieces`, spread over its size; 0: in
    one. So every piece may need a page of a page table for itself.
    """

    kind: Kind
    size: int
    resident: int = 0
    huge: int = 0
    written: int = 0
    pieces: int = 0

    @property
    def memory(self) -> int:
        """Bytes of memory that it takes; a file's written pages exist twice."""
        return self.resident + self.huge + self.written


def shape_of(mapping: MappingDose) -> Shape:
    """The shape of a mapping. Pages in swap are not in it: a twin has none."""
    sizes = mapping.sizes
    huge = sizes.get("AnonHugePages", 0)
    resident, size = sizes.get("Rss", 0) - huge, sizes.get("Size", 0)
    if mapping.is_unforked:
        return Shape(Kind.UNFORKED, PAGE)
    if mapping.holds_private_pages and resident + huge and not mapping.is_file:
        return anonymous(resident, huge, size)
    resident += huge
    room = max(PAGE, resident, min(size, resident + MOST_UNUSED))
    if mapping.holds_private_pages and resident:
        written = min(max(PAGE, sizes.get("Anonymous", 0)), resident)
        return Shape(Kind.FILE_PRIVATE, room, resident, written=written)
    if mapping.is_shared:
        return Shape(Kind.SHARED, room, resident)
    if mapping.is_file:
        return Shape(Kind.FILE, room, resident)
    return Shape(Kind.UNTOUCHED, max(PAGE, min(size, MOST_UNUSED)))


def anonymous(resident: int, huge: int, size: int, pieces: int = 0) -> Shape:
    """A private anonymous shape that has room for its pages: huge ones lie anywhere in what is one larger."""
    needed = resident + (huge + HUGE_PAGE if huge else 0)
    return Shape(Kind.ANONYMOUS, max(PAGE, needed, min(size, needed + MOST_UNUSED)), resident, huge, 0, pieces)


def shapes_of(mappings: Iterable[MappingDose]) -> tuple[Shape, ...]:
    """The shapes of all mappings, in their order."""
    return tuple(map(shape_of, mappings))
