"""Holds that the children of this process are seen, and that a run counts its own alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bench.driver import reaping
from bench.driver.guard import GUARD
from bench.measure.run_state import Run
from tests.engine import Watcher, needs_fork, needs_proc, options

_WAITS = ["/bin/sh", "-c", "read x"]


@needs_fork
@needs_proc
def test_children_are_seen_ended_ones_included() -> None:
    """A running child and one that nobody has reaped are both found, and none after they are reaped."""
    before = set(reaping.children())
    with subprocess.Popen(_WAITS, stdin=subprocess.PIPE) as running:
        ended = os.fork()
        if ended == 0:
            os._exit(0)
        os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
        assert set(reaping.children()) - before == {running.pid, ended}
        os.waitpid(ended, 0)
    assert set(reaping.children()) == before


def test_without_proc_no_child_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux without /proc ends a run without an error."""
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    assert reaping.children() == []


@needs_fork
@needs_proc
def test_a_run_counts_what_is_left_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child from before the run and the watcher do not count; a later child and one ended by force do."""
    with subprocess.Popen(_WAITS, stdin=subprocess.PIPE):
        run = Run(options(tmp_path), Watcher())
        assert run.processes_left() == 0
        with subprocess.Popen(_WAITS, stdin=subprocess.PIPE) as watcher:
            assert run.processes_left() == 1
            run.forced = 2
            assert run.processes_left() == 3
            monkeypatch.setattr(GUARD, "pid", watcher.pid)
            assert run.processes_left() == 2
