"""Holds that subjects really are in the state that a scenario names, seen from outside."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.driver import dose, pinning
from bench.driver.process import Subject, SubjectError
from bench.measure.round import dose_problem
from bench.plan import registry
from bench.plan.cells import Cell
from bench.plan.interpreters import Interpreter
from bench.plan.levels import parse_level
from bench.schema import Role
from tests.engine import CONTROL, PATIENCE_S, PYTHON, needs_control, needs_proc, settings, unchanged

MIB = 1 << 20
PINS = pinning.choose("auto")
needs_pin = pytest.mark.skipif(not PINS.can_pin, reason="this system cannot pin")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def in_state(scenario: str, level: str, mechanism: str = "noop", **changes: object) -> Subject:
    """A subject in that state, not yet ready."""
    entry_point = registry.scenarios()[scenario].entry_point
    return Subject(settings(mechanism, scenario=entry_point, level=level, **changes))


@needs_proc
@pytest.mark.parametrize("size", [0, 16 * MIB, 40 * MIB + 4096])
def test_memory_is_there_while_blocks_are_measured(size: int) -> None:
    """The parent holds the size in private pages, none of them huge, before and after a block of calls."""
    with in_state("rss", "0", "os_fork") as empty, in_state("rss", str(size), "os_fork") as subject:
        empty.ready(PATIENCE_S)
        subject.ready(PATIENCE_S)
        base = dose.read(empty.pid).private_bytes
        for calls in (1, 3):
            subject.block(Role.MECHANISM, calls, PATIENCE_S)
            held = dose.read(subject.pid)
            assert held.private_bytes is not None
            assert base is not None
            assert abs(held.private_bytes - base - size) < MIB
            assert held.huge_bytes == 0
            assert held.pte_bytes is not None
            assert held.pte_bytes >= size // mmap.PAGESIZE * 8


@needs_proc
def test_a_dose_that_is_not_reached_is_a_problem() -> None:
    """A level is reached if the parent holds 98 % of it; where nothing can be read there is no verdict."""
    python = Interpreter("3.11.7", PYTHON, {}, {})
    level = parse_level(registry.scenarios()["rss"], "100MiB")
    cell = Cell(0, python, registry.mechanisms()["os_fork"], level)
    assert dose_problem(cell, dose.Dose(private_bytes=98 * MIB)) == ""
    assert dose_problem(cell, dose.Dose()) == ""
    said = dose_problem(cell, dose.Dose(private_bytes=97 * MIB))
    assert said == f"rss=100MiB not reached: private_bytes is {97 * MIB}, asked for {100 * MIB}"
    bare = Cell(0, python, registry.mechanisms()["os_fork"], parse_level(registry.scenarios()["parent"], "bare"))
    assert dose_problem(bare, dose.Dose(private_bytes=0)) == ""


def test_memory_that_cannot_be_had_is_an_error() -> None:
    """A size beyond what the kernel gives ends in one line, not in a subject without it."""
    with in_state("rss", str(1 << 60)) as subject, pytest.raises(SubjectError, match="Error: ") as caught:
        subject.ready(PATIENCE_S)
    assert "\n" not in str(caught.value)


@needs_pin
def test_a_pinned_subject_is_on_its_cpu() -> None:
    """Subject and what it starts may use the one CPU, though it started on all."""
    with in_state("affinity", "pinned", cpu=PINS.subject_cpu, allowed_cpus=PINS.allowed_cpus) as subject:
        subject.ready(PATIENCE_S)
        assert os.sched_getaffinity(subject.pid) == {PINS.subject_cpu}
        assert dose.read(subject.pid).cpus in (1, None)


@needs_pin
@pytest.mark.skipif(len(PINS.allowed_cpus) < 2, reason="one CPU: free is pinned")
def test_a_free_subject_may_use_all_cpus_though_the_controller_is_pinned() -> None:
    """free holds for the subject whatever its controller was pinned to when it started it."""
    pinning.apply(PINS)
    try:
        with in_state("affinity", "free", cpu=PINS.subject_cpu, allowed_cpus=PINS.allowed_cpus) as subject:
            subject.ready(PATIENCE_S)
            assert os.sched_getaffinity(subject.pid) == set(PINS.allowed_cpus)
            assert os.sched_getaffinity(0) == {PINS.controller_cpu}
    finally:
        pinning.undo(PINS)


@needs_pin
def test_an_affinity_that_is_not_reached_is_an_error() -> None:
    """A subject that should be pinned and is not says so before anything is measured."""
    if len(PINS.allowed_cpus) > 1:
        with (
            in_state("affinity", "pinned") as subject,
            pytest.raises(SubjectError, match="affinity=pinned not reached"),
        ):
            subject.ready(PATIENCE_S)
    with in_state("affinity", "free", allowed_cpus=(PINS.allowed_cpus[0],)) as subject:
        with pytest.raises(SubjectError, match="affinity=free not reached: it may use 1 CPUs"):
            subject.ready(PATIENCE_S)


def test_equal_parents_have_the_same_modules_and_bare_ones_do_not() -> None:
    """parent=equal loads the same, whatever the mechanism; a bare parent holds only what its mechanism needs."""
    loaded: dict[str, dict[str, int]] = {"bare": {}, "equal": {}}
    for level, by_mechanism in loaded.items():
        for mechanism in ("os_fork", "subprocess_run", "mp_spawn"):
            with in_state("parent", level, mechanism, true_program=PYTHON) as subject:
                by_mechanism[mechanism] = subject.ready(PATIENCE_S)
    bare, equal = loaded["bare"], loaded["equal"]
    assert bare["os_fork"] < bare["subprocess_run"] < bare["mp_spawn"]
    assert max(equal.values()) - min(equal.values()) <= 2  # the module of the mechanism itself, and of its kind
    assert min(equal.values()) > max(bare.values())


@needs_control
def test_a_bare_subject_has_loaded_little_more_than_a_bare_interpreter(tmp_path: Path) -> None:
    """The harness in the measured parent adds a handful of modules to an interpreter that can fork and tell time."""
    script = tmp_path / "script.py"  # started by its path, as a subject is: -c loads a module more from 3.13 on
    script.write_text("import os, time, sys; print(len(sys.modules))")
    empty = int(subprocess.run([PYTHON, "-E", "-s", "-S", str(script)], capture_output=True, check=True).stdout)
    with Subject(settings("os_fork", control_folder=CONTROL)) as subject:
        # loop, mechanisms, mechanisms.fork, _control
        assert subject.ready(PATIENCE_S) - empty == 4


def test_a_broken_scenario_is_an_error() -> None:
    """What a scenario raises is the subject's error, in one line."""
    with Subject(settings("noop", scenario="faulty:broken_scenario", level="x")) as subject:
        with pytest.raises(SubjectError, match=r"^RuntimeError: level x not reached$"):
            subject.ready(PATIENCE_S)


@needs_proc
def test_the_dose_is_what_the_process_is() -> None:
    """Threads, descriptors, mappings and CPUs of a process known from elsewhere."""
    code = (
        "import threading, sys, os\n"
        "wait = threading.Event()\n"
        "for _ in range(3): threading.Thread(target=wait.wait, daemon=True).start()\n"
        "files = [open(os.devnull) for _ in range(5)]\n"
        "print(len(os.listdir('/proc/self/fd')) - 1, flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        files = int(process.stdout.readline())
        seen = dose.read(process.pid)
        maps = len(Path(f"/proc/{process.pid}/maps").read_text().splitlines())
    assert (seen.threads, seen.fds, seen.vmas) == (4, files, maps)
    assert seen.cpus == len(os.sched_getaffinity(0))
    assert seen.rss_bytes is not None
    assert seen.pss_bytes is not None
    assert seen.private_bytes is not None
    assert 0 < seen.private_bytes <= seen.pss_bytes <= seen.rss_bytes


def test_the_dose_of_a_process_that_is_gone_is_unknown() -> None:
    """Nothing can be read of it, and that is no error."""
    assert dose.read(2**22 + 1) == dose.Dose()
