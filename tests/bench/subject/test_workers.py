"""Holds that workers are other processes, all at once, and that the last of them says when they are ready."""

from __future__ import annotations

import os
import subprocess

import pytest

from bench.driver import launch
from bench.driver.process import SubjectError
from bench.driver.subject_group import SubjectGroup
from bench.plan import availability, interpreters, registry
from bench.schema import Role, Work
from tests.engine import PATIENCE_S, PYTHON, needs_fork, settings, unchanged

pytestmark = needs_fork
WORKERS = [name for name, one in registry.mechanisms().items() if one.work is Work.WORKERS]
TWO = ("scenarios.many:workers=2",)


def _available() -> list[str]:
    (python,) = interpreters.find([PYTHON], availability.needs())
    return [name for name in WORKERS if not set(registry.mechanisms()[name].needs) & python.missing.keys()]


def test_two_workers_are_ready_within_the_call_whatever_started_them() -> None:
    """Each way starts two, is ready after 0 and before all are reaped, in two calls in a row; nothing is left."""
    with unchanged(), SubjectGroup({n: settings(name, scenarios=TWO) for n, name in enumerate(_available())}) as group:
        for number in group.alive():
            block = group[number].block(Role.MECHANISM, 2, PATIENCE_S)
            for call in range(2):
                total, called, ready = block.stamps[3 * call : 3 * call + 3]
                assert 0 < called <= total
                assert 0 < ready <= total
            assert block.usage is None or block.usage.child_faults > 0
    assert (group.failed, group.forced) == ({}, 0)


@pytest.mark.parametrize("name", ["workers_fork", "workers_forkserver_preload", "workers_executor"])
def test_a_worker_that_fails_is_an_error_and_not_a_wait(name: str) -> None:
    """Workers that cannot import what they should end the call with their reason, and no process is left."""
    words = (*TWO, "scenarios.many:worker_imports=no_such_module")
    with unchanged(), SubjectGroup({0: settings(name, scenarios=words)}) as group:
        with pytest.raises(SubjectError) as caught:
            group[0].block(Role.MECHANISM, 1, PATIENCE_S)
    said = {"workers_executor": "No module named 'no_such_module'"}
    assert said.get(name, "WorkersError: a worker ended with exit status 1 before all were ready") in str(caught.value)


def _in_a_subject(code: str) -> str:
    """What `code` prints in a bare interpreter that sees the inside of a subject."""
    words = [PYTHON, "-I", "-S", "-c", "import sys\nsys.path.insert(0, sys.argv[1])\n" + code]
    done = subprocess.run([*words, str(launch.SUBJECT_FOLDER)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_last_to_be_ready_counts_and_each_worker_once() -> None:
    """Of workers 7 and 8, ready at 900 and 400, all are ready at 900; that 7 tells it twice makes it no second one."""
    code = (
        "import os\nfrom mechanisms.workers import Meeting\nmeeting = Meeting()\n"
        "asked = []\n"
        "def check():\n    asked.append(1)\n    os.write(meeting._told, b'8 400\\n')\n"
        "os.write(meeting._told, b'7 900\\n7 900\\n')\n"
        "print(meeting.wait(2, check), len(asked))\n"
        "meeting.let_go(2)\nprint(os.read(meeting._gate, 9), sorted(os.listdir(meeting.folder)))"
    )
    assert _in_a_subject(code).splitlines() == ["900 1", "b'xx' ['gate', 'told']"]


def test_the_pipes_go_with_their_subject() -> None:
    """The folder of the two pipes is removed at the end of the process."""
    folder = _in_a_subject("from mechanisms.workers import Meeting\nprint(Meeting().folder)")
    assert folder
    assert not os.path.exists(folder)


def test_workers_import_nothing_but_what_they_are_told() -> None:
    """The module of a worker needs two that every interpreter has loaded: what it measures is not its own import."""
    code = (
        "import os\nbefore = set(sys.modules)\nimport mechanisms.worker_body\nprint(*sorted(set(sys.modules) - before))"
    )
    assert _in_a_subject(code) == "mechanisms mechanisms.worker_body"


def test_all_heavy_modules_are_there() -> None:
    """No worker fails for a module that this Python does not have."""
    code = (
        "from scenarios.many import HEAVY_MODULES\nfor name in HEAVY_MODULES: __import__(name)\nprint(len(sys.modules))"
    )
    assert int(_in_a_subject(code)) > 200
