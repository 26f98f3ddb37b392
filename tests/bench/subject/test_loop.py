"""Holds the arithmetic of stamps and usage inside of a subject, on a clock and counters of known values."""

from __future__ import annotations

import concurrent.futures
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from bench.driver.launch import INTERPRETER_FLAGS, SUBJECT_FOLDER
from bench.driver.process import Subject
from bench.schema import Role
from bench.subject import loop
from bench.subject.mechanisms import baseline, known, reuse
from bench.subject.mechanisms import call as process_call
from tests.engine import CONTROL, PATIENCE_S, PYTHON, needs_control, needs_fork, settings

Call = Callable[[], tuple[int, int, int]]


class Clock:
    """A clock that gives the readings of a list in turn, and then steps by 7 ns."""

    def __init__(self, *readings: int) -> None:
        self.readings = list(readings)
        self.last = 0

    def perf_counter_ns(self) -> int:
        """The next reading."""
        self.last = self.readings.pop(0) if self.readings else self.last + 7
        return self.last


def stamps_of(monkeypatch: pytest.MonkeyPatch, clock: Clock, call: Call, calls: int, after: Any = None) -> list[int]:
    """What a block of `calls` stamps on `clock`."""
    monkeypatch.setattr(loop, "time", clock)
    block = loop.timed(call, after)  # type: ignore[no-untyped-call]
    return list(memoryview(block(calls)).cast("q"))


def test_stamps_count_from_before_their_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Total, call and ready are spans from the reading before the call; an unknown ready is 0."""
    answers = iter([(1030, 1050, 0), (2040, 0, 0), (0, 0, 0)])
    clock = Clock(1000, 1100, 2000, 2500, -5, 20)
    assert stamps_of(monkeypatch, clock, lambda: next(answers), 3) == [100, 30, 50, 500, 40, 0, 25, 5, 0]


def test_what_comes_after_a_call_is_in_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """`after` runs once behind every call, when its end is stamped and before the next one begins."""
    clock = Clock()
    order: list[str] = []

    def call() -> tuple[int, int, int]:
        order.append("call")
        clock.last += 1000
        return clock.last, 0, 0

    def after() -> None:
        order.append("after")
        clock.last += 50_000

    assert stamps_of(monkeypatch, clock, call, 2, after) == [1007, 1000, 0] * 2
    assert order == ["call", "after"] * 2


@pytest.mark.parametrize("status", [1, 3, 255, -9])
def test_a_status_other_than_0_is_an_error(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """The call that a child failed has no stamps: its block ends there, with the status."""
    with pytest.raises(loop.CallError, match=f"the child ended with exit status {status}$"):
        stamps_of(monkeypatch, Clock(), lambda: (0, 0, status), 1)


def test_usage_is_read_in_the_order_that_the_files_count_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the control: faults of both kinds, user ns, system ns, switches of both kinds; own, then children's."""
    used = {
        resource.RUSAGE_SELF: (1, 20, 0.25, 0.5, 300, 4000),
        resource.RUSAGE_CHILDREN: (5, 60, 1.5, 2.25, 700, 8000),
    }
    names = ("ru_minflt", "ru_majflt", "ru_utime", "ru_stime", "ru_nvcsw", "ru_nivcsw")
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(**dict(zip(names, used[who], strict=True))))
    usage = loop.usage_reader(None)  # type: ignore[no-untyped-call]
    assert usage() == (21, 250_000_000, 500_000_000, 4300, 65, 1_500_000_000, 2_250_000_000, 8700)


def test_with_the_control_usage_is_one_call_of_c() -> None:
    """The reader is the control's own function, and nothing of Python."""
    assert loop.usage_reader(SimpleNamespace(usage=len)) is len  # type: ignore[no-untyped-call]


# Counters only grow, so what lies between two readings of the one lies between those of the other. Python gives
# times as floats in seconds, which are off by a nanosecond or so.
BETWEEN = """
import sys; sys.path[:0] = sys.argv[1:3]
import os, _control, loop
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        sum(range(400_000)); os._exit(0)
    os.waitpid(pid, 0)
read = loop.usage_reader(None)
for _ in range(50): os.stat('/')
before, here, after = read(), _control.usage(), read()
off = (0, 100, 100, 0) * 2
print([a - by <= b <= c + by for a, b, c, by in zip(before, here, after, off)], len(here))
"""


@needs_fork
@needs_control
def test_the_control_counts_what_python_counts() -> None:
    """Each of the eight counters of the control lies between two readings of the same counter by Python."""
    words = [PYTHON, *INTERPRETER_FLAGS, "-c", BETWEEN, CONTROL, str(SUBJECT_FOLDER)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stdout == f"{[True] * 8} 8\n", (done.stdout, done.stderr)


@pytest.fixture
def unit_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the mechanisms that have no child, in steps of 7 ns."""
    clock = Clock()
    monkeypatch.setattr("time.perf_counter_ns", clock.perf_counter_ns)
    return clock


def test_nothing_reads_the_clock_once(unit_clock: Clock) -> None:
    """noop stamps the end of nothing, tells no ready, and ends well."""
    assert baseline.noop(None)() == (7, 0, 0)


def test_the_known_delay_lasts_to_its_end(unit_clock: Clock) -> None:
    """It returns at the first reading that is not before the delay's end, and stamps the next one."""
    call = known.known_delay(None)
    assert known.KNOWN_DELAY_NS == 200_000
    # From 7 to 200,007, which is reading number 28,573 (200,011); the stamp is one more.
    assert call() == (200_018, 0, 0)
    unit_clock.readings = [0, 200_000, 200_001]
    assert call() == (200_001, 0, 0)


def test_a_baseline_ends_well_and_tells_when_it_was_ready() -> None:
    """A thread and a task to a warm thread: the status is 0, the stamp of the child its own."""
    for make in (baseline.thread, reuse.thread_pool_task):
        called, ready, status = make(None)()
        assert status == 0
        assert called > 0
        assert ready > 0


def test_pools_of_processes_have_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second worker would be a second fork: pools are asked for one, by fork, and the one of a call is shut down."""
    log: list[object] = []

    class Pool:
        """A pool that runs its tasks at once."""

        def __init__(self, workers: int, mp_context: Any) -> None:
            log.append((workers, mp_context.get_start_method()))

        def submit(self, work: Callable[[], int]) -> Any:
            """The task, not yet done."""
            return SimpleNamespace(result=work)

        def shutdown(self) -> None:
            """Its end."""
            log.append("shut down")

    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", Pool)
    called, ready, status = process_call.process_pool(None)()
    assert (0 < called <= ready, status) == (True, 0)
    assert log == [(1, "fork"), "shut down"]
    reuse.pool_task(None)()
    assert log[2:] == [(1, "fork")]


@needs_fork
def test_usage_of_a_block_is_that_of_its_calls() -> None:
    """Faults of reaped children belong to the block that reaped them: a later block of nothing has none."""
    with Subject(settings("os_fork", control_folder=CONTROL)) as subject:
        subject.ready(PATIENCE_S)
        block = subject.block(Role.MECHANISM, 5, PATIENCE_S)
        empty = subject.block(Role.MECHANISM, 0, PATIENCE_S)
    assert block.usage is not None
    assert empty.usage is not None
    assert block.usage.child_faults >= 5
    assert min(asdict(block.usage).values()) >= 0
    assert [value for name, value in asdict(empty.usage).items() if name.startswith("child_")] == [0, 0, 0, 0]
    assert block.begin_ns < block.end_ns <= empty.begin_ns <= empty.end_ns


@needs_fork
def test_settings_reach_the_subject() -> None:
    """Folders of the path are searched in their order after the subject's own; what is not set stays empty."""
    subject = loop.Subject({"cpu": "3", "true_program": "/t"})  # type: ignore[no-untyped-call]
    assert (subject.cpu, subject.true_program, subject.control, subject.blocks) == (3, "/t", None, {})
    empty = loop.Subject({"cpu": ""})  # type: ignore[no-untyped-call]
    assert (empty.cpu, empty.true_program, empty.after) == (None, "", None)
    assert empty.python == sys.executable


def test_the_control_is_searched_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder comes first in the path, so that no other module of its name is taken for it."""
    control = SimpleNamespace(usage=len)
    monkeypatch.setattr(sys, "path", ["/other", "/another"])
    monkeypatch.setitem(sys.modules, "_control", control)
    subject = loop.Subject({"control_folder": "/control"})  # type: ignore[no-untyped-call]
    assert sys.path == ["/control", "/other", "/another"]
    assert subject.control is control


@pytest.mark.parametrize(
    ("modules", "statuses"),
    [
        ((), [0]),
        (("multiprocessing",), []),
        (("concurrent.futures",), []),
        (("multiprocessing", "concurrent.futures"), []),
    ],
)
def test_only_what_may_have_started_something_ends_slowly(
    monkeypatch: pytest.MonkeyPatch, modules: tuple[str, ...], statuses: list[int]
) -> None:
    """A subject that has loaded what keeps processes or threads ends as Python does; any other at once, with 0."""
    left: list[int] = []
    monkeypatch.setattr(loop, "sys", SimpleNamespace(modules=dict.fromkeys(modules)))
    monkeypatch.setattr(loop, "os", SimpleNamespace(_exit=left.append))
    loop.leave()  # type: ignore[no-untyped-call]
    assert left == statuses


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_an_answer_is_sent_whole_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """A pipe takes what fits: the rest follows, and the document says how many bytes come behind its line."""
    sent: list[bytes] = []

    def write(answers: int, rest: memoryview) -> int:
        assert answers == 7
        sent.append(bytes(rest[:most]))
        return len(sent[-1])

    monkeypatch.setattr(loop, "os", SimpleNamespace(write=write))
    loop.send(7, {"begin": 5}, b"stamps")  # type: ignore[no-untyped-call]
    assert b"".join(sent) == b"{'begin': 5, 'bytes': 6}\nstamps"
