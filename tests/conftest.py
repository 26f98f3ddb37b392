"""Turns the rules that hold for every test into fixtures: no child is left behind, and fake runs are made once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from bench.driver import only_run, reaping
from tests.fake_kinds import KINDS
from tests.fake_run import write_run

# A time limit would make a verdict of a busy machine; the same examples every time make a failure repeatable.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

# Two tests run side by side, and many of them measure: no run of one waits for those of the other.
os.environ[only_run.VARIABLE] = only_run.WhenBusy.IGNORE
os.environ[only_run.NAME_VARIABLE] = f"forkbench-test-{os.getpid()}"

# What a test asked to end may take so long to do so; what is there afterwards was left behind.
_GRACE_S = 5.0
_CHILDREN_ARE_TOLD = Path(f"/proc/self/task/{os.getpid()}/children").exists()  # CONFIG_PROC_CHILDREN


def _children() -> dict[int, str]:
    """All that descends from this process, zombies included: pid and what it is."""
    found: dict[int, str] = {}
    # psutil looks at every process of the machine, twice a test: 2 ms where this takes 0.06.
    if _CHILDREN_ARE_TOLD and not reaping.children():
        return found
    for child in psutil.Process().children(recursive=True):
        try:
            found[child.pid] = f"{child.status()} {child.name()}"
        except psutil.NoSuchProcess:
            continue
    return found


def _adopt_no_orphans() -> None:
    """Undo what a test may have asked the kernel for: orphans would fall to pytest, and no test would reap them."""
    if sys.platform == "linux":
        import ctypes

        pr_set_child_subreaper = 36  # <linux/prctl.h>
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 0, 0, 0, 0)


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a child process, running or not reaped, or a changed CPU affinity."""
    yield from nothing_left_behind()


def nothing_left_behind() -> Iterator[None]:
    """What a fixture does that fails for a child process that is left, or for a changed CPU affinity."""
    before = _children()
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    _adopt_no_orphans()
    limit = time.monotonic() + _GRACE_S
    while (left := {pid: what for pid, what in _children().items() if pid not in before}) and time.monotonic() < limit:
        if all(what.startswith(psutil.STATUS_ZOMBIE) for what in left.values()):
            break
        time.sleep(0.01)
    assert not left, f"left behind: {left}"
    if cpus is not None:
        now = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cpus)
        assert now == cpus, "the test changed which CPUs pytest may use"


@pytest.fixture(scope="session")
def fake_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a complete fake run with the default cells; it is shared, so only read it."""
    return write_run(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="session")
def kind_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the directory of a fake run of one of `KINDS`; each is written once and shared, so only read it."""
    return cache(lambda kind: write_run(tmp_path_factory.mktemp("kind"), KINDS[kind]()))
