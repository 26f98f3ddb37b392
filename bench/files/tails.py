"""Moves the last rows of a run's files aside: those of a round that was not finished and will be measured again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bench import schema

FOLDER = "interrupted"
_AT_ONCE = 1 << 20

# Name of a table and the byte at which its file is to end.
Ends = Mapping[str, int]


def move_aside(directory: Path, ends: Ends) -> Path | None:
    """Cut each table's file at its end in `ends`, and keep what was behind it in a new folder of the run.

    Nothing is cut before all of it is on the disk elsewhere. Returns the folder; ``None``: there was nothing to move.
    Raises `OSError`.
    """
    longer = {
        table: end
        for table in schema.RAW_TABLES
        if (end := ends.get(table.name)) is not None and (directory / table.file).stat().st_size > end
    }
    if not longer:
        return None
    folder = _new_folder(directory / FOLDER)
    for table, end in longer.items():
        _copy_tail(directory / table.file, end, folder / table.file, table.first_line)
    for table, end in longer.items():
        with open(directory / table.file, "r+b") as stream:
            stream.truncate(end)
            os.fsync(stream.fileno())
    return folder


def _new_folder(parent: Path) -> Path:
    parent.mkdir(exist_ok=True)
    for number in range(1, 1 << 20):
        folder = parent / str(number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{parent}: full")


def _copy_tail(source: Path, begin: int, target: Path, first_line: str) -> None:
    with open(source, "rb") as stream, open(target, "xb") as copy:
        copy.write(first_line.encode() if begin else b"")
        stream.seek(begin)
        while part := stream.read(_AT_ONCE):
            copy.write(part)
        copy.flush()
        os.fsync(copy.fileno())
