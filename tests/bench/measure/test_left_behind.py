"""Holds that a run leaves neither a process nor a temporary file behind, whatever ends its controller."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench import schema
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
    while len(found := descendants(controller.pid)) < least:
        assert controller.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.002)
    return [psutil.Process(pid) for pid in found if psutil.pid_exists(pid)]


def descendants(pid: int) -> list[int]:
    """All that comes of a process, by what the kernel says of its threads: psutil looks at every process here."""
    found: list[int] = []
    with suppress(OSError):  # it ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return found + [further for child in found for further in descendants(child)]


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


def interrupted(results: Path, place: Path, number: int) -> tuple[int, str, str]:
    """The exit status and output of a run that got a signal in its second round; all that it started is gone."""
    # The subject of mp_forkserver has two children of its own: the server and its tracker.
    words = ["--mechanism", "os_fork", "--mechanism", "mp_forkserver", "--rounds", "100000"]
    words += ["--block-ms", "5", "--pairs", "1,1", "--machine", "here"]
    controller = subprocess.Popen(
        command("run", *words, "--results", str(results), program="tests.quick_bench"),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with controller:
        assert controller.stderr is not None
        next(line for line in controller.stderr if line.startswith("round 2,"))
        found = family(controller, 5)  # the watcher, two subjects and their children
        controller.send_signal(number)
        out, err = controller.communicate(timeout=PATIENCE_S)
    wait_until_gone(found)
    return controller.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_run_is_kept_and_leaves_nothing_else(tmp_path: Path, place: Path, number: int) -> None:
    """It is marked partial, every complete line can be read, and no subject, server or temporary file outlives it.

    Asked to end, it says so and ends with 130; killed, it cannot, and keeps its rows all the same. A fork server that
    is killed cannot remove its socket: the controller removes it, or who watches over the controller.
    """
    status, out, err = interrupted(tmp_path, place, number)
    (directory,) = (tmp_path / "here").iterdir()
    if number == signal.SIGKILL:
        assert status == -signal.SIGKILL
    else:
        assert status == 130
        kept, go_on = err.splitlines()[-2:]
        assert kept.startswith("interrupted; what was measured is kept and marked partial: ")
        assert go_on.startswith("go on with it: python -m bench run --resume ")
        assert "Traceback" not in err
    assert out == ""
    assert os.listdir(place) == []
    said = json.loads((directory / "run.json").read_text())
    assert said["status"] == "partial"
    assert said["rounds"] >= 1
    assert (directory / "samples.csv").exists()
    assert not (directory / "samples.csv.gz").exists()
    for table in schema.RAW_TABLES:
        with open(directory / table.file, newline="") as stream:
            found = list(csv.reader(stream))
        assert found[0] == list(table.header)
        assert all(len(row) == len(table.header) for row in found[1:-1])
    with open(directory / schema.SUBJECTS.file, newline="") as stream:
        complete = {(row["round"], row["cell"]) for row in csv.DictReader(stream)}
    assert complete >= {("0", "0"), ("0", "1")}
