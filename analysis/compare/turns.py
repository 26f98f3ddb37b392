"""Turns the times at which runs of two sides began into pairs of runs that were measured in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.read.run import Run


@dataclass(frozen=True)
class Turn:
    """A run of each side, one measured after the other, by their places in the two sides."""

    base: int
    new: int


def turns(base: Sequence[Run], new: Sequence[Run]) -> list[Turn]:
    """The runs of both sides in pairs, where they were measured in turn; else an empty list.

    In turn means: in the order of time, the first and the second run are of unlike sides, so are the third and the
    fourth, and so on. Both "base, new, base, new" and "base, new, new, base" are in turn. One pair is no turn.
    """
    began = [(run.document.started, run.name, False, place) for place, run in enumerate(base)]
    began += [(run.document.started, run.name, True, place) for place, run in enumerate(new)]
    began.sort()
    pairs = list(zip(began[::2], began[1::2], strict=False))
    if len(began) != 2 * len(base) or len(pairs) < 2:
        return []
    found = []
    for (_, _, first_is_new, first), (_, _, second_is_new, second) in pairs:
        if first_is_new is second_is_new:
            return []
        found.append(Turn(second, first) if first_is_new else Turn(first, second))
    return found
