"""Turns what a run measures into its files, row by row, so that an interrupted run loses nothing.

Raw files are append-only while the run lasts: flushed after every block, synced after every round.
`run.json` is replaced as a whole (written beside it, then renamed). The columns are in `bench.schema`.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO

from bench import schema
from bench.files.tails import Ends, move_aside
from bench.schema import RunDocument, RunStatus

_TABLE_OF = {table.record: table for table in schema.RAW_TABLES}


class StoreError(Exception):
    """A run's directory cannot be made or written; the text says what, where and what to do."""


def create_run_directory(results: Path, machine: str, run: str) -> Path:
    """Make and return a new directory ``results/machine/run``; never an existing one.

    Raises `StoreError` where it cannot be made.
    """
    directory = results / machine / run
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir()
    except FileExistsError as error:
        raise StoreError(f"{error.filename}: already there; nothing was overwritten, choose another --label") from None
    except OSError as error:
        text = f"{results}: cannot hold results ({error.strerror}); choose another directory with --results"
        raise StoreError(text) from None
    return directory


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path` by one with `text`, in one step: a reader never sees half of it."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)


def compress(path: Path) -> Path:
    """Replace `path` by ``path.gz``, without a time stamp: the same rows give the same bytes.

    Whatever stops it, `path` is whole, or ``path.gz`` is.
    """
    packed = path.with_name(path.name + ".gz")
    beside = path.with_name(path.name + ".gz.new")
    with open(path, "rb") as source, open(beside, "wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        raw.flush()
        os.fsync(raw.fileno())
    os.replace(beside, packed)
    path.unlink()
    return packed


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not directory.is_dir():  # its files are still open, but nobody can reach them by this name
            raise StoreError(
                f"{directory}: is no longer there; what was measured went with it, measure again"
            ) from None
        text = f"{directory}: cannot be written ({error.strerror}); what was measured until then is kept there"
        raise StoreError(text) from None


class Store:
    """The open files of one run in `directory`; use it as a context manager.

    `document` is written as it is at every `sync`. Raises `StoreError` where a file cannot be written, as on a full
    disk.
    """

    def __init__(self, directory: Path, document: RunDocument, resumed: bool = False) -> None:
        self.directory = directory
        self.document = document
        self._streams: dict[str, IO[str]] = {}
        for table in schema.RAW_TABLES:
            with _writing(directory) if resumed else nullcontext():
                stream = open(directory / table.file, "a" if resumed else "x", encoding="utf-8", newline="")
            self._streams[table.name] = stream
            with _writing(directory):
                if stream.tell() == 0:
                    stream.write(table.first_line)
                    stream.flush()  # a run that is killed before its first row can be read, and has none
        self.write_document()

    def ends(self) -> Ends:
        """The byte at which each file ends now."""
        return {name: os.fstat(stream.fileno()).st_size for name, stream in self._streams.items()}

    def move_aside(self, ends: Ends) -> None:
        """Take back the rows behind `ends`, of a round that is to be measured again; they are kept beside."""
        with _writing(self.directory):
            move_aside(self.directory, ends)
            for stream in self._streams.values():
                stream.seek(0, os.SEEK_END)

    def add(self, rows: Sequence[schema.Row]) -> None:
        """Append `rows`, all of one class, to the file of that class, and hand them to the operating system."""
        if not rows:
            return
        table = _TABLE_OF[type(rows[0])]
        with _writing(self.directory):
            self._streams[table.name].write(table.lines(rows))
            self._streams[table.name].flush()

    def write_document(self) -> None:
        """Write `document` to run.json as it is now."""
        with _writing(self.directory):
            write_atomically(self.directory / schema.RUN_FILE, schema.dump(self.document))

    def sync(self) -> None:
        """Force every row to the disk, then write run.json: what it counts is there."""
        with _writing(self.directory):
            for stream in self._streams.values():  # each write was flushed
                os.fsync(stream.fileno())
                if os.fstat(stream.fileno()).st_nlink == 0:  # written as before, but lost once it is closed
                    raise StoreError(f"{stream.name}: was removed; what was measured is lost, measure again")
        self.write_document()

    def close(self) -> None:
        """Sync and close all files, and compress the calls of a complete run."""
        with _writing(self.directory), ExitStack() as opened:
            for stream in self._streams.values():
                opened.callback(stream.close)
            self.sync()
        if self.document.status is RunStatus.COMPLETE:
            with _writing(self.directory):
                compress(self.directory / schema.SAMPLES.file)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
