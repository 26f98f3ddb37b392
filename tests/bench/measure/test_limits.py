"""Holds that a run which the machine grants no more memory, processes or writing goes on, or ends with one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from analysis.read.run import load_run
from bench.schema import RunStatus
from tests import ROOT
from tests.engine import PATIENCE_S, command, needs_fork, needs_proc

pytestmark = [needs_fork, needs_proc]
SHORT = ("--no-progress", "--block-ms", "0.5", "--pairs", "1,1", "--machine", "here", "--when-busy", "ignore")
IS_ROOT = os.geteuid() == 0
# Of no account, so that the limit counts the processes of a test and no others. Root, whom no limit holds, becomes it,
# and keeps the right to look into directories: Python may be in root's.
_USER = 54_321
_AS_USER = [
    *("setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]
_AS = _AS_USER if IS_ROOT else []


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that belongs to the user of limited rights."""
    with tempfile.TemporaryDirectory(prefix="limits-") as folder:
        if IS_ROOT:
            os.chown(folder, _USER, _USER)
        yield Path(folder)


def limited(limit: str, *words: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Run ``bench run WORDS`` under a limit of prlimit(1), as a user whom it holds."""
    if shutil.which("prlimit") is None or subprocess.run([*_AS, "true"], capture_output=True).returncode:
        pytest.skip("needs prlimit and, for root, setpriv of util-linux, and the right to use them")
    start = [*_AS, "prlimit", limit, sys.executable, "-B", "-m", "tests.quick_bench", "run", *SHORT, *words]
    return subprocess.run(
        [*start, "--results", str(place / "results")],
        cwd=ROOT,
        env={**os.environ, "HOME": str(place), "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize(("most", "statuses"), [(1, (2,)), (3, (1, 2)), (5, (0, 1, 2))])
def test_a_user_who_may_have_no_more_processes(place: Path, most: int, statuses: tuple[int, ...]) -> None:
    """What could not be started is an error with its reason, never a traceback, and no process is left."""
    words = ("--rounds", "1", "--mechanism", "os_fork", "--mechanism", "mp_forkserver", "--mechanism", "mp_spawn")
    done = limited(f"--nproc={most}", *words, place=place)
    assert done.returncode in statuses
    assert "Traceback" not in done.stderr
    assert "Resource temporarily unavailable" in done.stderr
    for directory in done.stdout.split():
        assert "error" in set(load_run(Path(directory)).subjects["status"])
    if IS_ROOT:
        listed = psutil.process_iter(["uids"])  # None for one that has ended since it was listed
        left = [process for process in listed if _USER in (process.info["uids"] or ())]
        assert not psutil.wait_procs(left, PATIENCE_S)[1]
        assert [path.name for path in place.iterdir() if path.name.startswith("fbtmp-")] == []


def test_a_parent_of_more_memory_than_is_allowed(place: Path) -> None:
    """The cell that may not have it has one error row with the errno; the others are measured as ever."""
    words = ("--rounds", "2", "--mechanism", "os_fork", "--scenario", "rss=0,900MiB")
    done = limited(f"--as={800 << 20}", *words, place=place)
    assert done.returncode == 0, done.stderr
    run = load_run(Path(done.stdout.strip()))
    failed = run.subjects[run.subjects["status"] == "error"]
    assert list(failed["error"]) == ["calibration: set-up: OSError: [Errno 12] Cannot allocate memory"]
    assert run.cells["level"][run.cells["cell"].isin(failed["cell"])].tolist() == ["900MiB"]
    assert run.rounds == 2


def wait_for_two_rounds(results: Path, run: subprocess.Popen[str]) -> None:
    """Return when run.json says that two rounds are complete."""
    give_up = time.monotonic() + PATIENCE_S
    while not any(json.loads(file.read_text())["rounds"] >= 2 for file in results.glob("*/*/run.json")):
        assert run.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.skipif(
    not IS_ROOT or shutil.which("mkfs.ext4") is None, reason="only root mounts a disk (ext4) of its own"
)
def test_a_disk_that_becomes_read_only_in_a_round(tmp_path: Path) -> None:
    """What was measured before the disk failed is there and can be read; one line says what happened.

    The kernel makes a file system read-only under open files when its disk fails. `abort` of ext4(5) does just that.
    """
    disk, image = tmp_path / "disk", tmp_path / "image"
    disk.mkdir()
    image.touch()
    os.truncate(image, 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount an image")
    try:
        words = ("run", *SHORT, "--rounds", "100000", "--mechanism", "noop", "--results", str(disk))
        with subprocess.Popen(
            command(*words, program="tests.quick_bench"), cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as run:
            wait_for_two_rounds(disk, run)
            subprocess.run(["mount", "-o", "remount,abort", str(disk)], check=True)
            _, said = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 2
        (found,) = [load_run(file.parent) for file in disk.glob("*/*/run.json")]
        assert said.count("cannot be written (") == 1
        assert "what was measured until then is kept there" in said.splitlines()[-1]
        assert "Traceback" not in said
        assert (found.document.status, found.rounds >= 2, len(found.samples) > 0) == (RunStatus.PARTIAL, True, True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
