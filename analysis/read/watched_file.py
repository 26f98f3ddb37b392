"""Turns the bytes of a CSV file into a stream for pandas that counts what passes by and refuses endless lines."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from analysis.errors import LoadError
from analysis.read.bounded_file import MOST_LINE, TOO_LONG, BoundedFile

_AT_ONCE = 1 << 18  # bytes


class WatchedFile:
    """`stream` up to the byte `limit` (``None``: to its end), as a file for pandas; it counts what passes by.

    Not one of the classes of `io`: those pandas would decode to text, and that again to bytes.
    """

    def __init__(self, stream: BoundedFile, limit: int | None) -> None:
        self._stream = stream
        self._left = math.inf if limit is None else limit
        self._line = 0  # bytes of the line that has not ended yet
        self.commas = self.lines = self.quotes = self.zeros = 0

    def __iter__(self) -> Iterator[bytes]:  # never called, but what has none is no file to pandas
        return iter(lambda: self.read(_AT_ONCE), b"")

    def read(self, size: int) -> bytes:
        """At most `size` bytes more, none at the end; raises `LoadError` for a line that pandas should not hold."""
        part = self._stream.read(int(min(size, self._left)))
        self._left -= len(part)
        letters = np.frombuffer(part, dtype=np.uint8)
        ends = np.flatnonzero(letters == ord("\n"))
        quoted = letters == ord('"')
        self.commas += int(np.count_nonzero(letters == ord(",")))
        self.lines += len(ends)
        self.zeros += part.count(b"\0")  # to pandas they end a text, and what follows would be lost
        if quoted.any() or self.quotes % 2:
            ends = ends[(self.quotes + np.cumsum(quoted)[ends]) % 2 == 0]  # one between quotes ends no row
            self.quotes += int(np.count_nonzero(quoted))
        longest = int(np.diff(ends, prepend=-1 - self._line).max(initial=0))
        self._line = len(part) - 1 - int(ends[-1]) if len(ends) else self._line + len(part)
        if max(longest, self._line) > MOST_LINE:
            raise LoadError(f"{self._stream.path}: {TOO_LONG}")
        return part

    def even(self, columns: int) -> bool:
        """Whether every line is sure to have as many fields, if none has more: quoted text may hold commas."""
        return self.commas == self.lines * (columns - 1) and not self.quotes
