"""Holds that a run leaves neither a process nor a temporary file behind, whatever ends its controller."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import ROOT
from tests.engine import PATIENCE_S, command, needs_fork, needs_proc

pytestmark = [needs_fork, needs_proc]

_HANG = """
import sys, pathlib, pytest
from bench.measure.run import execute
from tests import engine
engine.register_faulty(pytest.MonkeyPatch())
wanted = ("family_hangs", "mp_forkserver", "leaves_behind")
execute(engine.options(pathlib.Path(sys.argv[1]), mechanisms=wanted, deadline_s=1000.0), engine.Watcher())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A place for temporary files whose name is short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def family(controller: subprocess.Popen[str], least: int) -> list[psutil.Process]:
    """What the controller and its subjects have started, once that are so many."""
    limit = time.monotonic() + PATIENCE_S
    while len(found := psutil.Process(controller.pid).children(recursive=True)) < least:
        assert controller.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    return found


def wait_until_gone(found: list[psutil.Process]) -> None:
    """Wait until none of these runs; an ended one that its adoptive parent has not reaped is none of ours."""
    limit = time.monotonic() + PATIENCE_S
    while left := [one for one in found if _runs(one)]:
        assert time.monotonic() < limit, left
        time.sleep(0.01)


def _runs(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_controller_leaves_nothing_of_a_hung_call(tmp_path: Path, place: Path) -> None:
    """SIGKILL of the controller while a call hangs: subjects, their children and servers end, and no file is left."""
    words = [sys.executable, "-c", _HANG, str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, env={**os.environ, "TMPDIR": str(place)}, text=True) as controller:
        # The watcher, three subjects, a hung child and grandchild, the server and its tracker, and a child left behind.
        found = family(controller, 9)
        controller.send_signal(signal.SIGKILL)
    wait_until_gone(found)
    assert os.listdir(place) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_run_leaves_no_temporary_file(tmp_path: Path, place: Path, number: int) -> None:
    """A fork server that is killed cannot remove its socket: the controller removes it."""
    words = command("run", "--mechanism", "mp_forkserver", "--rounds", "100000", "--results", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as controller:
        assert controller.stderr is not None
        next(line for line in controller.stderr if line.startswith("round 1,"))
        found = family(controller, 4)  # the watcher, the subject, its server and its tracker
        controller.send_signal(number)
        controller.communicate(timeout=PATIENCE_S)
        assert controller.returncode == 130
    wait_until_gone(found)
    assert os.listdir(place) == []
