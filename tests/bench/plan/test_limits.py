"""Holds that what a machine allows is read, and that a subject's own needs are taken off."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from bench.machine import control_groups, memory
from bench.plan import limits
from bench.plan.levels import parse_scenarios
from tests.engine import needs_proc

GIB = 1 << 30
FILES = {
    "/proc/sys/vm/max_map_count": "65530",
    "/proc/sys/fs/nr_open": "5000",
    "/proc/sys/vm/overcommit_memory": "0",
    "/proc/meminfo": "MemTotal: 1048576 kB\nSwapTotal: 1024 kB\nCommitLimit: 3072 kB\nCommitted_AS: 1024 kB",
    "/proc/sys/kernel/threads-max": "900",
    "/proc/sys/kernel/pid_max": "800",
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine whose files are these; tests may change them."""
    files = dict(FILES)

    def text(path: str | Path) -> str:
        return files.get(str(path), "")

    monkeypatch.setattr("bench.machine.kernel_files.read_text", text)
    monkeypatch.setattr(memory, "available", lambda: 8 * GIB)
    monkeypatch.setattr(control_groups, "processes_left", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        resource, "getrlimit", lambda number: (10, 4000) if number == resource.RLIMIT_NOFILE else (7, 7)
    )
    monkeypatch.setattr(os, "sysconf", lambda name: 2 << 20)
    return files


def most(name: str) -> Any:
    """The limit of a resource and its source; None: there is none."""
    found = limits.read().by_resource.get(name)
    return found and (found.most, found.source)


def test_limits_are_those_of_the_machine(machine: dict[str, str]) -> None:
    """A quarter of the free memory; of two limits the smaller; the hard limit of files; all without a subject's own."""
    assert most("memory") == (2 * GIB, "25% of the free memory")
    assert limits.read().memory_bytes == 2 * GIB
    assert most("mappings") == (65530 - 1000, "vm.max_map_count")
    assert most("files") == (4000 - 64, "RLIMIT_NOFILE")
    assert most("threads") == (800 - 16, "kernel.pid_max")
    assert most("arguments") == ((2 << 20) - (64 << 10), "SC_ARG_MAX")
    machine["/proc/sys/fs/nr_open"] = "70"
    assert most("files") == (6, "fs.nr_open")


@pytest.mark.parametrize(("mode", "allowed"), [("0", GIB + (1 << 20)), ("1", None), ("2", 1 << 20), ("", None)])
def test_what_may_be_mapped_follows_the_overcommit_mode(
    machine: dict[str, str], mode: str, allowed: int | None
) -> None:
    """0: memory and swap; 1: no limit; 2: half of what is left of CommitLimit, since a fork doubles it."""
    machine["/proc/sys/vm/overcommit_memory"] = mode
    assert most("commit") == (None if allowed is None else (allowed, "vm.overcommit_memory"))


def test_a_user_and_a_control_group_limit_threads(machine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """RLIMIT_NPROC does not hold for root; of a control group it is what is left."""
    monkeypatch.setattr(control_groups, "processes_left", lambda: 500)
    assert most("threads") == (500 - 16, "pids.max of the control group")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert most("threads") == (0, "RLIMIT_NPROC")


def test_what_is_unlimited_or_unknown_is_no_limit(machine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held back where the system tells nothing."""
    machine.clear()
    monkeypatch.setattr(memory, "available", lambda: None)
    monkeypatch.setattr(resource, "getrlimit", lambda number: (resource.RLIM_INFINITY,) * 2)
    monkeypatch.setattr(os, "sysconf", lambda name: -1)
    assert limits.read().by_resource == {}
    assert limits.read().memory_bytes == float("inf")


@needs_proc
def test_this_machine_allows_what_is_small_and_refuses_what_is_huge() -> None:
    """Levels that any machine has are no problem, levels that none has are, with the limit's name."""
    here = limits.read()
    for words in ("rss=1MiB", "fds=10", "threads=2", "vmas=10", "vmas_private=10", "env=1KiB", "untouched=1MiB"):
        (level,) = parse_scenarios([words])
        assert here.problem(level) == ""
    for words in ("rss=900000GiB", "fds=1e9", "vmas_private=1e12", "env=1GiB"):
        (level,) = parse_scenarios([words])
        assert "at most" in here.problem(level)
