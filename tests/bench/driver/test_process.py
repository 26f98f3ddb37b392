"""Holds what the controller promises of a subject: blocks, deadlines, clear errors, and that nothing is left behind."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.driver import launch, process
from bench.driver.launch import Settings
from bench.driver.process import Subject, SubjectError
from bench.schema import Role
from tests import engine
from tests.engine import PATIENCE_S, PYTHON, alive, needs_control, needs_fork, needs_proc, settings, unchanged

pytestmark = needs_fork
# Shorter than a working subject needs on a busy machine would make the tests of others fail; these hang for certain.
SHORT_S = 0.5


_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
needs_guess = pytest.mark.skipif(
    not _OVERCOMMIT.exists() or _OVERCOMMIT.read_text().strip() != "0",
    reason="needs Linux that refuses what is more than all memory (vm.overcommit_memory 0)",
)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def failure(mechanism: str, deadline_s: float = PATIENCE_S, ready_s: float = PATIENCE_S) -> str:
    """The error of a subject with this mechanism, whose group is gone afterwards."""
    with Subject(settings(mechanism)) as subject:
        with pytest.raises(SubjectError) as caught:
            _use(subject, ready_s, deadline_s)
    assert not alive(subject.pid)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _use(subject: Subject, ready_s: float, deadline_s: float) -> None:
    subject.ready(ready_s)
    subject.block(Role.MECHANISM, 2, deadline_s)


def test_a_block_has_three_times_of_each_call() -> None:
    """Total is at least call, the block at least the sum of its calls, and usage is told for both processes."""
    with Subject(settings("os_fork")) as subject:
        assert subject.ready(PATIENCE_S) > 20
        block = subject.block(Role.MECHANISM, 25, PATIENCE_S)
    totals, called, ready = (block.stamps[i::3] for i in range(3))
    assert block.calls == len(totals) == 25
    assert all(0 < call <= total for call, total in zip(called, totals, strict=True))
    assert set(ready) == {0}
    assert block.end_ns - block.begin_ns >= sum(totals)
    assert block.usage is not None
    assert (
        block.usage.parent_faults >= 25
    )  # the page that the child's stack frame is written to is copied by each fork at least
    assert block.usage.child_faults >= 25


def test_requests_of_any_size_are_answered_in_turn() -> None:
    """One call, then a block whose answer does not fit into a pipe at once, then one call again."""
    with Subject(settings("noop")) as subject:
        subject.ready(PATIENCE_S)
        assert [subject.block(Role.MECHANISM, calls, PATIENCE_S).calls for calls in (1, 20_000, 1, 0)] == [
            1,
            20_000,
            1,
            0,
        ]


@needs_control
def test_control_answers_beside_the_mechanism() -> None:
    """One subject makes blocks of both roles."""
    with Subject(
        settings("os_fork", control_mechanism="mechanisms.native:native_fork", control_folder=engine.CONTROL)
    ) as subject:
        subject.ready(PATIENCE_S)
        assert [subject.block(role, 3, PATIENCE_S).calls for role in (Role.MECHANISM, Role.CONTROL)] == [3, 3]


def test_what_children_write_goes_nowhere() -> None:
    """A child that writes to its standard output does not disturb the answers."""
    with Subject(settings("good")) as subject:
        subject.ready(PATIENCE_S)
        assert subject.block(Role.MECHANISM, 3, PATIENCE_S).calls == 3


@pytest.mark.parametrize("mechanism", ["child_hangs", "family_hangs", "parent_hangs"])
def test_what_hangs_is_killed_with_its_whole_group(mechanism: str) -> None:
    """A child, a grandchild or the subject that never answers is killed at the deadline, and the error says so."""
    assert failure(mechanism, deadline_s=SHORT_S) == "timed out: a block of 2 calls took more than 0.5 s"


def test_a_set_up_that_hangs_is_killed() -> None:
    """A subject that never gets ready is killed at its deadline."""
    assert failure("set_up_hangs", ready_s=SHORT_S) == "timed out: set-up took more than 0.5 s"


def test_the_deadline_of_a_set_up_counts_from_the_start() -> None:
    """Of many that hang side by side, the last is not given as long again as the first."""
    with Subject(settings("set_up_hangs")) as subject:
        subject.started_ns -= round(PATIENCE_S * 1e9)
        with pytest.raises(SubjectError, match="timed out: set-up took more than 120 s"):
            subject.ready(PATIENCE_S)


def test_a_deadline_that_has_passed_ends_the_wait_at_once() -> None:
    """A request whose time is already over is an error as well, and no wait without an end."""
    assert failure("parent_hangs", deadline_s=-1.0) == "timed out: a block of 2 calls took more than -1 s"


def test_asking_a_subject_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user may have no more threads, a subject that works is still asked, and one that hangs is ended."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Subject(settings("noop")) as subject:
        subject.ready(PATIENCE_S)
        assert subject.block(Role.MECHANISM, 3, PATIENCE_S).calls == 3
    assert failure("parent_hangs", deadline_s=SHORT_S) == "timed out: a block of 2 calls took more than 0.5 s"


@pytest.mark.parametrize(
    ("mechanism", "text"),
    [
        ("wrong_status", "CallError: the child ended with exit status 3"),
        ("killed_child", "CallError: the child ended with exit status -9"),
        pytest.param(
            "no_more_processes", "BlockingIOError: [Errno 11] Resource temporarily unavailable", marks=needs_proc
        ),
        pytest.param("no_memory_for_a_copy", "OSError: [Errno 12] Cannot allocate memory", marks=needs_guess),
        pytest.param("memory_runs_out", "MemoryError:", marks=needs_proc),
        ("set_up_fails", "BlockingIOError: [Errno 11] no more of it, and that on two lines"),
        ("subject_killed", "the subject was ended by signal 9"),
        ("subject_exits", "the subject ended with exit status 7: MemoryError: out of it"),
        ("subject_says_much", "the subject ended with exit status 1: \N{REPLACEMENT CHARACTER}" + "y" * 199),
    ],
)
def test_a_call_that_goes_wrong_is_an_error_in_one_line(mechanism: str, text: str) -> None:
    """A wrong status, a signal, an errno and the death of the subject itself are told for what they are."""
    assert failure(mechanism) == text


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's pidfd")
def test_a_subject_that_ended_keeps_its_number_until_it_is_stopped() -> None:
    """Its group may still be killed then, and must not be one that was started meanwhile."""
    with Subject(settings("subject_killed")) as subject:
        with pytest.raises(SubjectError, match="ended by signal 9"):
            _use(subject, PATIENCE_S, PATIENCE_S)
        ended = os.waitid(os.P_PID, subject.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        assert ended is not None
        subject.kill()
    with pytest.raises(ChildProcessError):
        os.waitid(os.P_PID, subject.pid, os.WEXITED | os.WNOHANG)


@needs_proc
def test_more_descriptors_than_select_takes_are_no_error() -> None:
    """A run of many interpreters has more than 1024 open files where the limit allows them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"{hard} files are the most here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1200, hard))
    many: list[int] = []
    try:
        while not many or many[-1] < 1030:
            many.append(os.open(os.devnull, os.O_RDONLY))
        with Subject(settings("os_fork")) as subject:
            subject.ready(PATIENCE_S)
            subject.observe_path(PATIENCE_S)
            assert subject.block(Role.MECHANISM, 2, PATIENCE_S).calls == 2
        assert not subject.stop()
    finally:
        for descriptor in many:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_place_for_temporary_files_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a temporary directory that can be written says so in one line."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    words = r"^no temporary file for the subject's standard error \(No such file or directory\)$"
    with pytest.raises(SubjectError, match=words):
        Subject(settings("os_fork"))


def test_a_subject_that_ends_while_watched_is_told_for_what_it_is() -> None:
    """The tracer does not take the exit status away from the one who reports it."""
    with Subject(settings("subject_killed")) as subject:
        subject.ready(PATIENCE_S)
        with pytest.raises(SubjectError, match="ended by signal 9"):
            subject.observe_path(PATIENCE_S)


def test_a_subject_that_hangs_while_watched_is_killed() -> None:
    """The deadline of a watched call holds too, and its error says so."""
    with Subject(settings("child_hangs")) as subject:
        subject.ready(PATIENCE_S)
        with pytest.raises(SubjectError, match="timed out: a watched call"):
            subject.observe_path(SHORT_S)
    assert not alive(subject.pid)


def test_the_age_of_a_subject_counts_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a row as the time of set-up is the time since its process was started."""
    with Subject(settings("noop")) as subject:
        monkeypatch.setattr(process.time, "perf_counter_ns", lambda: subject.started_ns + 1_234)  # type: ignore[attr-defined]
        assert subject.age_ns() == 1_234


@needs_proc
def test_a_subject_is_a_group_and_a_session_of_its_own() -> None:
    """Ctrl-C at the terminal is for the controller alone, and a kill of the group ends all that it started."""
    with Subject(settings("noop")) as subject:
        assert os.getpgid(subject.pid) == os.getsid(subject.pid) == subject.pid


def test_what_a_subject_leaves_is_killed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`stop` says that it took force when a child of the subject outlived it, and then none does."""
    monkeypatch.setattr(process, "STOP_TIMEOUT_S", 0.2)
    subject = Subject(settings("leaves_behind"))
    subject.ready(PATIENCE_S)
    subject.block(Role.MECHANISM, 1, PATIENCE_S)
    assert subject.stop()
    assert not alive(subject.pid)


def test_a_subject_that_ends_by_itself_takes_no_force() -> None:
    """`stop` of a subject that works says that it ended by itself; a second `stop` harms nothing."""
    subject = Subject(settings("os_fork"))
    subject.ready(PATIENCE_S)
    assert not subject.stop()
    assert not subject.stop()


def test_the_number_of_a_subject_that_is_gone_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is stopped, its process id may be somebody else's."""
    subject = Subject(settings("noop"))
    subject.stop()
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: signalled.append(pid))
    subject.kill()
    subject.request_stop()
    assert not subject.stop()
    assert signalled == []


def test_a_subject_is_ended_when_its_controller_gives_up() -> None:
    """An exception that leaves the ``with`` ends the subject and what it started."""
    subject = Subject(settings("os_fork"))
    with pytest.raises(KeyboardInterrupt):
        _give_up(subject)
    assert not alive(subject.pid)


def _give_up(subject: Subject) -> None:
    with subject:
        subject.ready(PATIENCE_S)
        raise KeyboardInterrupt


def test_an_interpreter_that_is_none_is_an_error() -> None:
    """A path that cannot be started, and one that is something else, are errors of one line."""
    with pytest.raises(SubjectError, match=r"^/nowhere/python: cannot be started \(No such file or directory\)$"):
        Subject(Settings("/nowhere/python", "mechanisms.fork:os_fork"))
    with Subject(Settings("/bin/false", "mechanisms.fork:os_fork")) as subject:
        with pytest.raises(SubjectError, match="the subject ended with exit status 1"):
            subject.ready(PATIENCE_S)


def test_a_subject_has_what_it_needs_and_no_more() -> None:
    """Without site, PYTHON variables and what a shell sets: its size is the same on every machine."""
    words = Settings(PYTHON, "m:n", cpu=0).command()
    assert words[0] == PYTHON
    assert words[1:4] == ["-E", "-s", "-S"]
    assert words[5:] == ["mechanism=m:n", "cpu=0"]
    assert set(launch.environment()) <= set(launch.KEPT_VARIABLES)


@needs_proc
def test_only_standard_streams_are_inherited() -> None:
    """What a subject starts holds no pipe of the controller: it could keep the subject's end from being seen."""
    with Subject(settings("posix_spawn", true_program=sys.executable)) as first, Subject(settings("os_fork")) as second:
        first.ready(PATIENCE_S)
        second.ready(PATIENCE_S)
        for subject in (first, second):
            folder = Path(f"/proc/{subject.pid}/fd")
            pipes = [path for path in folder.iterdir() if os.readlink(path).startswith("pipe:")]
            assert len(pipes) == 2
            flags = [
                int(line.split()[1], 8) & os.O_CLOEXEC
                for path in pipes
                for line in (folder.parent / "fdinfo" / path.name).read_text().splitlines()
                if line.startswith("flags:")
            ]
            assert all(flags)


@needs_proc
def test_subjects_end_when_the_controller_is_killed(tmp_path: Path) -> None:
    """A controller that is killed by SIGKILL leaves no subject: each sees the end of its pipe."""
    code = (
        "import sys, time\nfrom tests.engine import settings\nfrom bench.driver.process import Subject\n"
        "subjects = [Subject(settings('os_fork')) for _ in range(2)]\n"
        "for subject in subjects: subject.ready(100)\n"
        "print(*(subject.pid for subject in subjects), flush=True)\ntime.sleep(1000)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout is not None
        pids = [int(word) for word in controller.stdout.readline().split()]
        watched = [os.pidfd_open(pid) for pid in pids]
        controller.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    for pid, descriptor in zip(pids, watched, strict=True):
        assert select.select([descriptor], [], [], PATIENCE_S)[0]
        os.close(descriptor)
        os.waitpid(pid, 0)  # the orphan is ours, see `unchanged`
