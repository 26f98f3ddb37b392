"""Holds what each mechanism stamps, checks and starts, seen from its child; real subjects and real children."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.driver.process import Block, Subject, SubjectError
from bench.schema import Role
from tests.engine import CONTROL, PATIENCE_S, needs_control, needs_fork, settings, unchanged

pytestmark = [needs_fork, pytest.mark.skipif(sys.platform != "linux", reason="children look into /proc/self")]
FALSE = shutil.which("false") or ""
# Those whose creating call returns before the child is reaped.
CREATE_THEN_WAIT = (
    *("os_fork", "fork_exec", "posix_spawn", "popen", "popen_no_close_fds", "popen_preexec_fn", "popen_pipes"),
    *("asyncio_exec", "mp_fork", "mp_forkserver", "mp_forkserver_cold", "mp_spawn", "process_pool", "thread"),
    *("pool_task", "thread_pool_task"),
)
KNOW_READY = ("process_pool", "thread", "pool_task", "thread_pool_task")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def program(folder: Path, *lines: str) -> str:
    """A program of these shell lines in `folder`."""
    path = folder / "program"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


def one_call(mechanism: str, probe: str, level: object, true_program: str = "/bin/true", calls: int = 1) -> Block:
    """A block of the mechanism in a parent that `probe` was applied to."""
    words = settings(
        mechanism,
        scenario=f"subject_probes:{probe}",
        level=str(level),
        control_folder=CONTROL,
        true_program=true_program,
    )
    with Subject(words) as subject:
        subject.ready(PATIENCE_S)
        return subject.block(Role.MECHANISM, calls, PATIENCE_S)


@pytest.mark.parametrize("name", CREATE_THEN_WAIT)
def test_the_creating_call_is_stamped_before_the_child_is_waited_for(name: str, tmp_path: Path) -> None:
    """A child that ends well only after the parent's stamp does end well; `ready` lies between stamp and end."""
    wait = program(
        tmp_path,
        "i=0",
        'until [ -e "${0%/*}/stamped" ]; do',
        "i=$((i+1)); [ $i -lt 500 ] || exit 1",
        "sleep 0.01",
        "done",
    )
    block = one_call(name, "child_waits_for_the_stamp", tmp_path, wait)
    assert (tmp_path / "stamped").exists()
    (total, call, ready) = block.stamps
    assert 0 < call < total
    if name in KNOW_READY:
        assert call < ready < total
    else:
        assert ready == 0


@pytest.mark.parametrize(
    "name", ["subprocess_run", "subprocess_shell", "os_system", "python_c", "python_isolated", "noop", "known_delay"]
)
def test_what_cannot_tell_when_its_child_was_ready_does_not(name: str) -> None:
    """The ready of each call is 0, and the creating call ends within the call."""
    with Subject(settings(name)) as subject:
        subject.ready(PATIENCE_S)
        stamps = subject.block(Role.MECHANISM, 2, PATIENCE_S).stamps
    assert list(stamps[2::3]) == [0, 0]
    assert all(0 < call <= total for total, call in zip(stamps[0::3], stamps[1::3], strict=True))


@pytest.mark.skipif(not FALSE, reason="no program `false`")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("os_fork", "CallError: the child ended with exit status 3"),
        ("mp_fork", "CallError: the child ended with exit status 3"),
        ("mp_forkserver_cold", "CallError: the child ended with exit status 1"),
        ("mp_spawn", "CallError: the child ended with exit status 1"),
        ("process_pool", "ValueError: no clock here"),
        ("thread", "IndexError: "),
        ("python_c", "CallError: the child ended with exit status 1"),
        ("python_isolated", "CallError: the child ended with exit status 1"),
        pytest.param("native_python", "ChildProcessError: the child ended with exit status 1", marks=needs_control),
    ],
)
def test_a_child_that_fails_is_never_a_time(name: str, text: str) -> None:
    """Whatever the child's work is, the mechanism raises when it was not done."""
    with pytest.raises(SubjectError) as caught:
        one_call(name, "children_fail", FALSE)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("python_c", "-c pass"),
        ("python_isolated", "-I -S -c pass"),
        pytest.param("native_python", "-I -S -c pass", marks=needs_control),
    ],
)
def test_a_python_is_started_with_its_options(name: str, words: str, tmp_path: Path) -> None:
    """python_c starts as a program does, the others without site and environment."""
    python = program(tmp_path, 'echo "$*" > "${0%/*}/words"')
    one_call(name, "python_is", python)
    assert (tmp_path / "words").read_text() == words + "\n"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        *((name, "open") for name in ("popen_no_close_fds", "fork_exec", "posix_spawn", "os_system")),
        *((name, "closed") for name in ("popen", "popen_preexec_fn", "popen_pipes", "subprocess_run")),
        *((name, "closed") for name in ("subprocess_shell", "asyncio_exec")),
    ],
)
def test_descriptors_are_closed_by_those_that_close_them(name: str, state: str, tmp_path: Path) -> None:
    """An inheritable descriptor of the parent is open in the program, unless its way of starting closes all others."""
    look = program(
        tmp_path, "if ( : <&9 ) 2>/dev/null; then seen=open; else seen=closed; fi", 'echo $seen > "${0%/*}/seen"'
    )
    one_call(name, "descriptor_9_is_inheritable", "9", look)
    assert (tmp_path / "seen").read_text() == state + "\n"


@pytest.mark.parametrize(("name", "piped"), [("popen_pipes", 3), ("popen", 0)])
def test_three_streams_are_pipes_where_the_name_says_so(name: str, piped: int, tmp_path: Path) -> None:
    """popen_pipes gives its program a pipe for each standard stream, popen none."""
    look = program(
        tmp_path,
        "n=0; for i in 0 1 2; do [ -p /proc/$$/fd/$i ] && n=$((n+1)); done",
        'echo $n > "${0%/*}/seen"',
    )
    # Standard error of a subject is the controller's file, and 0 and 1 are the null device.
    one_call(name, "python_is", "unused", look)
    assert (tmp_path / "seen").read_text() == f"{piped}\n"


def test_every_call_is_one_child(tmp_path: Path) -> None:
    """A block of three calls runs the program three times."""
    for name in ("subprocess_run", "posix_spawn", "os_system"):
        count = program(tmp_path, f'echo x >> "${{0%/*}}/{name}"')
        one_call(name, "python_is", "unused", count, calls=3)
        assert (tmp_path / name).read_text() == "x\n" * 3
