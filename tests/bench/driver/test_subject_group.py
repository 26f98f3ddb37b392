"""Holds what a group of subjects says of the time that it takes beside measuring, and how it ends them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench.driver import process
from bench.driver.subject_group import SubjectGroup
from tests.engine import PATIENCE_S, TESTS, alive, needs_fork, settings, unchanged

pytestmark = needs_fork
needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's pidfd")


def test_the_overhead_is_a_part_of_the_time_and_grows_at_both_ends() -> None:
    """Starting and ending take time, together no more than has passed, and what lies between does not count."""
    began = time.perf_counter_ns()
    with unchanged():
        with SubjectGroup({0: settings("noop")}) as group:
            started_ns = group.overhead_ns
            group[0].block("mechanism", 1000, PATIENCE_S)
            assert group.overhead_ns == started_ns
        passed_ns = time.perf_counter_ns() - began
    assert 0 < started_ns < group.overhead_ns < passed_ns


@needs_pidfd
def test_a_subject_that_ended_is_reaped_while_another_is_waited_for(tmp_path: Path) -> None:
    """The first subject ends only once the second is gone altogether, and no force is needed."""
    first = settings("ends_last", module_path=os.pathsep.join((str(TESTS), str(tmp_path))))
    with unchanged():
        with SubjectGroup({0: first, 1: settings("noop")}) as group:
            (tmp_path / "marker").write_text(str(group[1].pid))
        assert group.forced == 0


def test_subjects_that_do_not_end_are_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wait for a process that stays: both are ended and counted, and the one that ends by itself is not."""
    monkeypatch.setattr(process, "STOP_TIMEOUT_S", 0.2)
    waiting = settings("ends_last", module_path=os.pathsep.join((str(TESTS), str(tmp_path))))
    (tmp_path / "marker").write_text(str(os.getpid()))
    with unchanged():
        with SubjectGroup({0: waiting, 1: waiting, 2: settings("noop")}) as group:
            pids = [group[number].pid for number in group.alive()]
        assert group.forced == 2
    assert not any(map(alive, pids))


def test_a_subject_that_fails_is_gone_at_once() -> None:
    """It is ended and reaped before the others go on, and nothing of the group is signalled again after that."""
    with unchanged(), SubjectGroup({0: settings("os_fork"), 1: settings("noop")}) as group:
        group.fail(0, "wrong")
        assert not alive(group[0].pid)
        assert group.alive() == [1]
        assert group[1].block("mechanism", 3, PATIENCE_S).calls == 3
    assert group.forced == 0


def test_subjects_end_where_the_system_does_not_tell_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pidfds (an old kernel, macOS, no descriptor left) they are stopped in turn, and none is left."""
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    with unchanged():
        with SubjectGroup({number: settings("noop") for number in range(3)}) as group:
            pids = [group[number].pid for number in group.alive()]
        assert group.forced == 0
    assert len(pids) == 3
    assert not any(map(alive, pids))
