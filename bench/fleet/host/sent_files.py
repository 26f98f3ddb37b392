"""Turns the user's files that came with a job into files in its directory, and its words into those that name them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PLACE = "\0files"
"""Stands in a word for the directory of the files, which the host alone knows; no word of a user can hold it."""
_FOLDER = "files"


def write(files: Iterable[dict[str, Any]], job: Path) -> None:
    """Write each file (`name` and `content`) below the directory of the job, if it is not there.

    A run that goes on would find a file that was written again changed.
    """
    for file in files:
        path = job / _FOLDER / file["name"]
        if path.is_file() and path.read_bytes() == file["content"]:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        beside.write_bytes(file["content"])
        beside.rename(path)


def named(words: Iterable[str], job: Path, start: Path) -> list[str]:
    """`words` with the directory of the files as it is seen from `start`, where the run begins.

    From there the path is made of names of ours alone; that of the cache may hold a comma, which a level may not.
    """
    folder = os.path.relpath(os.path.realpath(job / _FOLDER), os.path.realpath(start))
    return [word.replace(PLACE, folder) for word in words]
