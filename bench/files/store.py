"""Turns what a run measures into its files, row by row, so that an interrupted run loses nothing.

Raw files are append-only while the run lasts: flushed after every block, synced after every round.
`run.json` is replaced as a whole (written beside it, then renamed). The columns are in `bench.schema`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from bench import schema


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


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace `path` by `document` in one step, so that a reader never sees half of it."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1, sort_keys=True, ensure_ascii=False)
        stream.write("\n")
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
        text = f"{directory}: cannot be written ({error.strerror}); what was measured until then is kept there"
        raise StoreError(text) from None


class Store:
    """The open files of one run in `directory`; use it as a context manager.

    Rows are sequences in the order of the table's header; ``None`` becomes an empty field. Raises
    `StoreError` where a file cannot be written, as on a full disk.
    """

    def __init__(self, directory: Path, document: dict[str, Any]) -> None:
        self.directory = directory
        self.document = document
        self._streams: dict[str, IO[str]] = {}
        for table in schema.RAW_TABLES:
            stream = open(directory / table.file, "x", encoding="utf-8", newline="")
            stream.write(",".join(table.header) + "\n")
            self._streams[table.name] = stream
        self.write_document()

    def add(self, table: schema.Table, rows: list[tuple[object, ...]]) -> None:
        """Append `rows` to `table` and hand them to the operating system."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        stream = self._streams[table.name]
        with _writing(self.directory):
            stream.write(text.getvalue())
            stream.flush()

    def write_document(self) -> None:
        """Write `document` to run.json as it is now."""
        with _writing(self.directory):
            write_json(self.directory / schema.RUN_FILE, self.document)

    def sync(self) -> None:
        """Force every row to the disk, then write run.json: what it counts is there."""
        with _writing(self.directory):
            for stream in self._streams.values():
                stream.flush()
                os.fsync(stream.fileno())
        self.write_document()

    def close(self) -> None:
        """Sync and close all files, and compress the calls of a complete run."""
        with _writing(self.directory), ExitStack() as opened:
            for stream in self._streams.values():
                opened.callback(stream.close)
            self.sync()
        if self.document["status"] == schema.COMPLETE:
            with _writing(self.directory):
                compress(self.directory / schema.SAMPLES.file)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
