"""Holds that mechanisms check what their children did, and measure the child and not this harness."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.driver import launch
from bench.driver.launch import Settings
from bench.driver.process import Subject, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.plan import registry
from bench.schema import Role
from bench.subject.mechanisms import exit_code
from tests.engine import CONTROL, PATIENCE_S, PYTHON, needs_control, needs_fork, needs_proc, settings, unchanged
from tests.other_interpreters import oldest_and_newest

pytestmark = needs_fork
FALSE, TRUE = shutil.which("false") or "", shutil.which("true") or ""
EXEC = [name for name, one in registry.mechanisms().items() if one.work == "exec"]
# With the program's name in a shell, or the C library between: the name must survive quoting.
QUOTED = ("subprocess_shell", "os_system")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def error_of(mechanism: str, **changes: Any) -> str:
    """The error that one call of the mechanism ends in."""
    with Subject(settings(mechanism, control_folder=CONTROL, **changes)) as subject:
        with pytest.raises(SubjectError) as caught:
            _call(subject)
    return str(caught.value)


def _call(subject: Subject) -> None:
    subject.ready(PATIENCE_S)
    subject.block(Role.MECHANISM, 1, PATIENCE_S)


@pytest.mark.skipif(not FALSE, reason="no program `false`")
@pytest.mark.parametrize("name", EXEC)
def test_a_wrong_exit_status_is_never_a_time(name: str) -> None:
    """With `false` for `true`, every mechanism that runs a program ends in an error that tells the status."""
    assert error_of(name, true_program=FALSE).endswith("the child ended with exit status 1")


@pytest.mark.parametrize("name", EXEC)
def test_a_program_that_is_not_there_is_never_a_time(name: str) -> None:
    """Whichever way it shows (errno, status 127), it is an error."""
    said = error_of(name, true_program="/no/such/program")
    assert any(text in said for text in ("No such file", "exit status 127")), said


@needs_control
@pytest.mark.skipif(not FALSE, reason="no program `false`")
def test_the_control_checks_its_program_too() -> None:
    """native_spawn of `false` is an error, as any mechanism's."""
    assert error_of("native_spawn", true_program=FALSE) == "ChildProcessError: the child ended with exit status 1"


def test_a_program_ended_by_a_signal_is_never_a_time(tmp_path: Path) -> None:
    """A program that a signal ends is an error with the signal's number, negative as everywhere in Python."""
    program = tmp_path / "dies"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    for name in ("posix_spawn", "subprocess_run", "fork_exec", "popen_pipes", "asyncio_exec"):
        assert error_of(name, true_program=str(program)).endswith("the child ended with exit status -9"), name


@pytest.mark.skipif(not TRUE, reason="no program `true`")
def test_a_path_with_blanks_and_quotes_is_run_as_it_is(tmp_path: Path) -> None:
    """What a shell would take apart reaches it in one piece."""
    folder = tmp_path / "it's a $HOME"
    folder.mkdir()
    program = folder / "tr ue"
    shutil.copy(TRUE, program)
    for name in QUOTED:
        with Subject(settings(name, true_program=str(program))) as subject:
            _call(subject)


@pytest.mark.parametrize(
    ("status", "code"), [(0, 0), (256, 1), (0x0300, 3), (1, -1), (9, -9), (0x8B, -11), (0xFF00, 255)]
)
def test_wait_statuses_are_read(status: int, code: int) -> None:
    """As os.waitstatus_to_exitcode does from 3.9 on; a core dump changes nothing."""
    assert exit_code(status) == code  # type: ignore[no-untyped-call]
    if hasattr(os, "waitstatus_to_exitcode"):
        assert os.waitstatus_to_exitcode(status) == code


def test_a_spawned_child_imports_an_empty_main_module() -> None:
    """mp_spawn's child imports small_main.py, which is empty; not the harness, whose set-up would be measured."""
    main = launch.SUBJECT_FOLDER / "mechanisms" / "small_main.py"
    assert main.is_file()
    assert not [line for line in main.read_text().splitlines() if line and not line.startswith('"""')]
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1])\nfrom mechanisms.call import _small_main\n_small_main()\n"
        "from multiprocessing.spawn import get_preparation_data\n"
        "print(get_preparation_data('x')['init_main_from_path'])"
    )
    words = [PYTHON, "-I", "-S", "-c", code, str(launch.SUBJECT_FOLDER)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str(main), done.stderr


@needs_proc
def test_a_warm_pool_and_a_server_stay_the_same_between_calls() -> None:
    """pool_task and mp_forkserver start no process of their own in a call: worker and server are there before it."""
    for name in ("pool_task", "mp_forkserver"):
        with Subject(settings(name)) as subject:
            subject.ready(PATIENCE_S)
            before = children(subject.pid)
            subject.block(Role.MECHANISM, 3, PATIENCE_S)
            assert children(subject.pid) == before
            assert len(before) == (1 if name == "pool_task" else 2)  # the worker; a server and a resource tracker


@needs_proc
def test_a_cold_server_is_a_new_one_in_every_call() -> None:
    """mp_forkserver_cold leaves no server after a call, so that the next one has to start it."""
    with Subject(settings("mp_forkserver_cold")) as subject:
        subject.ready(PATIENCE_S)
        before = children(subject.pid)
        subject.block(Role.MECHANISM, 2, PATIENCE_S)
        assert children(subject.pid) == before


def children(pid: int) -> set[int]:
    """The children of a process."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= {int(word) for word in (task / "children").read_text().split()}
    return found


def test_all_mechanisms_run_in_the_oldest_interpreter() -> None:
    """The oldest interpreter that is here makes a call of every mechanism, beside its control.

    `test_phases` holds them in the newest one, and `.ci/run` all tests.
    """
    if not oldest_and_newest():
        pytest.skip("no other interpreter from 3.8 on is here")
    wanted: dict[int, Settings] = {}
    for python in oldest_and_newest()[:1]:
        for name, one in registry.mechanisms().items():
            if any(need in python.missing for need in one.needs) or ("control" in one.needs and not CONTROL):
                continue
            control = registry.mechanisms()[one.control].entry_point if one.control and CONTROL else ""
            words = settings(name, control_mechanism=control, control_folder=CONTROL, true_program=TRUE)
            wanted[len(wanted)] = dataclasses.replace(words, python=python.executable)
    with SubjectGroup(wanted) as subjects:
        assert subjects.failed == {}
        for number in subjects.alive():
            assert subjects[number].block(Role.MECHANISM, 1, PATIENCE_S).calls == 1
    assert subjects.forced == 0
