"""Turns options that name a user's files into files that travel with a job, and into options that name them there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import own_file
from bench.errors import UsageError
from bench.fleet.host.sent_files import PLACE
from bench.fleet.records import SentFile
from bench.plan import levels, own_mechanism

# They go through the scheduler with every job, as the suite does with every set-up, which has 0.8 MB.
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Travelling:
    """What --mechanism and --scenario are on a host, and the files that they name."""

    mechanisms: tuple[str, ...]
    scenarios: tuple[str, ...]
    files: tuple[SentFile, ...]


def travelling(mechanisms: Iterable[str], scenarios: Iterable[str]) -> Travelling:
    """Read the user's files that these values name, each once. Raises `UsageError`.

    A file keeps its name, which is part of the run's, and files of one directory stay beside each other.
    """
    folders: dict[str, int] = {}
    found: dict[str, bytes] = {}

    def send(path: str) -> str:
        path = os.path.expanduser(path)
        folder, base = os.path.split(path)
        name = f"{folders.setdefault(os.path.realpath(folder), len(folders) + 1)}/{base}"
        if name not in found:
            found[name] = _content(path, MOST_BYTES - sum(map(len, found.values())))
        return f"{PLACE}/{name}"

    own = []
    for name in mechanisms:
        if own_mechanism.is_own(name):
            path = own_mechanism.path_of(name)
            name = send(path) + name.removeprefix(path)
        own.append(name)
    changed = [levels.with_files(word, send) for word in scenarios]
    return Travelling(tuple(own), tuple(changed), tuple(SentFile(*item) for item in found.items()))


def _content(path: str, room: int) -> bytes:
    """What is in the file, if that is no more than `room` bytes. Raises `UsageError`."""
    try:
        is_large = os.stat(path).st_size > room
    except (OSError, ValueError):
        is_large = False  # why it cannot be read is said below
    if is_large:
        raise UsageError(
            f"{path}: is too large; your own files go to every host, and may have {MOST_BYTES >> 20} MiB together"
        )
    own_file.look_at(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a Python file") from None
