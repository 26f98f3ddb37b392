"""Measures the instrument itself: what it adds, what it misses, and what it leaves behind; each with its bound."""

from __future__ import annotations

import itertools
import os
import select
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.driver import launch
from bench.driver.launch import Settings
from bench.driver.process import BLOCK_DEADLINE_S, SET_UP_DEADLINE_S, Subject, SubjectError
from bench.measure.round import Measured
from bench.plan import registry
from bench.schema import CheckState, Direction, Role
from bench.schema.run_document import Certificate, Check
from bench.subject.mechanisms.known import KNOWN_DELAY_NS

# The bounds. Observer: below what a change of the memory layout from one process to the next does.
MOST_OBSERVER_EFFECT = 1.03
MOST_TIMER_NS = 1_000.0
MOST_DELAY_ERROR = 0.01
# What the harness itself may take, between blocks. Starting and ending subjects is not counted: that is as long as a
# Python start, and on a machine where one takes 57 ms a run of a minute failed at 44 % of its wall time, without fault.
LEAST_SHARE = 0.75
# Beyond these the machine is too unquiet for absolute figures; measured in quiet and in busy hours of
# shared machines (docs/evidence.md).
MOST_DRIFT = 1.5
MOST_BURSTS = 0.2
_BURST = 1.5

# Every block of the hand-written loop and of the subject has so many calls.
_OBSERVER_CALLS = 30
_OBSERVER_BLOCKS = 6
_FEWEST_OBSERVATIONS = 3
# Its names are local, as those of the mechanism are: looking up `os.fork` in its module makes parent and child write
# to four pages more, which makes the loop 3 % slower (docs/evidence.md).
HAND_WRITTEN = """
import os, sys
if len(sys.argv) > 1: os.sched_setaffinity(0, {int(sys.argv[1])})
def loop(n):
    from os import _exit, fork, waitpid
    from time import perf_counter_ns as now
    took = []
    for _ in range(n):
        begin = now()
        pid = fork()
        if pid == 0: _exit(0)
        waitpid(pid, 0)
        took.append(now() - begin)
    return sorted(took)[n // 2]
while (n := os.read(0, 10)):
    os.write(1, b"%d\\n" % loop(int(n)))
"""


@dataclass(frozen=True)
class Ground:
    """What a check measures with: an interpreter, the folder of the control (or empty), the subjects' CPU."""

    python: str
    control: str
    cpu: int | None

    def settings(self, mechanism: str) -> Settings:
        """How a subject with this mechanism in a bare parent is started."""
        return Settings(
            self.python, registry.mechanisms()[mechanism].entry_point, control_folder=self.control, cpu=self.cpu
        )


def at_most(name: str, value: float, unit: str, bound: float, text: str) -> Check:
    """A check that passes up to its bound."""
    return _check(name, value, unit, bound, text, Direction.AT_MOST, value <= bound)


def at_least(name: str, value: float, unit: str, bound: float, text: str) -> Check:
    """A check that passes from its bound on."""
    return _check(name, value, unit, bound, text, Direction.AT_LEAST, value >= bound)


def _check(name: str, value: float, unit: str, bound: float, text: str, direction: Direction, passed: bool) -> Check:
    state = CheckState.PASSED if passed else CheckState.FAILED
    return Check(name=name, value=round(value, 5), unit=unit, bound=bound, direction=direction, state=state, text=text)


def not_measured(name: str, bound: float, reason: str) -> Check:
    """A check of at most `bound` whose value could not be measured: it does not pass."""
    return Check(
        name=name,
        value=None,
        unit="1",
        bound=bound,
        direction=Direction.AT_MOST,
        state=CheckState.NOT_MEASURED,
        text=f"could not be measured: {reason}",
    )


def opening(ground: Ground, budget_s: float) -> list[Check]:
    """The checks that need measurements of their own, most of `budget_s` for the observer effect."""
    checks = [*timer(), _or_not_measured("known_delay_error", MOST_DELAY_ERROR, lambda: known_delay(ground))]
    if not hasattr(os, "fork"):
        return checks
    return [
        _or_not_measured("observer_effect", MOST_OBSERVER_EFFECT, lambda: observer_effect(ground, budget_s)),
        *checks,
    ]


def _or_not_measured(name: str, bound: float, measure: Callable[[], Check]) -> Check:
    """The check, or one that did not pass because its own subjects failed: that must not end a run."""
    try:
        return measure()
    except SubjectError as error:
        return not_measured(name, bound, str(error))


def timer() -> list[Check]:
    """Cost of reading the clock and its smallest step, in ns."""
    now = time.perf_counter_ns
    stamps = [now() for _ in range(20_000)]
    steps = [b - a for a, b in itertools.pairwise(stamps)]
    cost = statistics.median(steps)
    step = min((step for step in steps if step > 0), default=0)
    return [
        at_most("timer_cost", cost, "ns", MOST_TIMER_NS, "one reading of the clock"),
        at_most("timer_step", step, "ns", MOST_TIMER_NS, "smallest step of the clock"),
    ]


def known_delay(ground: Ground) -> Check:
    """Error of the median on a delay that is known: a subject that waits busily for it."""
    with Subject(ground.settings("known_delay")) as subject:
        subject.ready(SET_UP_DEADLINE_S)
        totals = subject.block(Role.MECHANISM, 200, BLOCK_DEADLINE_S).stamps[0::3]
    error = abs(statistics.median(totals) / KNOWN_DELAY_NS - 1)
    text = f"error on a known delay of {KNOWN_DELAY_NS // 1000} µs"
    return at_most("known_delay_error", error, "1", MOST_DELAY_ERROR, text)


def observer_effect(ground: Ground, budget_s: float) -> Check:
    """Median of `os_fork` in a subject over that of a hand-written loop in ``python -c``.

    Both with the same interpreter, flags, environment and CPU; fresh processes of both in turn, and
    their blocks interleaved, since layout in memory differs from process to process by several percent.
    """
    end = time.monotonic() + budget_s
    ratios = [_one_observation(ground) for _ in range(_FEWEST_OBSERVATIONS)]
    while time.monotonic() < end:
        ratios.append(_one_observation(ground))
    text = (
        f"os_fork here over a hand-written loop, median of {len(ratios)} pairs of processes "
        f"({min(ratios):.3f} to {max(ratios):.3f})"
    )
    return at_most("observer_effect", statistics.median(ratios), "1", MOST_OBSERVER_EFFECT, text)


def _one_observation(ground: Ground) -> float:
    here: list[float] = []
    by_hand: list[float] = []
    with _hand_written(ground) as loop, Subject(ground.settings("os_fork")) as subject:
        subject.ready(SET_UP_DEADLINE_S)
        for number in range(_OBSERVER_BLOCKS + 1):
            theirs = _by_hand(loop) if number % 2 else 0.0  # neither is always the first of the two
            mine = statistics.median(subject.block(Role.MECHANISM, _OBSERVER_CALLS, BLOCK_DEADLINE_S).stamps[0::3])
            theirs = theirs or _by_hand(loop)
            if number > 0:  # the first is the warm-up
                here.append(mine)
                by_hand.append(theirs)
    return statistics.median(here) / statistics.median(by_hand)


def _by_hand(loop: subprocess.Popen[bytes]) -> float:
    """The median of a block of the hand-written loop, in ns."""
    assert loop.stdin is not None
    assert loop.stdout is not None
    try:
        loop.stdin.write(b"%d" % _OBSERVER_CALLS)
        answers = select.select([loop.stdout], [], [], BLOCK_DEADLINE_S)[0]
        line = loop.stdout.readline() if answers else b""
    except OSError:
        line = b""
    if not line:
        loop.kill()
        raise SubjectError("the hand-written loop ended or hung")
    return float(line)


def _hand_written(ground: Ground) -> subprocess.Popen[bytes]:
    cpu = [] if ground.cpu is None else [str(ground.cpu)]
    try:
        return subprocess.Popen(
            [ground.python, *launch.INTERPRETER_FLAGS, "-c", HAND_WRITTEN, *cpu],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=launch.environment(),
            start_new_session=True,  # Ctrl-C is for the controller, as for subjects
        )
    except OSError as error:
        raise SubjectError(f"{ground.python}: cannot be started ({error.strerror})") from None


def of_run(measured: Sequence[Measured], share: float | None, left: int) -> list[Check]:
    """The checks that a run's own blocks answer; `left` processes are there that should have ended by themselves.

    `share` of the time in which subjects were ready was inside timed calls; None: there was no round.
    """
    checks = [at_most("processes_left", left, "processes", 0, "still there after the run, or ended by force")]
    if share is not None:
        text = "of the time in which subjects were ready, inside timed calls"
        checks.insert(0, at_least("share_while_ready", share, "1", LEAST_SHARE, text))
    levels = drift_levels(measured)
    # In one round every block is its cell's median, and nothing could fail.
    if len({block.round for block in measured}) >= 3 and len(levels) >= 3:
        third = max(1, len(levels) // 3)
        parts = [statistics.median(levels[i : i + third]) for i in (0, third, len(levels) - third)]
        bursts = sum(level > _BURST for level in levels) / len(levels)
        checks += [
            at_most("drift", max(parts) / min(parts), "1", MOST_DRIFT, "slowest third of the run over the fastest"),
            at_most("bursts", bursts, "1", MOST_BURSTS, f"blocks of more than {_BURST:g} times their median"),
        ]
    return checks


def drift_levels(measured: Sequence[Measured]) -> list[float]:
    """Each control block's median over its cell's median, in order of time (the mechanism's without a control)."""
    role = Role.CONTROL if any(block.role is Role.CONTROL for block in measured) else Role.MECHANISM
    blocks = sorted((b for b in measured if b.role == role and b.block >= 0), key=lambda b: b.start_ns)
    by_cell: dict[int, list[float]] = defaultdict(list)
    for block in blocks:
        by_cell[block.cell].append(block.median_ns)
    middle = {cell: statistics.median(medians) for cell, medians in by_cell.items()}
    return [block.median_ns / middle[block.cell] for block in blocks]


def of_checks(checks: Sequence[Check]) -> Certificate:
    """The certificate as it stands in run.json."""
    return Certificate(checks=list(checks), passed=all(check.passed for check in checks))
