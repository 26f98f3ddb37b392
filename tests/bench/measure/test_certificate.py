"""Holds the certificate: each check passes and fails where its bound says, on data whose answer is known."""

from __future__ import annotations

import array
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.driver.process import Block, SubjectError
from bench.errors import UsageError
from bench.measure import certificate, selftest
from bench.measure.certificate import Ground, at_least, at_most, drift_levels, not_measured, of_run
from bench.measure.round import Measured
from bench.measure.run_state import Run
from bench.schema import CheckState, Direction, Role
from bench.schema.run_document import Check
from bench.subject.mechanisms.known import KNOWN_DELAY_NS
from tests.engine import CONTROL as CONTROL_FOLDER
from tests.engine import PYTHON, needs_fork, unchanged

GROUND = Ground("python", "", None)


@pytest.fixture(scope="module", autouse=True)
def _short(same_interpreters: None) -> None:
    """The certificate itself is held here, so its numbers are the real ones."""


def block(cell: int, number: int, role: str, median_ns: float, pair: int = 0) -> Measured:
    """A block of round `number`."""
    known: dict[str, Any] = {
        **{"cell": cell, "round": number, "block": pair, "role": role, "start_ns": number * 1000 + pair},
        **{"elapsed_ns": 1, "median_ns": median_ns, "in_calls_ns": 1},
    }
    return Measured(**{field.name: known[field.name] for field in dataclasses.fields(Measured)})


def controls(levels: Sequence[float], cell: int = 0) -> list[Measured]:
    """One control block a round, each at `levels` times 65 µs."""
    return [block(cell, number, Role.CONTROL, 65_000 * level) for number, level in enumerate(levels)]


def named(checks: Sequence[Check], name: str) -> Check:
    """The check of that name."""
    return next(check for check in checks if check.name == name)


@pytest.mark.parametrize(("value", "passes"), [(0.0, True), (1.03, True), (1.0300001, False), (float("nan"), False)])
def test_a_bound_is_passed_up_to_itself(value: float, passes: bool) -> None:
    """The bound itself passes, what is beyond fails, and so does what is no number."""
    assert at_most("x", value, "1", 1.03, "").passed is passes


def test_the_share_of_time_in_calls_has_a_lower_bound() -> None:
    """At the bound it passes, below it fails; a run without a round has no such check."""
    least = certificate.LEAST_SHARE
    assert named(of_run([], least, 0), "share_while_ready").passed
    assert not named(of_run([], least - 0.001, 0), "share_while_ready").passed
    assert "share_while_ready" not in {check.name for check in of_run([], None, 0)}


def test_no_process_may_be_left_behind() -> None:
    """None passes, and one is too many."""
    assert named(of_run([], 1.0, 0), "processes_left").passed
    left = named(of_run([], 1.0, 1), "processes_left")
    assert (left.value, left.passed) == (1, False)


def test_a_steady_run_has_no_drift() -> None:
    """A level that never changes gives a drift of 1 and no burst."""
    checks = of_run(controls([1.0] * 9), 1.0, 0)
    assert (named(checks, "drift").value, named(checks, "bursts").value) == (1.0, 0.0)


def test_a_machine_that_gets_slower_drifts() -> None:
    """A third of the run at twice the level is a drift of 2, beyond the bound; whichever third it is."""
    for place in range(3):
        levels = [1.0] * 9
        levels[3 * place : 3 * place + 3] = [2.0] * 3
        drift = named(of_run(controls(levels), 1.0, 0), "drift")
        assert (drift.value, drift.passed) == (2.0, False)


def test_bursts_are_counted() -> None:
    """Two slow blocks of ten are the most that passes; three are too many. Neither moves the drift."""
    two, three = ([1.6 if number % 3 == 0 and number < last else 1.0 for number in range(10)] for last in (6, 9))
    assert named(of_run(controls(two), 1.0, 0), "bursts").value == pytest.approx(0.2)
    assert named(of_run(controls(two), 1.0, 0), "bursts").passed
    assert not named(of_run(controls(three), 1.0, 0), "bursts").passed


def test_levels_are_taken_cell_by_cell_in_order_of_time() -> None:
    """Cells of unlike cost do not look like drift; warm-ups and mechanisms are not counted where a control is."""
    blocks = [*controls([1, 1, 2], cell=0), *controls([10, 10, 20], cell=1)]
    blocks += [block(0, number, Role.MECHANISM, 9e9) for number in range(3)]
    blocks += [block(0, 0, Role.CONTROL, 9e9, pair=-1)]
    assert drift_levels(list(reversed(blocks))) == [1, 1, 1, 1, 2, 2]


def test_without_a_control_the_mechanisms_tell_the_drift() -> None:
    """A machine without a compiler has a drift too."""
    assert drift_levels([block(0, number, Role.MECHANISM, ns) for number, ns in enumerate((10, 10, 30))]) == [1, 1, 3]
    assert drift_levels([]) == []


def test_the_clock_here_is_good_enough() -> None:
    """Reading it takes less than a microsecond, on any machine that the suite is for."""
    assert [check.name for check in certificate.timer()] == ["timer_cost", "timer_step"]


class FakeSubject:
    """A subject whose calls take as long as the test says."""

    totals_ns: tuple[int, ...] = ()

    def __init__(self, settings: object) -> None:
        pass

    def __enter__(self) -> FakeSubject:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ready(self, deadline_s: float) -> int:
        """At once."""
        return 30

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """The totals in turn."""
        totals = [self.totals_ns[number % len(self.totals_ns)] for number in range(calls)]
        return Block(0, 0, None, array.array("q", [stamp for total in totals for stamp in (total, 7, 5)]))


@pytest.mark.parametrize(
    ("factors", "error", "passes"),
    [
        ((1.0,), 0.0, True),
        ((1.009,), 0.009, True),
        ((1.02,), 0.02, False),
        ((0.97,), 0.03, False),
        ((1, 1, 9), 0, True),
    ],
)
def test_the_error_on_a_known_delay(
    monkeypatch: pytest.MonkeyPatch, factors: tuple[float, ...], error: float, passes: bool
) -> None:
    """Too long and too short are errors alike; a third of slow calls does not move the median."""
    monkeypatch.setattr(FakeSubject, "totals_ns", tuple(round(KNOWN_DELAY_NS * factor) for factor in factors))
    monkeypatch.setattr(certificate, "Subject", FakeSubject)
    check = certificate.known_delay(GROUND)
    assert check.value == pytest.approx(error)
    assert check.passed is passes


@pytest.mark.parametrize(
    ("ratios", "value", "passes"),
    [((1.0, 1.02, 1.01), 1.01, True), ((1.0, 1.04, 1.05), 1.04, False), ((0.9, 0.9, 3.6), 0.9, True)],
)
def test_the_observer_effect_is_the_median_of_pairs_of_processes(
    monkeypatch: pytest.MonkeyPatch, ratios: tuple[float, ...], value: float, passes: bool
) -> None:
    """Without any budget there are three pairs; one odd pair decides nothing."""
    left = iter(ratios)
    monkeypatch.setattr(certificate, "_one_observation", lambda ground: next(left))
    check = certificate.observer_effect(GROUND, 0.0)
    assert (check.value, check.passed) == (value, passes)
    assert "3 pairs" in check.text


# Answers each block as the real loop does, with 1000 ns, and after two blocks with 2000 ns.
STEADY_LOOP = """
import os
n = 0
while os.read(0, 10) == b"30":
    n += 1
    os.write(1, b"%d\\n" % (1000 if n <= 2 else 2000))
"""


@needs_fork
@pytest.mark.parametrize(
    ("totals_ns", "effect", "passes"),
    [((2000,), 1.0, True), ((3000,), 1.5, False), ((1000,), 0.5, True), ((2000, 2000, 90_000), 1.0, True)],
)
def test_the_observer_effect_is_the_subject_over_the_loop(
    monkeypatch: pytest.MonkeyPatch, totals_ns: tuple[int, ...], effect: float, passes: bool
) -> None:
    """A subject slower than the loop has an effect above 1, which fails; medians of calls and of blocks count."""
    monkeypatch.setattr(certificate, "HAND_WRITTEN", STEADY_LOOP)
    monkeypatch.setattr(FakeSubject, "totals_ns", totals_ns)
    monkeypatch.setattr(certificate, "Subject", FakeSubject)
    with unchanged():
        check = certificate.observer_effect(Ground(PYTHON, "", None), 0.0)
    assert (check.name, check.value, check.passed) == ("observer_effect", effect, passes)


@needs_fork
def test_the_hand_written_loop_is_measured_beside_the_subject() -> None:
    """One real observation is a ratio of two fork latencies of like size, and nothing is left after it."""
    with unchanged():
        ratio = certificate._one_observation(Ground(PYTHON, CONTROL_FOLDER, None))
    assert 0.1 < ratio < 10


def test_the_certificate_passes_if_all_checks_do() -> None:
    """One check that fails, or that could not be measured, is enough."""
    good, bad, unseen = (
        at_most("a", 1, "1", 2, "text"),
        at_most("b", 3, "1", 2, "text"),
        not_measured("c", 2, "no fork"),
    )
    assert certificate.of_checks([good]).passed
    assert not certificate.of_checks([good, bad]).passed
    assert not certificate.of_checks([good, unseen]).passed
    assert (good.state, bad.state, unseen.state) == (CheckState.PASSED, CheckState.FAILED, CheckState.NOT_MEASURED)
    assert (unseen.value, unseen.text) == (None, "could not be measured: no fork")


@pytest.mark.parametrize(("value", "most", "least"), [(1.9, True, False), (2.0, True, True), (2.1, False, True)])
def test_a_check_knows_its_direction(value: float, most: bool, least: bool) -> None:
    """At its bound a check passes in either direction; beyond it only in its own."""
    assert at_most("a", value, "1", 2.0, "").passed is most
    assert at_least("a", value, "1", 2.0, "").passed is least
    assert at_most("a", value, "1", 2.0, "").direction is Direction.AT_MOST
    assert at_least("a", value, "1", 2.0, "").direction is Direction.AT_LEAST


def twins(one: Callable[[int], list[Measured]], other: Callable[[int], list[Measured]]) -> Run:
    """A run of two cells of os_fork, with the blocks that the functions give for their cell number."""
    cells = [SimpleNamespace(number=number, mechanism=SimpleNamespace(name="os_fork")) for number in range(2)]
    return cast(Run, SimpleNamespace(cells=cells, measured=[*one(0), *other(1)]))


def rounds(factor: float, drift: Sequence[float] = (1, 1, 1)) -> Callable[[int], list[Measured]]:
    """Blocks of rounds in which the mechanism takes `factor` times two controls, on a machine that drifts."""
    return lambda cell: [
        one
        for number, level in enumerate(drift)
        for one in (
            block(cell, number, Role.MECHANISM, 2000 * factor * level),
            block(cell, number, Role.CONTROL, 1000 * level),
            block(cell, number, Role.MECHANISM, 1, pair=-1),
        )
    ]


def test_identical_cells_agree_whatever_the_drift() -> None:
    """The ratio of relative latencies is 1 though one cell met a machine twice as slow."""
    (check,) = selftest.identical_cells(twins(rounds(1.0), rounds(1.0, drift=(1, 2, 3))))
    assert (check.name, check.value, check.passed) == ("identical_os_fork", 0, True)


def test_cells_that_differ_fail() -> None:
    """Two per cent is the most that passes, up or down."""
    for factor, passes in ((1.019, True), (1.03, False), (0.97, False)):
        (check,) = selftest.identical_cells(twins(rounds(1.0), rounds(factor)))
        assert check.passed is passes
        assert check.value == pytest.approx(abs(factor - 1), abs=1e-4)


def test_only_rounds_that_both_have_are_compared() -> None:
    """A round in which one of them failed is left out; without any common round there is no check."""
    (check,) = selftest.identical_cells(twins(rounds(1.0), rounds(1.0, drift=(1,))))
    assert "over 1 rounds" in check.text
    assert selftest.identical_cells(twins(rounds(1.0), lambda cell: [])) == []


@pytest.fixture
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without findings."""
    monkeypatch.setattr(selftest, "assess", lambda: [])


@pytest.mark.usefixtures("quiet_machine")
def test_the_verdict_is_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All passed: 0; one failed: 1, and its name on the last line."""
    good, bad = at_most("a", 1, "1", 2, "text"), at_most("b", 3, "ns", 2, "text")
    for checks, status, last in (([good], 0, "passed"), ([good, bad], 1, "FAILED: b")):
        monkeypatch.setattr(selftest, "measure", lambda *_, found=checks: found)
        assert selftest.main(PYTHON, 30.0) == status
        assert capsys.readouterr().out.splitlines()[-1] == last


def test_an_unfit_machine_is_named_on_the_first_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the certificate meets it before any figure."""
    monkeypatch.setattr(selftest, "assess", lambda: [])
    monkeypatch.setattr(selftest, "unfit_lines", lambda found: ["load: too much; end it"])
    monkeypatch.setattr(selftest, "measure", lambda *_: [])
    selftest.main(PYTHON, 30.0)
    assert capsys.readouterr().out.splitlines()[0] == "UNFIT MACHINE: load: too much; end it"


@pytest.mark.usefixtures("quiet_machine")
@pytest.mark.parametrize("budget", [0.0, 9.9, -1.0, float("nan")])
def test_a_budget_too_small_is_refused(budget: float) -> None:
    """A certificate made in no time would certify nothing."""
    with pytest.raises(UsageError, match="the certificate needs 10 seconds at least"):
        selftest.main(PYTHON, budget)


def test_lines_name_value_and_bound() -> None:
    """A check is one line with its verdict, value, unit, bound and meaning."""
    line = selftest.line_of(at_most("timer_cost", 41.0, "ns", 1000.0, "one reading of the clock"))
    assert " ".join(line.split()) == "ok timer_cost 41 ns (<= 1000): one reading of the clock"
    share = at_least("share_while_ready", 0.5, "1", 0.75, "of the time")
    assert " ".join(selftest.line_of(share).split()) == "FAIL share_while_ready 0.5 (>= 0.75): of the time"
    unseen = not_measured("observer_effect", 1.03, "no fork")
    assert " ".join(selftest.line_of(unseen).split()) == (
        "NONE observer_effect - (<= 1.03): could not be measured: no fork"
    )


@needs_fork
@pytest.mark.parametrize("code", ["raise SystemExit('no fork today')", "import time; time.sleep(1000)"])
def test_a_loop_that_dies_or_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A hand-written loop that does not answer is ended, and is one line of error as any subject's."""
    monkeypatch.setattr(certificate, "HAND_WRITTEN", code)
    monkeypatch.setattr(certificate, "BLOCK_DEADLINE_S", 1.0)
    with unchanged(), pytest.raises(SubjectError, match="the hand-written loop ended or hung"):
        certificate._one_observation(Ground(PYTHON, CONTROL_FOLDER, None))


@needs_fork
def test_processes_that_cannot_be_started_are_checks_that_were_not_measured() -> None:
    """Where the system refuses another process, each check says so, and the run that they open goes on."""
    checks = {check.name: check for check in certificate.opening(Ground("/nowhere/python", "", None), 0.0)}
    for name in ("observer_effect", "known_delay_error"):
        assert checks[name].state is CheckState.NOT_MEASURED
        assert "/nowhere/python: cannot be started (No such file or directory)" in checks[name].text


def test_drift_is_the_slowest_third_over_the_fastest() -> None:
    """A run at half, once and twice its median level drifts by 4, though the middle is where it should be."""
    drift = named(of_run(controls([1, 1, 1, 2, 2, 2, 4, 4, 4]), 1.0, 0), "drift")
    assert drift.value == 4.0


@pytest.mark.parametrize(("rounds", "cells", "told"), [(3, 1, True), (2, 2, False), (1, 9, False)])
def test_three_rounds_are_the_fewest_that_can_drift(rounds: int, cells: int, told: bool) -> None:
    """With fewer rounds nothing is said of drift, however many blocks there are."""
    blocks = [one for cell in range(cells) for one in controls([1.0] * rounds, cell)]
    assert ("drift" in {check.name for check in of_run(blocks, 1.0, 0)}) is told


def test_the_bounds_are_those_that_the_method_names() -> None:
    """75 % of the time in calls, 3 % for the observer, 1 % on a known delay, 1 us for the clock."""
    assert (certificate.LEAST_SHARE, certificate.MOST_OBSERVER_EFFECT) == (0.75, 1.03)
    assert (certificate.MOST_DELAY_ERROR, certificate.MOST_TIMER_NS) == (0.01, 1000.0)
    assert (certificate.MOST_DRIFT, certificate.MOST_BURSTS) == (1.5, 0.2)


def test_the_clock_is_told_by_its_median_and_its_smallest_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 0, 40, 50 and 60 ns in turn: a reading costs 50 ns, the median; the smallest step is 40, not 0."""
    steps = itertools.cycle((0, 40, 50, 60))
    readings = itertools.accumulate(steps)
    monkeypatch.setattr(certificate.time, "perf_counter_ns", lambda: next(readings))  # type: ignore[attr-defined]
    cost, step = certificate.timer()
    assert cost.value == 50  # the 10,000th of 4,999 steps of 0 and 5,000 each of 40, 50 and 60
    assert step.value == 40


def test_the_observer_effect_is_of_total_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of 300 ns in the subject beside 100 ns by hand are 3, whatever the times of call and ready are."""

    monkeypatch.setattr(FakeSubject, "totals_ns", (300,))
    monkeypatch.setattr(certificate, "Subject", FakeSubject)
    monkeypatch.setattr(certificate, "_hand_written", lambda ground: nullcontext())
    monkeypatch.setattr(certificate, "_by_hand", lambda loop: 100.0)
    assert certificate._one_observation(Ground(PYTHON, "", None)) == 3.0
