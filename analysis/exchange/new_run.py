"""Turns the document and the rows of a new run into its directory, which every reader takes, or into none."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from analysis.errors import LoadError, PyperfError
from analysis.read.run import load_run
from bench import schema
from bench.schema import RunDocument

_AT_ONCE = 10_000  # rows: millions of them as records would take more memory than their file


def write_new_run(results: Path, document: RunDocument, tables: Mapping[schema.Table, Iterable[schema.Row]]) -> Path:
    """Write a run under `results` and return its directory, which is there as a whole, or not at all.

    Everything is written beside it and read again before it gets its name. Raises `LoadError` where that finds
    something wrong, `PyperfError` where a run of this name is there, and `OSError`.
    """
    directory = results / document.machine / document.run
    made = [folder for folder in (directory.parent, *directory.parent.parents) if not folder.exists()]
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(directory):
            raise PyperfError(f"{directory}: already there; nothing was overwritten, choose another --label")
        _write(directory, document, tables)
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise
    return directory


def _write(directory: Path, document: RunDocument, tables: Mapping[schema.Table, Iterable[schema.Row]]) -> None:
    # A short name: it must not fail where the run's own would be taken.
    beside = Path(tempfile.mkdtemp(prefix=".new.", dir=directory.parent))
    try:
        for table, rows in tables.items():
            _write_table(beside, table, rows)
        (beside / schema.RUN_FILE).write_text(schema.dump(document), encoding="utf-8")
        _check(beside)
        beside.chmod(0o777 & ~_umask())
        os.rename(beside, directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_table(folder: Path, table: schema.Table, rows: Iterable[schema.Row]) -> None:
    """Write one file; calls are compressed, without a name or a time, so that the same rows give the same bytes."""
    packed = table is schema.SAMPLES
    with open(folder / (f"{table.file}.gz" if packed else table.file), "xb") as raw:
        if packed:
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as target:
                for part in _parts(table, rows):
                    target.write(part)
        else:
            raw.writelines(_parts(table, rows))


def _parts(table: schema.Table, rows: Iterable[schema.Row]) -> Iterator[bytes]:
    yield table.first_line.encode()
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield table.lines(some).encode()


def _check(folder: Path) -> None:
    """Read all of the run in `folder`; raises `LoadError`, without the folder's name, which nobody knows."""
    try:
        _ = load_run(folder).samples
    except LoadError as error:
        raise LoadError(str(error).replace(f"{folder}/", "")) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
