"""Turns streams in small and large parts into the same counts, and endless lines into an error in either."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import LoadError
from analysis.read.bounded_file import MOST_LINE, BoundedFile
from analysis.read.watched_file import WatchedFile

PARTS = (1 << 20, 1000, 7)


def watched(folder: Path, content: bytes, size: int) -> WatchedFile:
    """What has read all of `content` in parts of `size` bytes."""
    (folder / "x.csv").write_bytes(content)
    with BoundedFile(folder / "x.csv", 1 << 30) as stream:
        file = WatchedFile(stream, None)
        assert b"".join(iter(lambda: file.read(size), b"")) == content
    return file


@pytest.mark.parametrize("size", PARTS)
def test_the_parts_do_not_change_the_counts(size: int, tmp_path: Path) -> None:
    """Commas, lines, quotes and bytes of value 0 are counted, wherever a part ends."""
    file = watched(tmp_path, b'a,b\n"c\nd",e\n1,\0\n' * 50, size)
    assert (file.commas, file.lines, file.quotes, file.zeros) == (150, 200, 100, 50)


@pytest.mark.parametrize("size", PARTS)
@pytest.mark.parametrize("end", [b"", b"\n", b"\nx\n"])
def test_a_line_is_as_long_in_parts_as_in_one(size: int, end: bytes, tmp_path: Path) -> None:
    """A line of 64 KiB, its end included, is read; one byte more is refused, with and without an end."""
    fits = b"x" * (MOST_LINE - len(end[:1]))
    watched(tmp_path, b"a\n" + fits + end, size)
    with pytest.raises(LoadError, match=r"x\.csv: a line is longer than 64 KiB"):
        watched(tmp_path, b"a\n" + fits + b"x" + end, size)


@pytest.mark.parametrize("size", PARTS)
def test_an_end_between_quotes_ends_no_line(size: int, tmp_path: Path) -> None:
    """Text between quotes is one line over many ends, also where the quote was in an earlier part."""
    watched(tmp_path, b'"' + b"x\n" * 10_000 + b'"\n' + b"y\n" * 50_000, size)
    with pytest.raises(LoadError, match="longer than 64 KiB"):
        watched(tmp_path, b'"' + b"x\n" * 40_000 + b'"\n', size)
