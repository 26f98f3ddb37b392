"""Holds that every mechanism really runs in a subject, and that the path it takes is seen for what it is."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache, partial

import pytest

from bench.driver import syscall_path
from bench.driver.process import Subject
from bench.plan import availability, registry
from bench.plan.availability import Resources
from bench.plan.interpreters import Interpreter
from bench.plan.setup import prepare
from bench.schema import Role
from tests.engine import CONTROL, PATIENCE_S, PYTHON, needs_fork, settings, unchanged

pytestmark = needs_fork

# What the documentation of CPython 3.11 and later, and the C library, say that each does on Linux.
# From 3.13 on subprocess takes posix_spawn where the C library can close files from a number on (glibc 2.34).
BY_SUBPROCESS = {"vfork"} if sys.version_info < (3, 13) else {"vfork", "posix_spawn"}
PATHS = {
    "native_fork": {"fork"},
    "native_vfork": {"vfork"},
    "native_spawn": {"posix_spawn"},
    "native_python": {"posix_spawn"},
    "noop": {"none"},
    "known_delay": {"none"},
    "thread": {"thread"},
    "os_fork": {"fork"},
    "fork_exec": {"fork"},
    "posix_spawn": {"posix_spawn"},
    "subprocess_run": BY_SUBPROCESS,
    "popen": BY_SUBPROCESS,
    "popen_no_close_fds": {"vfork", "posix_spawn"},  # by posix_spawn where the program has a directory, until 3.12
    "popen_preexec_fn": {"fork"},
    "popen_pipes": BY_SUBPROCESS,
    "subprocess_shell": BY_SUBPROCESS,
    "os_system": {"posix_spawn"},  # system() of glibc since 2.29
    "asyncio_exec": BY_SUBPROCESS,
    "python_c": BY_SUBPROCESS,
    "python_isolated": BY_SUBPROCESS,
    "mp_fork": {"fork"},
    "mp_forkserver": {"none"},
    "mp_forkserver_cold": {"vfork", "fork"},
    "mp_spawn": {"vfork", "fork"},
    "process_pool": {"fork"},
    "pool_task": {"none"},
    "thread_pool_task": {"none"},
    "rewrites": {"none"},
    "parent_rewrites": {"fork"},
    "parent_rewrites_few": {"fork"},
    "child_rewrites": {"fork"},
    "child_rewrites_few": {"fork"},
    "reads_objects": {"none"},
    "child_reads_objects": {"fork"},
    "collects": {"none"},
    "child_collects": {"fork"},
    "workers_fork": {"fork"},
    "workers_forkserver": {"vfork", "fork"},
    "workers_forkserver_preload": {"vfork", "fork"},
    "workers_spawn": {"vfork", "fork"},
    "workers_executor": {"fork"},
}


@cache
def here() -> tuple[Interpreter, Resources]:
    """The interpreter that is measured by default, and what is around it."""
    setup = prepare(pythons=[PYTHON])
    return setup.pythons[0], setup.resources


@cache
def may_trace() -> bool:
    """Whether the kernel lets this process watch its child: containers and hardened systems may not."""
    if sys.platform != "linux":
        return False
    with Subject(settings("noop")) as subject:
        subject.ready(PATIENCE_S)
        return subject.observe_path(PATIENCE_S) != ""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors and children that it began with."""
    with unchanged():
        yield


def test_all_mechanisms_of_the_contract_are_there() -> None:
    """Names and work classes are fixed: others script against them."""
    assert set(registry.mechanisms()) == set(PATHS)
    for name, mechanism in registry.mechanisms().items():
        assert mechanism.work in (*registry.WORKS, "known")
        assert not mechanism.control or registry.mechanisms()[mechanism.control].work == "control"
        assert mechanism.description, name


@pytest.mark.parametrize("name", PATHS)
def test_every_mechanism_runs(name: str) -> None:
    """Each creates and reaps children in a real subject, stamps them in order, and takes the path it should."""
    python, resources = here()
    mechanism = registry.mechanisms()[name]
    if reason := availability.why_unavailable(mechanism, python, resources):
        pytest.skip(f"{name}: {reason}")
    with Subject(settings(name, control_folder=CONTROL, true_program=resources.true_program)) as subject:
        subject.ready(PATIENCE_S)
        path = subject.observe_path(PATIENCE_S)
        block = subject.block(Role.MECHANISM, 2, PATIENCE_S)
    assert not subject.stop()
    for total, call, ready in zip(*(block.stamps[i::3] for i in range(3)), strict=True):
        assert 0 < call <= total
        assert 0 <= ready <= total
    knows_ready = {"native_vfork", "thread", "process_pool", "pool_task", "thread_pool_task"}
    if name in knows_ready:
        assert min(block.stamps[2::3]) > 0
    if may_trace():
        assert path in PATHS[name]


def test_without_permission_the_path_is_empty_and_the_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not let us watch, the mechanism is measured all the same."""
    monkeypatch.setattr(syscall_path._Tracer, "attach", lambda self: False)
    with Subject(settings("os_fork")) as subject:
        subject.ready(PATIENCE_S)
        assert subject.observe_path(PATIENCE_S) == ""
        assert subject.block(Role.MECHANISM, 1, PATIENCE_S).calls == 1


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace of Linux")
def test_a_process_that_is_not_ours_is_not_watched() -> None:
    """Watching a pid that is nobody, or this process itself, says nothing, and the request is made."""
    reader, writer = os.pipe()
    try:
        for pid in (os.getpid(), 2**22 + 1):
            asked: list[int] = []
            assert syscall_path.observe(pid, partial(asked.append, 1), reader, 1.0) == ""
            assert asked == [1]
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace of Linux")
def test_a_signal_for_the_watched_process_is_passed_on() -> None:
    """A process that gets a signal while it is watched handles it as it would otherwise."""
    if not may_trace():
        pytest.skip("the kernel lets nobody watch here")
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled', flush=True))\n"
        "print('up', flush=True)\n"
        "while sys.stdin.readline(): signal.pause()\n"
    )
    command = [PYTHON, "-I", "-S", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        answer = process.stdout.fileno()
        stop = threading.Event()

        def signal_until_answered() -> None:
            while not stop.is_set() and not select.select([answer], [], [], 0.01)[0]:
                process.send_signal(10)

        def ask() -> None:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            sender.start()

        sender = threading.Thread(target=signal_until_answered)
        try:
            assert syscall_path.observe(process.pid, ask, answer, PATIENCE_S) == "none"
        finally:
            stop.set()
            sender.join()
        assert process.stdout.readline() == b"handled\n"
        process.stdin.close()
        process.kill()
