"""Turns a path into a stream of bytes that cannot hang or fill the memory: regular files of bounded sizes only.

A run may come from anywhere. What is no regular file may never end (a FIFO waits, a device goes on), and a small
archive may hold a thousand times its size.
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from pathlib import Path
from typing import BinaryIO

from analysis.errors import LoadError

# run.json of the largest published run has 20 KB. A JSON text takes up to 40 times its size in memory.
MOST_DOCUMENT = 16 << 20
# 5 million calls as pyperf writes them; checked in `read_bytes`, as all of it is in memory at once.
MOST_PYPERF = 64 << 20
# 100 million calls of about 40 bytes, which is ten times what the summary is tested with.
MOST_TABLE = 4 << 30
# A line of numbers has at most 300 bytes, and the reason of an error a few thousand.
MOST_LINE = 64 << 10
# Real calls shrink to between a third and a twentieth, calls that are all alike to a hundredth; zeros to a thousandth.
_MOST_RATIO, _SURE = 200, 64 << 20
_AT_ONCE = 1 << 20

DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading an archive raises that is cut off or none."""

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class BoundedFile:
    """The bytes of the regular file `path`, expanded if its name ends in ``.gz``; at most `most` of them.

    Raises `LoadError` for what is no regular file and as soon as too much has come; `OSError` and `DAMAGED` as usual.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.path, self._most, self._seen = path, most, 0
        self._file = _open_regular(path)
        size = os.fstat(self._file.fileno()).st_size
        self._allowed = most
        self._stream: BinaryIO = self._file
        if path.suffix == ".gz":
            self._allowed = min(most, max(_SURE, size * _MOST_RATIO))
            self._stream = gzip.GzipFile(fileobj=self._file, mode="rb")  # type: ignore[assignment]
        if size > most:
            self.close()
            self._refuse()

    def read(self, size: int) -> bytes:
        """At most `size` bytes more, none at the end."""
        return self._count(self._stream.read(size))

    def readline(self) -> bytes:
        """One line, none at the end; raises `LoadError` for one that is too long."""
        line = self._count(self._stream.readline(MOST_LINE + 1))
        if len(line) > MOST_LINE:
            raise LoadError(f"{self.path}: {TOO_LONG}")
        return line

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place in a plain file, and count anew from there; return the place."""
        self._seen = 0
        return self._stream.seek(offset, whence)

    def _count(self, part: bytes) -> bytes:
        self._seen += len(part)
        if self._seen > self._allowed:
            self._refuse()
        return part

    def _refuse(self) -> None:
        if self._allowed < self._most:
            raise LoadError(f"{self.path}: expands to more than {_MOST_RATIO} times its size; copy it again")
        raise LoadError(f"{self.path}: larger than {self._most >> 20} MiB, which no such file is; copy it again")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def __enter__(self) -> BoundedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


TOO_LONG = f"a line is longer than {MOST_LINE >> 10} KiB; copy the file again or measure again"


def read_bytes(path: Path, most: int) -> bytes:
    """All bytes of the file; raises as `BoundedFile` does."""
    with BoundedFile(path, most) as stream:
        return b"".join(iter(lambda: stream.read(_AT_ONCE), b""))


def _open_regular(path: Path) -> BinaryIO:
    """The file, open for reading. Links are followed; without O_NONBLOCK a FIFO would wait for its writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        what = _KINDS.get(kind, "no file")
        raise LoadError(f"{path}: cannot be read (it is {what}); put a regular file in its place")
    return os.fdopen(descriptor, "rb")
