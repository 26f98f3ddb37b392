"""Turns what a subject answers to a request for calls into a block: the times of each call, and what they used."""

from __future__ import annotations

import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ImpossibleTime(Exception):
    """A call says of itself what cannot be. The text is one line."""


@dataclass(frozen=True)
class Usage:
    """What getrusage counted from before a block to after it: the parent's, then that of its reaped children.

    In the order in which a subject tells it (see ``usage`` in control.c). Times are ns.
    """

    parent_faults: int
    parent_user_ns: int
    parent_sys_ns: int
    parent_switches: int
    child_faults: int
    child_user_ns: int
    child_sys_ns: int
    child_switches: int


@dataclass(frozen=True)
class Block:
    """The answer to one request: `stamps` holds total, call and ready of each call, in ns (ready 0: unknown).

    Where several `subjects` made them at the same time, each made as many, and those of one stand together.
    """

    begin_ns: int
    end_ns: int
    usage: Usage | None
    stamps: array.array[int]
    subjects: int = 1

    @property
    def calls(self) -> int:
        """Number of calls."""
        return len(self.stamps) // 3


def block_of(answer: Mapping[str, Any], raw: bytes) -> Block:
    """The block in a subject's answer; `raw` has three native int64 for each call (see `bench/subject/loop.py`).

    Raises `ImpossibleTime` for a call whose own times are not within it: a user's mechanism may return any.
    """
    stamps = array.array("q", raw)
    for total, called, ready in zip(stamps[0::3], stamps[1::3], stamps[2::3], strict=True):
        if not (0 <= called <= total and 0 <= ready <= total):
            raise ImpossibleTime(
                f"a call of {total} ns says that it returned after {called} ns and its child was ready after {ready} "
                "ns; a mechanism returns readings of time.perf_counter_ns from within the call, and 0 for what it does "
                "not know of ready"
            )
    before, after = answer["before"], answer["after"]
    usage = Usage(*(b - a for a, b in zip(before, after, strict=True))) if before else None
    return Block(answer["begin"], answer["end"], usage, stamps)
