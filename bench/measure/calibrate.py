"""Turns one call of a cell into how many calls a block of it takes, and what a round of it costs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.driver.process import Block, Subject
from bench.driver.subject_team import SubjectTeam
from bench.schema import Path, Role

# More calls than this in a block add rows, not knowledge: what costs less than 12 us is a baseline.
MOST_CALLS = 1000
# The third call of a process, and the second of a block, cost within some 5 % of later ones (docs/evidence.md).
LEAST_WARMUP_CALLS, MOST_WARMUP_CALLS = 2, 10
# Cheap calls settle later, and more of them cost nothing.
_WARMUP_SHARE = 1 / 15
# A first guess from single calls is too long: the first calls of a process are slow.
_TRIAL_NS = 4_000_000


@dataclass(frozen=True)
class Calibration:
    """Calls a block of one subject for mechanism and control (0: no control), what they cost, and the path seen."""

    calls: int
    control_calls: int
    call_ns: float
    control_call_ns: float
    path: Path | None


def calibrate(subject: Subject | SubjectTeam, has_control: bool, block_ns: int, deadline_s: float) -> Calibration:
    """Measure a few calls of each role in a subject that is there for this alone. Raises `SubjectError`."""
    path = Path(observed) if (observed := subject.observe_path(deadline_s)) else None
    call_ns = _cost(subject, Role.MECHANISM, block_ns, deadline_s)
    control_ns = _cost(subject, Role.CONTROL, block_ns, deadline_s) if has_control else 0.0
    control_calls = block_calls(control_ns, block_ns) if has_control else 0
    return Calibration(block_calls(call_ns, block_ns), control_calls, call_ns, control_ns, path)


def block_calls(call_ns: float, block_ns: int) -> int:
    """Calls that fill a block of `block_ns`: at least one, at most `MOST_CALLS`."""
    return max(1, min(MOST_CALLS, round(block_ns / max(call_ns, 1.0))))


def warmup_calls(calls: int) -> int:
    """Calls made before a subject's first block, where a block has `calls`; none where one call fills a block.

    What such a call does once a process, its mechanism does when it is made; what else a first call
    costs more is lost in its length. One is enough where a block has two or three.
    """
    if calls < 4:
        return calls // 2
    return min(MOST_WARMUP_CALLS, max(LEAST_WARMUP_CALLS, round(calls * _WARMUP_SHARE)))


def _cost(subject: Subject | SubjectTeam, role: Role, block_ns: int, deadline_s: float) -> float:
    """Cost of a call in ns: the least of two or three, or the median of as many as fit into `_TRIAL_NS` if less.

    The least, because a neighbour's burst makes calls longer, never shorter. Blocks of a single call for what is
    really short would hold cold calls only: calibrated beside other work, a spawn was 30 % too slow in a whole run.
    """
    first = costs(subject.block(role, 1, deadline_s))[0]
    least = min(first, *costs(subject.block(role, 1 if first >= block_ns else 2, deadline_s)))
    calls = block_calls(least, _TRIAL_NS)
    if calls == 1:
        return float(least)
    return float(min(least, statistics.median(costs(subject.block(role, calls, deadline_s)))))


def costs(block: Block) -> Sequence[float]:
    """What calls of a block took, in ns. Of several subjects at once: what one call of each took all of them.

    There may be more subjects than CPUs: a call that is not interrupted takes less than its part of the block.
    """
    if block.subjects == 1:
        return block.stamps[0::3]
    return [(block.end_ns - block.begin_ns) * block.subjects / block.calls]
