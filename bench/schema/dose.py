"""Turns what the kernel says of a process into its dose: memory by what a fork does with it, mappings, threads.

A fork copies the page table of a mapping only where the mapping holds private pages (`vma_needs_copy` in Linux's
mm/memory.c), then for all its pages that are there. The rest is faulted in again by the child.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

KIB = 1024


@dataclass(frozen=True)
class Dose:
    """The columns of subjects.csv that come from /proc; None: it cannot be read here. Sizes in bytes.

    ``copied_bytes`` is what fork copies page by page (of that ``copied_file_bytes``: pages of files, at less than half
    the price), ``huge_bytes`` what it copies by huge pages. ``shared_bytes``
    and ``file_bytes`` (private mappings of files without private pages) are not copied. Children do not get
    ``unforked_bytes``. ``swapped_bytes`` are copied too, though they are not in memory. ``virtual_bytes`` is all that
    is mapped.
    """

    rss_bytes: int | None = None
    pss_bytes: int | None = None
    private_bytes: int | None = None
    huge_bytes: int | None = None
    copied_bytes: int | None = None
    copied_file_bytes: int | None = None
    shared_bytes: int | None = None
    file_bytes: int | None = None
    unforked_bytes: int | None = None
    swapped_bytes: int | None = None
    virtual_bytes: int | None = None
    pte_bytes: int | None = None
    vmas: int | None = None
    vmas_private: int | None = None
    vmas_file: int | None = None
    vmas_unforked: int | None = None
    fds: int | None = None
    threads: int | None = None
    cpus: int | None = None


_NOT_OF_MEMORY = ("pte_bytes", "fds", "threads", "cpus")
DOSE_NAMES = tuple(field.name for field in fields(Dose))


_ADDRESS = frozenset("0123456789abcdef")
_WANTED = (
    *("Size:", "Rss:", "Pss:", "Private_Clean:", "Private_Dirty:", "Anonymous:", "AnonHugePages:", "Swap:"),
    *("Shared_Hugetlb:", "Private_Hugetlb:"),
)


@dataclass(frozen=True)
class MappingDose:
    """One mapping (a paragraph of /proc/PID/smaps): its kind, and its sizes in bytes under the kernel's names."""

    is_shared: bool
    is_file: bool
    is_unforked: bool
    sizes: Mapping[str, int]

    @property
    def holds_private_pages(self) -> bool:
        """Whether a fork copies its page table. Swapped pages are private pages too."""
        return not self.is_unforked and self.sizes.get("Anonymous", 0) + self.sizes.get("Swap", 0) > 0


def read_mappings(smaps: Iterable[str]) -> list[MappingDose]:
    """The mappings in the lines of /proc/PID/smaps.

    Flags: ``dc`` is a mapping that children do not get (MADV_DONTFORK), ``wf`` one that they get empty
    (Documentation/filesystems/proc.rst).
    """
    found: list[MappingDose] = []
    head: list[str] = []
    sizes: dict[str, int] = {}
    flags: list[str] = []

    def finish() -> None:
        if head:
            unforked = "dc" in flags or "wf" in flags
            found.append(MappingDose(head[1].endswith("s"), head[4] != "0", unforked, sizes))

    for line in smaps:
        # A mapping begins with its address, in small hexadecimal digits; most fields are not wanted.
        if line[:1] in _ADDRESS:
            finish()
            head, sizes, flags = line.split(None, 5), {}, []
        elif line.startswith(_WANTED):
            name, _, value = line.partition(":")
            sizes[name] = int(value.split()[0]) * KIB
        elif line.startswith("VmFlags:"):
            flags = line.split()[1:]
    finish()
    return found


def memory_of(mappings: Iterable[MappingDose]) -> Mapping[str, int]:
    """The sums over all mappings, under the names of `Dose`."""
    total: Counter[str] = Counter({name: 0 for name in DOSE_NAMES if name not in _NOT_OF_MEMORY})
    for mapping in mappings:
        get = mapping.sizes.get
        rss, huge = get("Rss", 0), get("AnonHugePages", 0)
        total["rss_bytes"] += rss
        total["pss_bytes"] += get("Pss", 0)
        total["private_bytes"] += get("Private_Clean", 0) + get("Private_Dirty", 0)
        total["virtual_bytes"] += get("Size", 0)
        total["vmas"] += 1
        if mapping.is_unforked:
            total["unforked_bytes"] += rss
            total["vmas_unforked"] += 1
            continue
        total["huge_bytes"] += huge
        if mapping.holds_private_pages:
            total["copied_bytes"] += rss - huge
            total["copied_file_bytes"] += max(0, rss - get("Anonymous", 0))
            total["swapped_bytes"] += get("Swap", 0)
            total["vmas_private"] += 1
        elif mapping.is_shared:
            total["shared_bytes"] += rss
        elif mapping.is_file:
            total["file_bytes"] += rss
            total["vmas_file"] += 1
    return total


def status_fields(status: Iterable[str]) -> dict[str, str]:
    """The lines of /proc/PID/status as values by name."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in status)}


def dose_of(smaps: Iterable[str] | None, status: Mapping[str, str], fds: int | None) -> Dose:
    """The dose in the lines of /proc/PID/smaps (None: cannot be read), the fields of status, and a count of files."""
    memory = {} if smaps is None else memory_of(read_mappings(smaps))
    threads, page_table = status.get("Threads"), status.get("VmPTE")
    return Dose(
        **memory,
        pte_bytes=None if page_table is None else int(page_table.split()[0]) * KIB,
        fds=fds,
        threads=None if threads is None else int(threads),
        cpus=_count_in_ranges(status.get("Cpus_allowed_list", "")) or None,
    )


def _count_in_ranges(ranges: str) -> int:
    """How many numbers are in a list of ranges such as ``0-3,8``, as the kernel writes it."""
    ends = [part.split("-") for part in ranges.split(",") if part]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)
