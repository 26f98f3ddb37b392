"""Turns one call of a cell into how many calls a block of it takes, and what a round of it costs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from bench.host import Settings, Subject
from bench.schema import CONTROL, MECHANISM

DEFAULT_BLOCK_NS = 15_000_000
# More calls than this in a block add rows, not knowledge: what costs less than 15 us is a baseline.
MOST_CALLS = 1000
MOST_WARMUP_CALLS = 10
# A first guess from single calls is too long: the first calls of a process are slow.
_TRIAL_NS = 4_000_000

SET_UP_DEADLINE_S = 120.0
BLOCK_DEADLINE_S = 20.0


@dataclass(frozen=True)
class Calibration:
    """Calls a block for mechanism and control (0: no control), what they cost, and the path seen."""

    calls: int
    control_calls: int
    call_ns: float
    control_call_ns: float
    path: str
    set_up_ns: int


def calibrate(settings: Settings, block_ns: int, deadline_s: float = BLOCK_DEADLINE_S) -> Calibration:
    """Start a subject for this alone, and measure a few calls of each role. Raises `SubjectError`."""
    with Subject(settings) as subject:
        subject.ready(SET_UP_DEADLINE_S)
        path = subject.path(deadline_s)
        call_ns = _cost(subject, MECHANISM, deadline_s)
        ready_ns = subject.age_ns()
        control_ns = _cost(subject, CONTROL, deadline_s) if settings.beside else 0.0
    return Calibration(
        block_calls(call_ns, block_ns),
        block_calls(control_ns, block_ns) if settings.beside else 0,
        call_ns,
        control_ns,
        path,
        ready_ns,
    )


def block_calls(call_ns: float, block_ns: int) -> int:
    """Calls that fill a block of `block_ns`: at least one, at most `MOST_CALLS`."""
    return max(1, min(MOST_CALLS, round(block_ns / max(call_ns, 1.0))))


def warmup_calls(calls: int) -> int:
    """Calls made before a subject's first block, where a block has `calls`; none where one call fills a block.

    What such a call does once a process, its mechanism does when it is made; what else a first call
    costs more is lost in its length.
    """
    return min(MOST_WARMUP_CALLS, (calls + 1) // 2) if calls > 1 else 0


def _cost(subject: Subject, role: str, deadline_s: float) -> float:
    """Median cost of a call in ns, from as many calls as fit into `_TRIAL_NS`."""
    first = subject.block(role, 2, deadline_s).stamps[0::3]
    calls = block_calls(min(first), _TRIAL_NS)
    if calls <= 2:
        return float(min(first))
    return float(statistics.median(subject.block(role, calls, deadline_s).stamps[0::3]))
