"""Holds the control: what C creates and reaps, how it is built, and what is said where it cannot be."""

from __future__ import annotations

import array
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from bench.machine import control_build
from bench.machine.control_build import Control, ControlError, Teller
from tests.engine import CONTROL, PYTHON, needs_control
from tests.other_interpreters import oldest_and_newest

# Runs in a process of its own, so that no extension stays loaded in the tests.
TRY = """
import array, os, sys
sys.path.insert(0, {folder!r})
import _control
print(repr(eval({expression!r})))
"""


def in_python(expression: str, folder: str = CONTROL, python: str = PYTHON) -> str:
    """The value of `expression` with ``_control`` loaded, or the last line of the error."""
    done = subprocess.run(
        [python, "-I", "-S", "-c", TRY.format(folder=folder, expression=expression)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@needs_control
@pytest.mark.parametrize(
    ("call", "tells_ready"),
    [("fork(40)", False), ("vfork(40)", True), ("spawn(40, (b'/bin/sh', b'-c', b'exit 0'))", False)],
)
def test_each_kind_stamps_every_call(call: str, tells_ready: bool) -> None:
    """Forty calls have forty triples; total is at least call, and ready lies before a vfork returns."""
    stamps = array.array("q", eval(in_python(f"_control.{call}")))
    totals, called, ready = (stamps[i::3] for i in range(3))
    assert len(totals) == 40
    assert all(0 < call <= total for call, total in zip(called, totals, strict=True))
    if tells_ready:  # the parent stands still until the child has ended
        assert all(0 < first <= call for first, call in zip(ready, called, strict=True))
    else:
        assert set(ready) == {0}


@needs_control
@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("_control.spawn(1, (b'/bin/sh', b'-c', b'exit 3'))", "ChildProcessError: the child ended with exit status 3"),
        ("_control.spawn(1, (b'/bin/sh', b'-c', b'kill -9 $$'))", "ChildProcessError: the child was ended by signal 9"),
        ("_control.spawn(1, (b'/no/such/program',))", "FileNotFoundError: [Errno 2] No such file or directory"),
        ("_control.spawn(1, ())", "ValueError: argv must hold a program"),
        ("_control.spawn(1, ('text',))", "TypeError: expected bytes, str found"),
        ("_control.spawn(1, [b'/bin/true'])", "TypeError"),
        ("_control.fork(-1)", "ValueError: calls must not be negative"),
        ("_control.fork('x')", "TypeError"),
    ],
)
def test_what_goes_wrong_is_an_exception(expression: str, error: str) -> None:
    """A wrong status, a signal, a failing call and a wrong argument raise, each with its reason; no time is given."""
    assert in_python(expression).startswith(error)


@needs_control
def test_nothing_is_left_to_reap() -> None:
    """After blocks of all kinds the process has no child."""
    calls = "_control.fork(5), _control.vfork(5), _control.spawn(5, (b'/bin/sh', b'-c', b'exit 0'))"
    assert in_python(f"[{calls}] and os.waitpid(-1, 0)") == "ChildProcessError: [Errno 10] No child processes"


@needs_control
def test_usage_counts_both_processes() -> None:
    """Faults, CPU time and switches of parent and reaped children, none negative, and children's grow with calls."""
    before, after = eval(in_python("(_control.usage(), _control.fork(50), _control.usage())[::2]"))
    assert len(before) == len(after) == 8
    assert all(0 <= old <= new for old, new in zip(before, after, strict=True))
    assert after[4] - before[4] >= 50  # every child touches a page at least


@needs_control
def test_one_file_serves_old_and_new_interpreters() -> None:
    """The extension is of the limited API: CPython from 3.8 on loads the same file."""
    for name in (PYTHON, *(one.executable for one in oldest_and_newest())):
        assert in_python("len(_control.fork(2))", python=name) == "48", name


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source in a folder of its own, where nothing has been built yet."""
    source = tmp_path / control_build.SOURCE.name
    shutil.copy(control_build.SOURCE, source)
    monkeypatch.setattr(control_build, "SOURCE", source)
    monkeypatch.delenv("CC", raising=False)
    return source


@pytest.mark.skipif(
    control_build.compiler_problem() is not None, reason=f"no build here: {control_build.compiler_problem()}"
)
def test_it_is_built_once_and_again_when_its_source_is_newer(alone: Path) -> None:
    """The first call builds, the second finds, a newer source builds again; nothing else is left in the folder."""
    built = alone.with_name(control_build.EXTENSION_NAME)
    assert control_build.ensure() == alone.parent
    first = built.stat().st_mtime_ns
    control_build.ensure()
    assert built.stat().st_mtime_ns == first
    os.utime(alone, ns=(first + 10**9, first + 10**9))
    control_build.ensure()
    assert built.stat().st_ino
    assert sorted(os.listdir(alone.parent)) == [control_build.EXTENSION_NAME, control_build.SOURCE.name]
    assert in_python("len(_control.fork(1))", folder=str(alone.parent)) == "24"


def test_without_a_compiler_the_reason_is_told(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty PATH and a CC that is none: what is missing, and how to get it."""
    monkeypatch.setenv("PATH", str(alone.parent))
    assert control_build.find() == Control(
        "",
        "no C compiler found; install gcc or clang (Debian: apt-get install gcc), or name one in CC",
    )
    monkeypatch.setenv("CC", "no-such-compiler -O3")
    assert control_build.find().problem.startswith("no C compiler found; ")


@pytest.fixture
def lone_teller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of the program that tells in a folder of its own, where nothing has been built yet."""
    source = tmp_path / control_build.TELLER_SOURCE.name
    shutil.copy(control_build.TELLER_SOURCE, source)
    monkeypatch.setattr(control_build, "TELLER_SOURCE", source)
    monkeypatch.delenv("CC", raising=False)
    return source


@pytest.mark.skipif(
    sys.platform != "linux" or control_build.compiler() is None, reason="no C compiler, or not the clock of Linux"
)
def test_the_program_that_tells_needs_no_headers_of_python(lone_teller: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built once, beside its source, and writes a time of the monotonic clock to a pipe."""
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(lone_teller.parent / "nowhere"))
    found = control_build.find_teller()
    assert found == Teller(str(lone_teller.with_name(control_build.TELLER_NAME)), "")
    built = os.stat(found.program).st_mtime_ns
    before = time.monotonic_ns()
    told = subprocess.run([found.program], capture_output=True, check=True, timeout=60).stdout
    assert before < int.from_bytes(told, sys.byteorder) < time.monotonic_ns()
    assert control_build.find_teller() == found
    assert os.stat(found.program).st_mtime_ns == built


def test_why_there_is_no_program_that_tells(lone_teller: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler, and where the clocks of C and Python are not known to be one, the reason is told."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(lone_teller.parent))
    assert control_build.find_teller().problem.startswith("no C compiler found; install gcc")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert control_build.find_teller().problem.startswith("only on Linux")


def test_without_headers_the_reason_is_told(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler without Python.h: how to get the headers."""
    monkeypatch.setattr(control_build, "compiler", lambda: ["cc"])
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(alone.parent))
    assert control_build.find() == Control(
        "",
        "Python.h not found; install Python's headers (Debian: apt-get install python3-dev)",
    )


@pytest.mark.skipif(
    control_build.compiler_problem() is not None, reason=f"no build here: {control_build.compiler_problem()}"
)
def test_a_compiler_that_fails_is_told_with_its_error(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first error of the compiler is in the message, and no half of a file stays."""
    with open(alone, "a") as source:
        source.write("\nthis is no C\n")
    with pytest.raises(ControlError, match=r"control\.c does not compile with .*error") as caught:
        control_build.ensure()
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ControlError, match=r"control\.c does not compile with false"):
        control_build.ensure()
    assert os.listdir(alone.parent) == [control_build.SOURCE.name]


@pytest.mark.skipif(
    control_build.compiler_problem() is not None, reason=f"no build here: {control_build.compiler_problem()}"
)
def test_a_read_only_checkout_builds_elsewhere(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite's folder cannot be written, the control is built in a folder of this process."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    folder = control_build.ensure()
    try:
        assert folder != alone.parent
        assert (folder / control_build.EXTENSION_NAME).is_file()
        assert os.listdir(alone.parent) == [control_build.SOURCE.name]
    finally:
        shutil.rmtree(folder)


@needs_control
def test_a_signal_does_not_end_a_block() -> None:
    """waitpid goes on after a signal whose handler returns: the child is reaped, and its time is kept."""
    code = (
        f"import sys, signal; sys.path.insert(0, {CONTROL!r}); import _control\n"
        "signal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "block = _control.spawn(20, (b'/bin/sh', b'-c', b'exit 0'))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "print(len(block))"
    )
    done = subprocess.run([PYTHON, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "480"), done.stderr


def test_windows_has_no_control(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to build where there is no fork."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert control_build.find() == Control("", "the control needs fork and posix_spawn, which Windows does not have")
