"""Holds the arithmetic of a recipe, by hand: what a mapping's shape is, what a subject lacks, and what is corrected."""

from __future__ import annotations

import re

import pytest

from bench.schema.dose import Dose, read_mappings
from bench.twin.recipe import Recipe, corrected, remainder
from bench.twin.shape import Kind, Shape, anonymous, shape_of

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096


def mapping(head: str, flags: str = "rd wr mr", **kib: int) -> Shape:
    """The shape of a mapping whose paragraph of smaps begins so, with sizes in KiB."""
    sizes = "".join(f"{name}: {size} kB\n" for name, size in kib.items())
    (found,) = read_mappings(f"{head}\n{sizes}VmFlags: {flags}\n".splitlines(keepends=True))
    return shape_of(found)


HEAP = "55e0c0000000-55e0c0100000 rw-p 00000000 00:00 0    [heap]"
LIBRARY = "7f0000000000-7f0000100000 r-xp 00001000 08:01 77    /lib/libc.so"
SEGMENT = "7f0000000000-7f0000100000 rw-s 00000000 00:01 5    /dev/zero (deleted)"


def test_a_mapping_becomes_what_a_fork_does_with_it() -> None:
    """Pages of a file count with its private ones; a file without these, shared memory and no pages are not copied."""
    assert mapping(HEAP, Size=1024, Rss=100, Anonymous=100) == Shape(Kind.ANONYMOUS, MIB, 100 * KIB)
    assert mapping(LIBRARY, Size=64, Rss=48, Anonymous=8) == Shape(
        Kind.FILE_PRIVATE, 64 * KIB, 48 * KIB, written=8 * KIB
    )
    assert mapping(LIBRARY, Size=64, Rss=48, Anonymous=0) == Shape(Kind.FILE, 64 * KIB, 48 * KIB)
    assert mapping(SEGMENT, Size=64, Rss=48, Anonymous=0) == Shape(Kind.SHARED, 64 * KIB, 48 * KIB)
    assert mapping(HEAP, Size=64, Rss=0, Anonymous=0) == Shape(Kind.UNTOUCHED, 64 * KIB)
    assert mapping(HEAP, "rd wr dc", Size=64, Rss=64, Anonymous=64) == Shape(Kind.UNFORKED, PAGE)


def test_huge_pages_have_room_wherever_they_lie() -> None:
    """Two huge pages and 12 KiB in a mapping that just holds them: it becomes one huge page larger."""
    shape = mapping(HEAP, Size=4096 + 12, Rss=4096 + 12, Anonymous=4096 + 12, AnonHugePages=4096)
    assert shape == Shape(Kind.ANONYMOUS, 6 * MIB + 12 * KIB, 12 * KIB, 4 * MIB)


def test_what_is_reserved_and_not_used_is_cut() -> None:
    """20 TiB without a page become 1 GiB, and 20 TiB with 8 KiB become 1 GiB more than these."""
    assert mapping(HEAP, Size=20 << 30, Rss=0, Anonymous=0) == Shape(Kind.UNTOUCHED, GIB)
    assert mapping(HEAP, Size=20 << 30, Rss=8, Anonymous=8) == Shape(Kind.ANONYMOUS, GIB + 8 * KIB, 8 * KIB)


def test_pages_in_swap_are_in_no_shape() -> None:
    """A mapping with all of its pages in swap has none that a twin could get."""
    assert mapping(HEAP, Size=64, Rss=0, Anonymous=0, Swap=64).kind is Kind.UNTOUCHED


def test_own_mappings_stand_for_the_nearest_of_their_kind() -> None:
    """Of 40, 400 and 4000 KiB a subject's own 396 KiB stand for the second; a kind that is not there for none."""
    process = [anonymous(size * KIB, 0, MIB) for size in (40, 400, 4000)] + [Shape(Kind.FILE, PAGE)]
    own = [anonymous(396 * KIB, 0, MIB), Shape(Kind.SHARED, PAGE, PAGE)]
    assert remainder(process, own) == [process[0], process[2], process[3]]


def test_a_large_heap_stays_when_it_is_the_only_one() -> None:
    """A heap of 70 MiB is not done with by the 1 MiB of the subject's heap: 69 MiB are left, at their place."""
    process = [Shape(Kind.FILE, PAGE), anonymous(70 * MIB, 0, 80 * MIB), Shape(Kind.UNTOUCHED, PAGE)]
    left = remainder(process, [anonymous(MIB, 0, MIB)])
    assert left == [process[0], anonymous(69 * MIB, 0, 79 * MIB), process[2]]


def test_own_mappings_that_a_process_lacks_are_ignored() -> None:
    """A process that is smaller than a subject leaves nothing to be built."""
    assert remainder([anonymous(PAGE, 0, PAGE)], [anonymous(PAGE, 0, PAGE)] * 5) == []


def test_missing_pages_go_to_the_largest_mapping() -> None:
    """12 KiB too few: the larger of two mappings gets them; too many: it gives them."""
    recipe = Recipe([anonymous(40 * KIB, 0, MIB), anonymous(400 * KIB, 0, MIB)])
    more = corrected(recipe, Dose(copied_bytes=500 * KIB), Dose(copied_bytes=488 * KIB))
    assert [shape.resident for shape in more.shapes] == [40 * KIB, 412 * KIB]
    less = corrected(recipe, Dose(copied_bytes=488 * KIB), Dose(copied_bytes=500 * KIB))
    assert [shape.resident for shape in less.shapes] == [40 * KIB, 388 * KIB]
    none = corrected(Recipe([Shape(Kind.FILE, PAGE)]), Dose(copied_bytes=500 * KIB), Dose(copied_bytes=488 * KIB))
    assert none.shapes == [Shape(Kind.FILE, PAGE), anonymous(12 * KIB, 0, 12 * KIB)]


def test_a_mapping_that_gives_pages_keeps_one() -> None:
    """60 KiB too many in mappings of 40 and 32 KiB: 36 KiB of the first and 24 KiB of the second go."""
    recipe = Recipe([anonymous(40 * KIB, 0, MIB), anonymous(32 * KIB, 0, MIB)])
    less = corrected(recipe, Dose(copied_bytes=0), Dose(copied_bytes=60 * KIB))
    assert [shape.resident for shape in less.shapes] == [4 * KIB, 8 * KIB]
    assert all(shape.kind is Kind.ANONYMOUS for shape in less.shapes)


def test_missing_page_tables_spread_the_pages() -> None:
    """16 pages in 20 MiB lie in one page of a table; 5 more are wanted: they become six pieces."""
    recipe = Recipe([anonymous(16 * PAGE, 0, 20 * MIB), anonymous(16 * PAGE, 0, 16 * PAGE)])
    wider = corrected(recipe, Dose(pte_bytes=10 * PAGE), Dose(pte_bytes=5 * PAGE))
    assert [shape.pieces for shape in wider.shapes] == [6, 0]
    widest = corrected(recipe, Dose(pte_bytes=90 * PAGE), Dose(pte_bytes=5 * PAGE))
    assert [shape.pieces for shape in widest.shapes] == [10, 0]


def test_mappings_are_added_and_taken_where_a_fork_copies_nothing() -> None:
    """Three too few: three without pages; two too many: an untouched one goes, then a file's, never a private one."""
    private, file, untouched = anonymous(PAGE, 0, PAGE), Shape(Kind.FILE, PAGE), Shape(Kind.UNTOUCHED, 2 * PAGE)
    recipe = Recipe([private, file, untouched])
    more = corrected(recipe, Dose(vmas=13), Dose(vmas=10))
    assert more.shapes == [private, file, untouched, *[Shape(Kind.UNTOUCHED, PAGE)] * 3]
    assert corrected(recipe, Dose(vmas=8), Dose(vmas=10)).shapes == [private]
    assert corrected(recipe, Dose(vmas=1), Dose(vmas=10)).shapes == [private]


def test_files_are_corrected_and_threads_kept() -> None:
    """One file too many is one less to open, and there are never less than none."""
    assert corrected(Recipe((), 7, 5), Dose(fds=8), Dose(fds=9)) == Recipe([], 7, 4)
    assert corrected(Recipe((), 7, 0), Dose(fds=3), Dose(fds=6)) == Recipe([], 7, 0)


def test_a_recipe_is_a_text_of_lines() -> None:
    """Equal mappings in a row are one line; their order is that of their addresses, and is kept."""
    page = anonymous(PAGE, 0, PAGE)
    recipe = Recipe([page, page, Shape(Kind.FILE_PRIVATE, 8192, 8192, written=4096), page], threads=3, files=2)
    assert recipe.text.splitlines() == [
        "threads 3",
        "files 2",
        "map anonymous 2 4096 4096 0 0 0",
        "map file_private 1 8192 8192 0 4096 0",
        "map anonymous 1 4096 4096 0 0 0",
    ]


def test_a_recipe_knows_what_it_takes() -> None:
    """Memory is all that is resident, a file's written pages twice; a thread takes a stack and its guard."""
    shapes = [anonymous(PAGE, 2 * MIB, MIB), Shape(Kind.FILE_PRIVATE, 8192, 8192, written=4096)]
    assert Recipe(shapes, threads=3, files=2).takes == {
        "memory": PAGE + 2 * MIB + 8192 + 4096,
        "commit": 4 * MIB + PAGE,
        "mappings": 8,
        "files": 2,
        "threads": 3,
    }


@pytest.mark.parametrize(
    ("process", "kept"), [("python3", "python3"), ("my app/x+=\n", "my_app_x___"), ("", "process"), ("né", "n_")]
)
def test_a_name_holds_nothing_that_could_be_taken_for_more(process: str, kept: str) -> None:
    """The name of a process keeps letters, digits and . _ -; a part of the recipe's hash follows."""
    name = Recipe((), 1, 1).name(process)
    assert re.fullmatch(re.escape(kept) + "-[0-9a-f]{8}", name)
    assert name != Recipe((), 1, 2).name(process)
