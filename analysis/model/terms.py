"""Turns the dose of a parent into the amounts that a fork pays for: pages, mappings, files, threads.

The same amounts are taken from the subjects of a run and from any process, since both are doses as the kernel tells
them (`bench.schema.dose`). What is in the list follows from Linux: `dup_mmap` copies every mapping, `copy_page_range`
the page table of those that hold private pages, `dup_fd` every open file (kernel/fork.c, mm/memory.c, fs/file.c).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Doses = Mapping[str, Numbers]

PAGE, HUGE_PAGE = 4096, 2 << 20
# From so many on, pages (64 MiB) and mappings are taken to cost more, if that predicts better: what the kernel keeps of
# each (64 bytes in `struct page`, some 200 in `vm_area_struct`, twice) no longer fits into a near cache. Seen on an AMD
# EPYC: a page in 128, 256 and 512 MiB 139, 160 and 184 ns; a mapping of 1000, 2000 and 4000 0.63, 0.70 and 1.1 µs.
CACHED_PAGES, CACHED_MAPPINGS = 16384, 2048

# At-fork handlers of the standard library that run in every child, by the module that registers them.
HANDLERS = ("threading", "random")


@dataclass(frozen=True)
class Term:
    """One thing that a fork pays for: `one` of it in words, and its `amount` in a dose.

    A run tells its price only if its parents differ by `spread` of it; `scenario` is what to add to a run that does
    not. `size` is the bytes of one, of what is an amount of memory.
    """

    key: str
    one: str
    many: str
    amount: Callable[[Doses], Numbers]
    spread: float
    scenario: str
    size: int = 0


def pages(dose: Doses) -> Numbers:
    """Private pages of 4 KiB that fork copies, those in swap included."""
    return (dose["copied_bytes"] - dose["copied_file_bytes"] + dose["swapped_bytes"]) / PAGE


def page_tables(dose: Doses) -> Numbers:
    """Page tables beyond those that the same memory would need in one piece: memory that lies scattered has more."""
    return np.maximum(0.0, dose["pte_bytes"] / PAGE - dose["rss_bytes"] / HUGE_PAGE)


def _page_growth(dose: Doses) -> Numbers:
    """Pages by how often they doubled beyond `CACHED_PAGES`; next to nothing below."""
    return np.asarray(pages(dose) * np.log2(1 + pages(dose) / CACHED_PAGES), dtype=np.float64)


def _mapping_growth(dose: Doses) -> Numbers:
    return np.maximum(0.0, dose["vmas"] - dose["vmas_unforked"] - CACHED_MAPPINGS)


CONSTANT = Term("constant", "any fork", "any fork", lambda dose: np.ones_like(dose["vmas"]), 0.0, "")
PAGES = Term("page", "page of 4 KiB", "4 KiB pages", pages, 2048, "rss=16MiB,64MiB,256MiB", PAGE)
GROWTH = Term(
    "page_growth",
    "page, each doubling beyond 64 MiB",
    "",
    _page_growth,
    CACHED_PAGES,
    "",
)
MAPPING_GROWTH = Term(
    "mapping_growth",
    "mapping beyond 2048, in addition",
    "mappings beyond 2048, in addition",
    _mapping_growth,
    500,
    "",
)
GROWTHS = (GROWTH, MAPPING_GROWTH)
HUGE = Term(
    "huge_page", "huge page of 2 MiB", "huge pages", lambda d: d["huge_bytes"] / HUGE_PAGE, 16, "thp=256MiB", HUGE_PAGE
)
THREADS = Term("thread", "thread", "threads beyond the first", lambda d: d["threads"] - 1, 4, "threads=8,64")
PRIVATE = Term(
    "mapping_private",
    "mapping with private pages",
    "mappings with private pages",
    lambda dose: dose["vmas_private"],
    50,
    "vmas_private=200,1000",
)
# In the order in which they are shown.
CONTROL_TERMS = (
    CONSTANT,
    PAGES,
    GROWTH,
    Term(
        "page_of_file",
        "page of a file in such a mapping",
        "pages of files in such mappings",
        lambda dose: dose["copied_file_bytes"] / PAGE,
        2048,
        "file_dirty=64MiB",
        PAGE,
    ),
    HUGE,
    PRIVATE,
    Term(
        "mapping_other",
        "mapping without private pages",
        "mappings without private pages",
        lambda dose: dose["vmas"] - dose["vmas_private"] - dose["vmas_unforked"],
        50,
        "vmas=200,1000",
    ),
    MAPPING_GROWTH,
    Term("page_table", "page table of scattered memory", "page tables of scattered memory", page_tables, 10, ""),
    # No term for threads: a fork copies the calling thread alone. What others cost are their mappings and page tables.
    Term("file", "open file", "open files", lambda dose: dose["fds"], 50, "fds=1000"),
)
# Python's share: what its own code does before and after the fork, most of it page faults on copied pages.
SHARE_TERMS = (
    CONSTANT,
    PAGES,
    PRIVATE,
    THREADS,
    *(
        Term(
            f"handlers_{name}",
            f"at-fork handlers of {name}",
            f"at-fork handlers of {name}",
            lambda dose, name=name: dose[f"handlers_{name}"],  # type: ignore[misc]
            0.5,
            f"imports={name}",
        )
        for name in HANDLERS
    ),
    Term("hook", "at-fork hook more", "at-fork hooks more", lambda dose: dose["hooks"], 4, ""),
)
TERMS = {term.key: term for term in (*CONTROL_TERMS, *SHARE_TERMS)}
# Every column that an amount is taken from. One that a run does not have counts as 0, but for those of `NEEDED`.
COLUMNS = (
    "rss_bytes",
    "huge_bytes",
    "copied_bytes",
    "copied_file_bytes",
    "swapped_bytes",
    "pte_bytes",
    "vmas",
    "vmas_private",
    "vmas_unforked",
    "fds",
    "threads",
    "hooks",
    *(f"handlers_{name}" for name in HANDLERS),
)
NEEDED = ("rss_bytes", "copied_bytes", "pte_bytes", "vmas", "vmas_private", "fds", "threads")


def amounts(dose: Doses, keys: tuple[str, ...]) -> Numbers:
    """The amounts of terms `keys`, a column each, for every row of `dose`."""
    return np.column_stack([TERMS[key].amount(dose) for key in keys])
