"""Turns the cells of two sides into pairs: one of another content of the same user's file is the same cell.

A run calls a user's file ``server.py@1a2b3c4d5e6f``: its name and the hash of its content. Two releases of a program
differ in the hash alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

# What `bench.own_file` writes behind a file's name, and behind a function in it.
_DIGEST = re.compile(r"@([0-9a-f]{12})(?=\+|\Z)")

Key = tuple[str, ...]


def partners(before: Iterable[Key], after: Iterable[Key]) -> dict[Key, Key]:
    """The key on the base side of each on the new side that has one, in the order of the new side.

    Equal keys belong together; else those that differ in a hash alone, where each side has one of them.
    """
    base, new = list(before), list(after)
    own, others = set(base) & set(new), defaultdict[Key, tuple[list[Key], list[Key]]](lambda: ([], []))
    for side, keys in enumerate((base, new)):
        for key in keys:
            if key not in own:
                others[tuple(map(without_digests, key))][side].append(key)
    pairs = {after[0]: before[0] for before, after in others.values() if len(before) == len(after) == 1}
    return {key: key if key in own else pairs[key] for key in new if key in own or key in pairs}


def changed_files(pairs: Iterable[tuple[Mapping[Hashable, Any], Mapping[Hashable, Any]]]) -> list[tuple[str, str, str]]:
    """The user's files that have another content on the new side: name, hash on the base side, hash on the new side."""
    found: dict[tuple[str, str, str], None] = {}
    for before, after in pairs:
        for column in ("mechanism", "level"):
            for (name, old), (_, new) in zip(_files(before[column]), _files(after[column]), strict=False):
                if old != new:
                    found[f"content of {name}", old, new] = None
    return list(found)


def without_digests(word: str) -> str:
    """A mechanism or a level with a user's files by their names alone: ``server.py`` of ``server.py@1a2b3c4d5e6f``."""
    return _DIGEST.sub("", word)


def _files(text: Any) -> Sequence[tuple[str, str]]:
    """The user's files in a mechanism's or level's name, each with its hash."""
    words = str(text).split("+")
    return [(word[: found.start()], found[1]) for word in words if (found := _DIGEST.search(word))]
