"""Turns the record of the last build into what the next one may keep, has to make again, and may take away.

The record is written before the first page is, with every file that may come: a build that is killed leaves a site
that the next one mends. Only files of the record are ever taken away.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from analysis.errors import LoadError
from analysis.site.files import put, read_regular

FILE = "site.json"


@dataclass
class Made:
    """Pages that are made together, and their `files`; `digest` is of all that they are made of, ``""``: unfinished.

    `about` is what the pages above keep of them.
    """

    digest: str = ""
    files: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Manifest:
    """What a build made, by place: that of a run or a machine, and ``""`` for the pages above them."""

    made: dict[str, Made] = field(default_factory=dict)

    def write(self, site: Path) -> None:
        """Put the record into `site`. Raises `OSError`."""
        put(site, FILE, msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n")

    def expect(self, site: Path, coming: Mapping[str, Collection[str]]) -> None:
        """Write the record with files that may come besides those that are there. Raises `OSError`."""
        both = {place: Made(made.digest, list(made.files), made.about) for place, made in self.made.items()}
        for place, files in coming.items():
            known = both.setdefault(place, Made())
            known.files = sorted({*known.files, *files})
        Manifest(both).write(site)

    def is_whole(self, site: Path, place: str, digest: str) -> bool:
        """Whether the pages at `place` were made of the same, and all their files are there."""
        made = self.made.get(place)
        if made is None or made.digest != digest:
            return False
        folders: dict[str, list[str]] = {}
        for name in made.files:
            folder, _, file = name.rpartition("/")
            folders.setdefault(folder, []).append(file)
        return all(_holds(site, folder, files) for folder, files in folders.items())


def read_manifest(site: Path) -> Manifest:
    """The record of the last build; an empty one in a new folder. Raises `LoadError` for a folder of something else."""
    site.mkdir(parents=True, exist_ok=True)
    data = read_regular(site / FILE)
    if data is None:
        if any(site.iterdir()):
            raise LoadError(f"--site {site}: holds something else than a site; name an empty or a new folder")
        Manifest().write(site)
        return Manifest()
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, RecursionError):
        return Manifest()


def remove(site: Path, names: Collection[str]) -> list[str]:
    """Take files of an earlier build away, and the folders that this leaves empty; the names of those that were there.

    Nothing outside of `site` is touched, and nothing behind a link. Raises `OSError`.
    """
    gone = []
    for name in sorted(names):
        if _is_own(site, name):
            (site / name).unlink()
            gone.append(name)
            for folder in list(PurePosixPath(name).parents)[:-1]:
                with suppress(OSError):  # it holds something else
                    (site / folder).rmdir()
    return gone


def _holds(site: Path, folder: str, names: Collection[str]) -> bool:
    """Whether `folder`, reached through no link, has regular files of these `names`."""
    if not _is_own(site, f"{folder}/{next(iter(names))}".removeprefix("/")):
        return False
    with os.scandir(site / folder) as there:
        return set(names) <= {one.name for one in there if one.is_file(follow_symlinks=False)}


def _is_own(site: Path, name: str) -> bool:
    """Whether `name` is a file (or a link in its place) inside of `site`, reached through no link."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or name == FILE:
        return False
    folders = [site.joinpath(*parts[:count]) for count in range(1, len(parts))]
    path = site.joinpath(*parts)
    return not any(folder.is_symlink() for folder in folders) and (path.is_file() or path.is_symlink())
