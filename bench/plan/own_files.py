"""Turns options that name a user's files into what a run records of them, and back, when an interrupted run goes on.

A run records ``program=server.py@1a2b3c4d5e6f`` and ``mine.py:my_fork@1a2b3c4d5e6f``: it holds no path, so whoever
goes on with it names the files again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from bench import own_file
from bench.errors import UsageError
from bench.plan import levels, own_mechanism


def recorded_mechanisms(names: Iterable[str]) -> list[str]:
    """Values of --mechanism as a run records them. Raises `UsageError`."""
    return [own_mechanism.recorded(name) for name in names]


def recorded_scenarios(words: Iterable[str]) -> list[str]:
    """Values of --scenario as a run records them. Raises `UsageError`."""
    return [levels.with_files(word, lambda path: own_file.look_at(path).name) for word in words]


def named(mechanisms: Iterable[str], scenarios: Iterable[str]) -> dict[str, str]:
    """The user's files that options name: the path of each by its recorded name. Raises `UsageError`."""
    found: dict[str, str] = {}

    def note(path: str) -> str:
        found[own_file.look_at(path).name] = path
        return path

    for name in mechanisms:
        if not own_mechanism.is_own(name):
            raise UsageError(f"--mechanism {name}: a run goes on with its own; name only your own files again")
        note(own_mechanism.path_of(name))
    for word in scenarios:
        before = len(found)
        levels.with_files(word, note)
        if len(found) == before:
            raise UsageError(f"--scenario {word}: a run goes on with its own; name only your own files again")
    return found


def with_paths(
    mechanisms: Sequence[str], scenarios: Sequence[str], files: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a run recorded as its mechanisms and scenarios, with the paths of `files`. Raises `UsageError`."""
    own = []
    for name in mechanisms:
        if own_mechanism.is_own(name):
            short, _, digest = name.rpartition("@")
            base, _, function = short.rpartition(":")
            name = f"{_path(f'{base}@{digest}', f'--mechanism {short}', files)}:{function}"
        own.append(name)
    return tuple(own), tuple(
        levels.with_files(word, lambda name: _path(name, f"--scenario program={_base(name)}", files))
        for word in scenarios
    )


def _path(name: str, option: str, files: Mapping[str, str]) -> str:
    if name in files:
        return files[name]
    base = _base(name)
    for other in files:
        if _base(other) == base:
            raise UsageError(f"{files[other]}: is not what was measured ({name} then, {other} now); measure a new run")
    if os.path.isfile(base) and own_file.look_at(base).name == name:
        return base
    raise UsageError(f"it measured your file {name}, and a run holds no paths; name it again: {option}")


def _base(name: str) -> str:
    return name.rpartition("@")[0]


def arguments(mechanisms: Iterable[str], scenarios: Iterable[str]) -> str:
    """The words that name a run's own files again, each behind a blank; empty where it has none."""
    words = [f" --mechanism {name}" for name in mechanisms if own_mechanism.is_own(name)]
    words += [f" --scenario {word}" for word in scenarios if levels.with_files(word, lambda path: "") != word]
    return "".join(words)
