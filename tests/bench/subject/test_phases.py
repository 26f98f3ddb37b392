"""Holds the scenario `phases`: children tell when they began, on the parent's clock, and nothing else changes."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import schema
from bench.driver import pinning
from bench.driver.launch import Settings
from bench.driver.process import Block, Subject, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.machine import control_build
from bench.plan import availability, cells, interpreters, registry
from bench.plan.interpreters import Interpreter
from bench.schema import Role, Work
from tests.engine import (
    CONTROL,
    PATIENCE_S,
    PYTHON,
    measure,
    needs_control,
    needs_fork,
    needs_proc,
    rows,
    settings,
    unchanged,
)
from tests.other_interpreters import oldest_and_newest

TRUE = shutil.which("true") or ""
TELLER = control_build.find_teller()
TOLD = (f"{registry.scenarios()['phases'].entry_point}=told",)
# What has no child.
TELL_NOTHING = ("noop", "known_delay")
# The creating call returns when the child has ended.
WAIT_FOR_THE_END = (
    *("subprocess_run", "subprocess_shell", "os_system", "python_c", "python_isolated", "native_vfork"),
)
CALLS = 3

pytestmark = [needs_fork, pytest.mark.skipif(not TELLER.program, reason=f"no program that tells: {TELLER.problem}")]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def told(mechanism: str, **changes: Any) -> Settings:
    """How a subject is started whose children tell."""
    words = {"control_folder": CONTROL, "tell_program": TELLER.program, "scenarios": TOLD, "true_program": TRUE}
    return settings(mechanism, **{**words, **changes})


def block(words: Settings, role: Role = Role.MECHANISM) -> Block:
    """A block of three calls in a subject."""
    with Subject(words) as subject:
        subject.ready(PATIENCE_S)
        return subject.block(role, CALLS, PATIENCE_S)


def some_interpreters() -> list[Interpreter]:
    """The oldest and the newest that are here, or the one that is measured by default."""
    return oldest_and_newest() or interpreters.find([PYTHON], availability.needs(CONTROL))


def every_cell() -> dict[int, tuple[str, Settings]]:
    """Every mechanism that each interpreter here can run, beside its control."""
    found: dict[int, tuple[str, Settings]] = {}
    for python in some_interpreters():
        for name, one in registry.mechanisms().items():
            lacks = "control" in one.needs and (not CONTROL or python.control_problem)
            lacks = lacks or one.work is Work.FIRST_WRITE  # its times are those of a pass over memory
            if lacks or any(need in python.missing for need in one.needs):
                continue
            words = dataclasses.replace(told(name), python=python.executable)
            found[len(found)] = f"{name} {python.label}", words
    return found


def test_every_mechanism_tells_with_old_and_new_interpreters() -> None:
    """A child begins after its call began and before it is reaped, and before a call that waits for its end returns."""
    wanted = every_cell()
    wrong = []
    with SubjectGroup({number: words for number, (_, words) in wanted.items()}) as subjects:
        assert subjects.failed == {}
        for number in subjects.alive():
            name = wanted[number][0]
            calls = 1 if any(word in name for word in ("python", "mp_", "workers_")) else CALLS  # each starts a Python
            stamps = subjects[number].block(Role.MECHANISM, calls, PATIENCE_S).stamps
            for total, call, ready in zip(stamps[0::3], stamps[1::3], stamps[2::3], strict=True):
                latest = call if name.split()[0] in WAIT_FOR_THE_END else total
                told_right = ready == 0 if name.split()[0] in TELL_NOTHING else 0 < ready <= latest
                if not (told_right and 0 < call <= total):
                    wrong.append((name, total, call, ready))
    assert wrong == []
    assert {name.split()[0] for name, _ in wanted.values()} >= {"os_fork", "mp_spawn", "os_system", "python_c"}


@needs_control
def test_the_control_beside_it_does_not_tell() -> None:
    """Blocks of the control are those of every other cell: true, no stamp."""
    for name, control in (("os_fork", "native_fork"), ("popen", "native_spawn"), ("python_c", "native_python")):
        words = told(name, control_mechanism=registry.mechanisms()[control].entry_point)
        with Subject(words) as subject:
            subject.ready(PATIENCE_S)
            for role, tells in ((Role.MECHANISM, True), (Role.CONTROL, False)):
                assert all(bool(ready) == tells for ready in subject.block(role, 2, PATIENCE_S).stamps[2::3]), name


@needs_control
def test_the_control_runs_what_it_always_runs(tmp_path: Path) -> None:
    """Of two calls of the mechanism and two of the control, only those of the mechanism run the program that tells."""
    count = tmp_path / "count"
    control = registry.mechanisms()["native_spawn"].entry_point
    program = script(tmp_path, f"echo x >> '{count}'")
    with Subject(told("posix_spawn", control_mechanism=control, tell_program=program)) as subject:
        subject.ready(PATIENCE_S)
        for role in Role:
            subject.block(role, 2, PATIENCE_S)
    assert count.read_text() == "x\n" * 2


@needs_control
def test_the_stamp_of_the_call_before_is_not_taken_again(tmp_path: Path) -> None:
    """Where only the first of three children tells, the other two have no time, in Python and in C."""
    for name in ("posix_spawn", "native_spawn"):
        flag = tmp_path / name
        once = script(tmp_path, f"[ -e '{flag}' ] || {{ : > '{flag}'; exec '{TELLER.program}'; }}")
        assert [bool(ready) for ready in block(told(name, tell_program=once)).stamps[2::3]] == [True, False, False]


@needs_control
@pytest.mark.skipif(not shutil.which("false"), reason="no program `false`")
def test_a_child_that_tells_is_still_checked() -> None:
    """A program that fails in place of the telling one is an error with its status, in Python and in C."""
    for name in ("posix_spawn", "popen_pipes", "native_spawn"):
        with pytest.raises(SubjectError, match=r"the child ended with exit status 1$"):
            block(told(name, tell_program=shutil.which("false")))


def script(folder: Path, line: str) -> str:
    """A program of one shell line."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return str(path)


def test_a_child_that_tells_nothing_leaves_its_time_unknown(tmp_path: Path) -> None:
    """A program without a stamp, one that prints, and none at all: no time is made up."""
    for name in ("posix_spawn", "popen_pipes"):
        for program in (TRUE, script(tmp_path, "echo told nothing"), ""):
            assert list(block(told(name, tell_program=program)).stamps[2::3]) == [0] * CALLS, (name, program)


@needs_control
def test_what_is_no_time_of_this_call_is_an_error(tmp_path: Path) -> None:
    """A child that writes something else where its time belongs fails its cell, in Python and in C."""
    program = script(tmp_path, "printf 'no time!' | dd of=/proc/self/fd/1 conv=notrunc 2>/dev/null")
    for name in ("posix_spawn", "native_spawn"):
        with pytest.raises(
            SubjectError, match=r"CallError: a child told that it began -?\d+ ns after a call that took"
        ):
            block(told(name, tell_program=program))


def test_a_cold_server_ends_after_a_call_that_told() -> None:
    """What a mechanism does between its calls is done here too: each call of the cold fork server starts one."""
    with Subject(told("mp_forkserver_cold")) as subject:
        subject.ready(PATIENCE_S)
        before = children(subject.pid)
        assert all(subject.block(Role.MECHANISM, 1, PATIENCE_S).stamps)
        assert children(subject.pid) == before


def children(pid: int) -> str:
    """The children of a process of one thread."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


@needs_proc
def test_a_cell_without_it_has_no_file_at_descriptor_1() -> None:
    """Elsewhere descriptor 1 is the null device, and no module of the telling is loaded."""
    for words, target in ((settings("os_fork"), "/dev/null"), (told("os_fork"), "/memfd:phases (deleted)")):
        with Subject(words) as subject:
            subject.ready(PATIENCE_S)
            assert os.readlink(f"/proc/{subject.pid}/fd/1") == target


def test_a_child_of_multiprocessing_imports_no_more_than_its_target() -> None:
    """The module that a spawned child imports by its name takes three modules of the standard library alone."""
    source = (Path(control_build.TELLER_SOURCE).with_name("tell_child.py")).read_text()
    assert [line for line in source.splitlines() if "import " in line and not line.startswith('"""')] == [
        "import os",
        "import sys",
        "import time",
    ]


def test_a_program_that_cannot_tell_is_left_out_with_the_reason() -> None:
    """Without a compiler, what runs `true` has no cell that tells; all other cells are measured."""
    resources = availability.read_resources(pinning.choose("none"), "", "no C compiler found")
    python = Interpreter("3.11.7", PYTHON, {}, {})
    pairs = cells.requested("quick", ["os_fork", "posix_spawn"], ["phases=told", "rss=1MiB+phases=told", "parent=bare"])
    kept, unavailable = cells.make(pairs, [python], resources)
    assert [cell.name for cell in kept] == [
        "os_fork phases=told 3.11.7",
        "os_fork rss=1MiB+phases=told 3.11.7",
        "os_fork parent=bare 3.11.7",
        "posix_spawn parent=bare 3.11.7",
    ]
    assert [(one.mechanism, one.level, one.reason) for one in unavailable] == [
        ("posix_spawn", level, "no program that tells when it began: no C compiler found")
        for level in ("told", "1MiB+told")
    ]


def test_the_full_profile_tells_of_every_process_and_the_others_of_none() -> None:
    """Each mechanism that starts a process in every call has a cell that tells; shorter profiles have none."""
    telling = {m.name for m, level in cells.requested("full", [], []) if level.tells}
    starting = {name for name, one in registry.mechanisms().items() if one.work in cells.STARTS_A_CHILD}
    assert telling == starting > {"native_fork", "os_fork", "posix_spawn", "python_c", "mp_spawn"}
    assert not any(level.tells for profile in ("quick", "standard") for _, level in cells.requested(profile, [], []))


def test_only_a_cell_that_tells_is_given_the_program(tmp_path: Path) -> None:
    """The command line of every other subject is what it was: a word more would move what lies in its memory."""
    levels = ["phases=told", "parent=bare"]
    one = measure(tmp_path, mechanisms=("posix_spawn",), scenarios=levels, rounds=1)
    given = {task.cell.level.name: task.settings.tell_program for task in one.tasks.values()}
    assert given == {"phases=told": TELLER.program, "parent=bare": ""}
    ready = {(row["cell"], row["role"], bool(row["ready_ns"])) for row in rows(one.directory, schema.SAMPLES)}
    assert ready == {
        ("0", "mechanism", True),
        ("1", "mechanism", False),
        *((cell, "control", False) for cell in "01" if CONTROL),
    }
