"""Holds what a user's program is given, and what becomes of the parent that it leaves, with real programs."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil
import pytest

from bench.driver import reaping
from bench.driver.guard import GUARD
from bench.driver.launch import Settings
from bench.driver.process import Subject, SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.own_file import look_at
from bench.plan import registry
from bench.plan.levels import parse_scenarios
from bench.schema import Role
from tests.engine import PATIENCE_S, PYTHON, needs_fork, needs_proc, unchanged

pytestmark = [needs_fork, needs_proc]
# Only for what hangs for certain.
SHORT_S = 1.0


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors, children and CPUs that it began with."""
    with unchanged():
        yield


def of_program(path: Path, text: str = "", mechanism: str = "os_fork", more: str = "") -> Settings:
    """A subject with a program of this text as its parent."""
    if text:
        path.write_text(dedent(text))
    (level,) = parse_scenarios([f"program={path}{more}"])
    return Settings(
        PYTHON,
        registry.mechanisms()[mechanism].entry_point,
        scenarios=level.words,
        verified=level.has_dose,
        true_program="/bin/true",
        program=True,
        files=level.files,
    )


def measured(settings: Settings) -> int:
    """Measure one block in the parent; returns its threads."""
    with Subject(settings) as subject:
        subject.ready(PATIENCE_S)
        assert subject.block(Role.MECHANISM, 2, PATIENCE_S).calls == 2
        return psutil.Process(subject.pid).num_threads()


def failure(settings: Settings, ready_s: float = PATIENCE_S) -> str:
    """Why the parent cannot be measured, in one line."""
    with Subject(settings) as subject:
        with pytest.raises(SubjectError) as caught:
            _use(subject, ready_s)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _use(subject: Subject, ready_s: float) -> None:
    subject.ready(ready_s)
    subject.block(Role.MECHANISM, 2, PATIENCE_S)


_TELL = """
    import json, os, sys
    import __main__
    import helper, loop, mechanisms
    json.dump({
        "name": __name__, "file": __file__, "argv": sys.argv, "path": sys.path, "cwd": os.getcwd(),
        "flags": [sys.flags.ignore_environment, sys.flags.no_site, sys.flags.no_user_site],
        "own": [helper.OWN, loop.OWN, mechanisms.OWN], "main": __main__.__dict__ is globals(),
        "variable": os.environ.get("FORKBENCH_TEST"), "runpy": "runpy" in sys.modules, "names": sorted(globals()),
        "site": "site" in sys.modules, "doc": __doc__, "spec": __spec__, "loader": type(__loader__).__name__,
    }, open(os.path.join(os.path.dirname(__file__), "told.json"), "w"))
"""


def told_by_python(path: Path) -> dict[str, Any]:
    """What the program tells when Python itself runs it."""
    import subprocess

    subprocess.run([PYTHON, str(path)], check=True, timeout=PATIENCE_S)
    found: dict[str, Any] = json.loads((path.parent / "told.json").read_text())
    return found


def test_a_program_sees_what_python_itself_would_give_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Main module, arguments, path, flags, environment, directory, and modules of its own that are called like ours."""
    for name in ("helper", "loop", "mechanisms"):
        (tmp_path / f"{name}.py").write_text("OWN = True\n")
    monkeypatch.setenv("FORKBENCH_TEST", "a variable that no other subject has")
    settings = of_program(tmp_path / "tells.py", _TELL)
    wanted = told_by_python(tmp_path / "tells.py")
    (tmp_path / "told.json").unlink()
    assert measured(settings) == 1
    told = json.loads((tmp_path / "told.json").read_text())
    assert told == wanted
    assert told["argv"] == [str(tmp_path / "tells.py")]
    assert (told["name"], told["cwd"], told["runpy"]) == ("__main__", os.getcwd(), False)


@pytest.mark.parametrize("mechanism", ["os_fork", "mp_fork", "subprocess_run", "mp_spawn"])
def test_mechanisms_work_in_a_parent_that_hides_them(tmp_path: Path, mechanism: str) -> None:
    """The program is elsewhere, has modules called like ours, emptied the search path, and its thread never ends."""
    (tmp_path / "mechanisms.py").write_text("")
    text = """
        import os, sys, threading, mechanisms
        if __name__ == "__main__":
            os.chdir("/")
            sys.path.clear()
            threading.Thread(target=threading.Event().wait).start()
            sys.exit(0)
        """
    if mechanism != "os_fork":
        text = text.replace("sys.path.clear()", "pass")
    began = time.monotonic()
    assert measured(of_program(tmp_path / "hides.py", text, mechanism)) >= 2
    assert time.monotonic() - began < PATIENCE_S


def test_a_spawned_child_imports_the_program(tmp_path: Path) -> None:
    """As in reality: its main module is the user's file, under the name that multiprocessing gives it."""
    text = """
        import os
        with open(os.path.join(os.path.dirname(__file__), "names"), "a") as stream:
            stream.write(__name__ + "\\n")
        """
    measured(of_program(tmp_path / "main.py", text, "mp_spawn"))
    assert set((tmp_path / "names").read_text().split()) == {"__main__", "__mp_main__"}


MEASURED = {
    "prints": "import sys; print('x' * 100000); print('y', file=sys.stderr)",
    "exits": "import sys; sys.exit()",
    "closes": "import os; [os.close(number) for number in range(3)]",
    "forks": "import os; os.fork(); os.fork()",
    "forks_and_fails": "import os\nif os.fork() == 0: raise ValueError",
    "forks_and_stays": "import os, signal\nif os.fork() == 0: signal.pause()",
    "handles": "import signal; [signal.signal(number, lambda *_: None) for number in (1, 2, 3, 15)]",
    "at_exit": "import atexit, signal; atexit.register(signal.pause)",
    "daemon": "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "computes": "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()",
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_program_may_do_as_it_likes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a measured parent; nothing that it started is there afterwards, and its end is no fault of ours."""
    monkeypatch.setattr(GUARD, "folder", str(tmp_path))
    with SubjectGroup({0: of_program(tmp_path / f"{name}.py", MEASURED[name])}) as subjects:
        assert subjects.failed == {}
        subjects[0].block(Role.MECHANISM, 2, PATIENCE_S)
    assert subjects.forced == 0


FAILS = {
    "raises": (
        "\n\ndef f():\n    raise ValueError('no such\\nport')\nf()\n",
        r"raises\.py:4: ValueError: no such port",
    ),
    "wrong": ("x = 1\ny = (\n", r"wrong\.py:2: SyntaxError: .*"),
    "status": ("import sys\nsys.exit(3)", r"status\.py:2: sys\.exit\(3\)"),
    "usage": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('port')\np.parse_args()",
        r"usage\.py:4: sys\.exit\(2\): usage\.py: error: .*required: port",
    ),
    "reads": ("input()", r"reads\.py:1: EOFError: .*"),
    "at_once": (
        "import os, sys\nprint('bye', file=sys.stderr)\nos._exit(5)",
        "the program ended with exit status 5: bye",
    ),
    "killed": ("import os\nos.kill(os.getpid(), 9)", "the program was ended by signal 9"),
    "interrupt": ("raise KeyboardInterrupt", r"interrupt\.py:1: KeyboardInterrupt"),
    "detaches": (
        "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\ntime.sleep(1000)",
        "the program ended with exit status 0",
    ),
    "closes_all": ("import os; os.closerange(0, 100)", "the program closed file descriptors 62 and 63, .*"),
    "writes": ("import os; os.write(63, b'x\\n')", "what it answered is no answer: .*"),
    "reaps": ("import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)", "ChildProcessError: .*"),
}


@pytest.mark.parametrize("name", FAILS)
def test_a_program_that_cannot_be_a_parent_has_a_reason(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own message with its line, or how it ended; a session of its own is no way out."""
    text, reason = FAILS[name]
    monkeypatch.setattr(GUARD, "folder", str(tmp_path))
    assert re.fullmatch(reason, failure(of_program(tmp_path / f"{name}.py", text)))
    reaping.end_strays(str(tmp_path))


def test_a_handler_of_the_program_that_raises_is_the_reason(tmp_path: Path) -> None:
    """A timer that the program left interrupts the wait for the next request, and its error is told."""
    text = """
        import signal
        def late(*_): raise KeyboardInterrupt("late")
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        """
    with Subject(of_program(tmp_path / "alarm.py", text)) as subject:
        subject.ready(PATIENCE_S)
        os.waitid(os.P_PID, subject.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(SubjectError, match=r"^KeyboardInterrupt: late$"):
            subject.block(Role.MECHANISM, 2, PATIENCE_S)


def test_a_program_that_never_returns_is_ended_with_a_hint(tmp_path: Path) -> None:
    """After the deadline, with what to do and its last words."""
    settings = of_program(tmp_path / "stays.py", "import signal, sys\nprint('up', file=sys.stderr)\nsignal.pause()")
    assert failure(settings, SHORT_S) == (
        "timed out: set-up took more than 1 s (a program has to come to its end; let a thread do what goes on for "
        "ever): up"
    )


def test_a_program_that_was_changed_is_not_measured_under_its_old_name(tmp_path: Path) -> None:
    """Another content, or none, is an error before the subject starts."""
    path = tmp_path / "changes.py"
    settings = of_program(path, "x = 1")
    path.write_text("x = 12")
    with pytest.raises(SubjectError, match=r"^changes\.py: was changed while the run lasted"):
        Subject(settings)
    path.unlink()
    with pytest.raises(SubjectError, match=r"^changes\.py: was there when the run began"):
        Subject(settings)


FAULTY = """
    from mechanisms import mechanism
    @mechanism("fork")
    def comes_back(subject):
        import os, time
        def call():
            pid = os.fork()
            called = time.perf_counter_ns()
            if pid == 0:
                return called, 0, 0
            return called, 0, os.waitpid(pid, 0)[1] >> 8
        return call
    @mechanism("fork")
    def knows_no_time(subject):
        return lambda: (0, 0, 0)
    """


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("comes_back", "CallError: the child ended with exit status 70"),
        (
            "knows_no_time",
            r"a call of \d+ ns says that it returned after -\d+ ns .* readings of time.perf_counter_ns .*",
        ),
    ],
)
def test_a_wrong_mechanism_of_a_user_is_an_error_and_no_time(tmp_path: Path, name: str, reason: str) -> None:
    """A child that goes on as its parent ends in the first call; a time outside of the call is not believed."""
    (tmp_path / "mine.py").write_text(dedent(FAULTY))
    with Subject(Settings(PYTHON, f"{tmp_path}/mine.py:{name}")) as subject:
        subject.ready(PATIENCE_S)
        with pytest.raises(SubjectError) as caught:
            subject.block(Role.MECHANISM, 1, PATIENCE_S)
    assert re.fullmatch(reason, str(caught.value))


SPAWNS = """
    from mechanisms import mechanism

    def work():
        pass

    @mechanism("python_call")
    def spawns(subject):
        from multiprocessing import get_context
        from time import perf_counter_ns
        def call():
            child = get_context("spawn").Process(target=work)
            child.start()
            called = perf_counter_ns()
            child.join()
            return called, 0, child.exitcode
        return call
    """


def test_a_users_mechanism_may_spawn_in_the_parent_of_a_program(tmp_path: Path) -> None:
    """Its own function is found by the child, in a folder that is neither the program's nor ours."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "spawning.py").write_text(dedent(SPAWNS))
    settings = of_program(tmp_path / "server.py", "import os\nos.chdir('/')")
    assert measured(replace(settings, mechanism=f"{tmp_path}/mine/spawning.py:spawns")) == 1


def test_other_scenarios_add_to_what_the_program_leaves(tmp_path: Path) -> None:
    """Two threads of the program are no part of the dose of threads=3, wherever the program stands in the level."""
    text = "import threading\nfor _ in range(2): threading.Thread(target=threading.Event().wait).start()"
    path = tmp_path / "threads.py"
    path.write_text(text)
    for word in (f"program={path}+threads=3", f"threads=3+program={path}"):
        (level,) = parse_scenarios([word])
        settings = Settings(
            PYTHON, "mechanisms.fork:os_fork", scenarios=level.words, verified=True, program=True, files=level.files
        )
        with SubjectGroup({0: settings}) as subjects:
            assert subjects.failed == {}
            assert subjects.raised[0]["threads"] == 3
    assert level.files == (look_at(str(path)),)
