"""Holds that several subjects at once look like one: asked together, merged by hand's arithmetic, ended together."""

from __future__ import annotations

import array
import dataclasses
import os
import signal
import time

import pytest

from bench.driver.process import Block, Subject, SubjectError, Usage
from bench.driver.subject_group import SubjectGroup
from bench.driver.subject_team import SubjectTeam, merged
from tests.engine import PATIENCE_S, alive, needs_fork, settings, unchanged

pytestmark = needs_fork


def _block(begin: int, end: int, usage: Usage | None, *stamps: int) -> Block:
    return Block(begin, end, usage, array.array("q", stamps))


def test_blocks_become_one_from_the_first_begin_to_the_last_end() -> None:
    """Of blocks from 10 to 40 and from 12 to 35, one from 10 to 40: calls one behind the other, usage added up."""
    one = _block(10, 40, Usage(1, 2, 3, 4, 5, 6, 7, 8), 20, 5, 9)
    other = _block(12, 35, Usage(10, 20, 30, 40, 50, 60, 70, 80), 21, 6, 0, 22, 7, 0)
    both = merged([one, other])
    assert (both.begin_ns, both.end_ns, both.calls, both.subjects) == (10, 40, 3, 2)
    assert both.stamps.tolist() == [20, 5, 9, 21, 6, 0, 22, 7, 0]
    assert both.usage == Usage(11, 22, 33, 44, 55, 66, 77, 88)
    assert merged([one, _block(12, 35, None, 21, 6, 0)]).usage is None


def test_all_are_asked_before_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every subject is told the same moment, which is still to come for the last, before the first answer is read."""
    steps: list[tuple[str, int]] = []
    ask, answer = Subject.ask, Subject.answer

    def noted_ask(self: Subject, role: str, calls: int, deadline_s: float, begin_ns: int = 0) -> None:
        steps.append(("ask", begin_ns))
        ask(self, role, calls, deadline_s, begin_ns)

    def noted_answer(self: Subject) -> Block:
        block = answer(self)
        steps.append(("answer", block.begin_ns))
        return block

    monkeypatch.setattr(Subject, "ask", noted_ask)
    monkeypatch.setattr(Subject, "answer", noted_answer)
    with unchanged(), SubjectTeam(settings("os_fork", at_once=3)) as team:
        team.ready(PATIENCE_S)
        before = time.perf_counter_ns()
        block = team.block("mechanism", 2, PATIENCE_S)
    assert [name for name, _ in steps] == ["ask"] * 3 + ["answer"] * 3
    (moment,) = {begin for name, begin in steps if name == "ask"}
    assert moment >= before + 2_000_000
    assert all(begin >= moment for name, begin in steps if name == "answer")
    assert (block.calls, block.subjects, len({member.pid for member in team.members})) == (6, 3, 3)
    assert sum(block.stamps[0::3]) <= 3 * (block.end_ns - block.begin_ns)


def test_one_that_is_killed_ends_all() -> None:
    """A block that one of three does not answer is an error that says which one, and no process is left."""
    with unchanged():
        with SubjectTeam(settings("os_fork", at_once=3)) as team:
            team.ready(PATIENCE_S)
            pids = [member.pid for member in team.members]
            os.kill(pids[1], signal.SIGKILL)
            with pytest.raises(SubjectError, match=r"^subject 2 of 3: the subject was ended by signal 9"):
                team.block("mechanism", 2, PATIENCE_S)
        assert not any(map(alive, pids))


def test_a_group_fails_a_cell_whole_and_keeps_the_others() -> None:
    """A mechanism that fails in its set-up fails the cell, with the number of the subject; its neighbour goes on."""
    with unchanged():
        wanted = {0: settings("set_up_fails", at_once=2), 1: settings("noop", at_once=2)}
        with SubjectGroup(wanted) as group:
            assert group.alive() == [1]
            assert group.failed[0].startswith("set-up: subject 1 of 2: ")
            assert group[1].block("mechanism", 5, PATIENCE_S).calls == 10
    assert group.forced == 0


def test_the_dose_is_read_before_and_after_the_scenarios_of_all() -> None:
    """Two subjects with 8 MiB each are both let go at every stage, and what the first holds rose by 8 MiB."""
    words = ("scenarios.memory:rss=8388608", "scenarios.many:at_once=2")
    with unchanged(), SubjectGroup({0: settings("noop", at_once=2, scenarios=words, verified=True)}) as group:
        assert group.failed == {}
        assert group[0].block("mechanism", 1, PATIENCE_S).calls == 2
    if group.raised[0].get("copied_bytes"):
        assert abs(group.raised[0]["copied_bytes"] - (8 << 20)) < 0.02 * (8 << 20)


def test_what_cannot_be_started_leaves_nothing() -> None:
    """An interpreter that is not there is one line, as for a single subject."""
    with unchanged(), pytest.raises(SubjectError, match=r"^/no/such/python: cannot be started"):
        SubjectTeam(dataclasses.replace(settings("noop", at_once=2), python="/no/such/python"))
