"""Holds that subjects really are in the state that a scenario names, seen from outside."""

from __future__ import annotations

import dataclasses
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.driver import dose, pinning
from bench.driver.process import Subject, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.machine.kernel_files import read_text
from bench.measure.reached import dose_text, dose_warning
from bench.plan import availability, registry
from bench.plan.levels import parse_scenarios
from bench.schema import Role
from bench.schema.dose import Dose
from tests.engine import CONTROL, PATIENCE_S, PYTHON, needs_control, needs_proc, settings, unchanged
from tests.other_interpreters import oldest_and_newest

MIB = 1 << 20
PINS = pinning.choose("auto")
needs_huge_pages = pytest.mark.skipif(
    "[never]" in (read_text(availability.HUGE_PAGES) or "[never]"), reason="this kernel gives no huge pages"
)
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


def raised_by(*parts: str, mechanism: str = "os_fork", **changes: Any) -> tuple[dict[str, int], Dose]:
    """By how much scenarios raise each column in a real subject, and what it holds when it has made three calls."""
    words = parse_scenarios(["+".join(parts)])[0].words
    group = SubjectGroup({0: settings(mechanism, scenarios=words, verified=True, **changes)}, PATIENCE_S)
    with group:
        assert group.failed == {}
        group[0].block(Role.MECHANISM, 3, PATIENCE_S)
        held = dose.read(group[0].pid)
    return group.raised[0], held


@needs_proc
@pytest.mark.parametrize(
    ("part", "amount"),
    [
        ("rss=0", 0),
        ("rss=16MiB", 16 * MIB),
        ("rss=40MiB", 40 * MIB),
        ("shared=16MiB", 16 * MIB),
        # Code that the set-up reads from files counts too: 348 KiB in a Python that is one large file, as Debian's.
        ("file_clean=32MiB", 32 * MIB),
        ("file_dirty=16MiB", 16 * MIB),
        ("untouched=1GiB", 1 << 30),
        ("dontfork=16MiB", 16 * MIB),
        ("vmas=1000", 1000),
        ("vmas_private=1000", 1000),
        ("fds=1000", 1000),
        ("threads=8", 8),
        ("threads_busy=2", 2),
        ("atfork_hooks=7", 7),
        ("objects=1e5", 100_000),
        ("gc_frozen=1e5", 100_000),
        ("env=300000", 300_000),
        ("env=100001", 100_001),
        ("env=20", 20),
    ],
)
def test_every_level_is_reached(part: str, amount: int) -> None:
    """What counts a level rises by it within 2 %, by a few pages at level 0."""
    (level,) = parse_scenarios([part])
    raised, _ = raised_by(part)
    (column,) = [one.scenario.dose for one in level.parts]
    assert raised[column] == pytest.approx(amount, rel=0.02, abs=20 * 4096 if amount == 0 else 0)
    if part.startswith("env="):
        assert raised["env_bytes"] == pytest.approx(amount, abs=14)


@needs_proc
def test_kinds_of_memory_do_not_mix() -> None:
    """Each kind raises its own column and leaves what a fork would copy as it is."""
    for part in ("shared=16MiB", "file_clean=16MiB", "untouched=16MiB", "dontfork=16MiB", "vmas=100"):
        raised, _ = raised_by(part)
        assert raised["copied_bytes"] < MIB, part


@needs_proc
@needs_huge_pages
def test_huge_pages_are_a_whole_number_of_them() -> None:
    """Three and a bit become four; small pages do not grow with them."""
    raised, held = raised_by("thp=7MiB")
    assert raised["huge_bytes"] == 8 * MIB
    assert raised["copied_bytes"] < MIB
    assert held.huge_bytes == 8 * MIB


@needs_proc
def test_a_combination_raises_all_its_columns_and_keeps_them() -> None:
    """Memory, threads, files and mappings at the same time, and still there when calls were made."""
    raised, held = raised_by("rss=16MiB", "threads=4", "fds=50", "vmas=200", "objects=1e4")
    assert raised["copied_bytes"] == pytest.approx(16 * MIB, rel=0.1)  # the objects are private memory too
    assert (raised["threads"], raised["fds"]) == (4, 50)
    assert raised["vmas"] == pytest.approx(200, abs=40)  # each thread brings its own
    assert held.threads == 5
    assert held.copied_bytes is not None
    assert held.copied_bytes > 16 * MIB
    assert held.huge_bytes == 0
    assert held.pte_bytes is not None
    assert held.pte_bytes >= 16 * MIB // mmap.PAGESIZE * 8


def test_an_import_is_there_and_only_it() -> None:
    """A module that the mechanism would not load is loaded; one that is not there is an error with its name."""
    loaded = []
    for level in ("sys", "decimal"):
        with in_state("imports", level) as subject:
            loaded.append(subject.ready(PATIENCE_S))
    assert loaded[1] > loaded[0]
    with in_state("imports", "no_such_module") as subject:
        with pytest.raises(SubjectError, match="No module named 'no_such_module'"):
            subject.ready(PATIENCE_S)


def test_every_scenario_works_in_old_and_new_interpreters() -> None:
    """The oldest and the newest CPython that are here, from 3.8 on, reach small levels of all scenarios."""
    if not oldest_and_newest():
        pytest.skip("no other interpreter from 3.8 on is here")
    parts = ["rss=2MiB", "shared=1MiB", "file_clean=1MiB", "file_dirty=1MiB", "untouched=1MiB", "dontfork=1MiB"]
    parts += ["vmas=10", "vmas_private=10", "fds=10", "threads=2", "threads_busy=1", "imports=json", "atfork_hooks=2"]
    parts += ["objects=1000", "gc_frozen=1000", "env=1000"]
    words = parse_scenarios(["+".join(parts)])[0].words
    for python in oldest_and_newest():
        with Subject(dataclasses.replace(settings("os_fork", scenarios=words), python=python.executable)) as subject:
            assert subject.ready(PATIENCE_S), python.label
            assert subject.block(Role.MECHANISM, 1, PATIENCE_S).calls == 1, python.label


@needs_proc
def test_the_dose_of_a_part_is_without_that_of_the_others() -> None:
    """Parts that raise the same column share it out by their levels; a name is its own dose; the unknown is unknown."""
    (level,) = parse_scenarios(["rss=10MiB+file_dirty=5MiB+parent=equal+fds=3"])
    raised = {"copied_bytes": 16 * MIB, "fds": 4}
    assert dose_text(level, raised) == f"{11 * MIB}+{6 * MIB}+equal+4"
    assert dose_warning(level, raised) == (
        f"rss=10MiB: copied_bytes rose by {11 * MIB}, not by {10 * MIB}; recorded as it is"
    )
    assert dose_text(level, {"fds": 3}) is None
    assert dose_warning(level, {"copied_bytes": 15 * MIB, "fds": 3}) == ""
    (bare,) = parse_scenarios(["parent=bare"])
    assert (dose_text(bare, {}), dose_warning(bare, {})) == (None, "")


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
    assert dose.read(2**22 + 1) == Dose()
