"""Holds how a host gets ready: once a version, only with what was sent, or one line that says what is missing."""

from __future__ import annotations

import ast
import hashlib
import os
import select
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest

from analysis.read.run import load_run
from bench.fleet import host
from bench.fleet.host import environment, places
from bench.fleet.host.identity import describe
from bench.fleet.job import LOCK_VARIABLE
from bench.fleet.suite import LOCK, pack, pack_wheels
from tests import ROOT
from tests.bench.fleet.fake_suite import write_fake_suite
from tests.bench.fleet.packed import unpack


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "host.lock"))


def write_wheel(folder: Path) -> str:
    """Write a wheel of a package without content, and return its SHA-256."""
    folder.mkdir()
    about = "forkbench_nothing-1.dist-info"
    path = folder / "forkbench_nothing-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("forkbench_nothing.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: forkbench-nothing\nVersion: 1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def environment_of(folder: Path, lock: Path) -> Path:
    """The interpreter of an environment with the packages of `lock` alone, taken from this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    target = next(folder.glob("lib/python*/site-packages"))
    for line in lock.read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith(" "):
            found = metadata.distribution(line.partition("==")[0])
            for top in {path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "__pycache__")}:
                (target / top).symlink_to(str(found.locate_file(top)))
    return folder / "bin" / "python"


def test_a_real_run_is_made_with_what_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite as it is sent measures with the packages of its lock alone, and the reader takes what comes back."""
    suite = pack(ROOT)
    unpack(suite.archive, tmp_path / "sent")
    python = environment_of(tmp_path / "environment", tmp_path / "sent" / LOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # a worker's own, which is not the suite's
    (tmp_path / "msgspec.py").write_text("another")
    host.set_up(suite.version, suite.archive, python=str(python))
    words = ("--profile", "quick", "--budget", "3", "--rounds", "1", "--mechanism", "os_fork", "--block-ms", "1")
    job = {"id": "one", "suite": suite.version, "words": words, "budget_s": 3.0}
    outcome = host.measure(job, lambda said: None)
    assert (outcome["ending"], outcome["error"]) == ("complete", "")
    run = tmp_path / "machine" / outcome["run"]
    run.mkdir(parents=True)
    unpack(outcome["archive"], run)
    read = load_run(run)
    assert len(read.samples) > 0
    there = next((tmp_path / "cache" / "jobs" / "one" / "results").glob("*/*"))
    assert {path.name: path.read_bytes() for path in there.iterdir()} == {
        path.name: path.read_bytes() for path in run.iterdir()
    }


def test_packages_come_from_the_wheels_that_are_sent(tmp_path: Path) -> None:
    """With wheels no index is asked, and the environment holds nothing that children of the suite would read."""
    root = write_fake_suite(tmp_path / "root")
    digest = write_wheel(tmp_path / "wheels")
    (root / LOCK).write_text(f"forkbench-nothing==1 \\\n    --hash=sha256:{digest}\n    # via rich\n")
    suite = pack(root)
    ready = host.set_up(suite.version, suite.archive, pack_wheels(tmp_path / "wheels"))
    code = "import forkbench_nothing, pathlib, sys; print(*pathlib.Path(sys.prefix).rglob('*.pth'))"
    done = subprocess.run([ready["python"], "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
    assert ready["control"] == "no C compiler found"


def test_what_fails_while_a_suite_is_set_up_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """The line of a failed command that says why comes back, and nothing half made is left."""
    suite = pack(write_fake_suite(tmp_path / "root"))
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho 'ERROR: no such package' >&2\necho 'a notice' >&2\nexit 1\n")
    failing.chmod(0o755)
    with pytest.raises(host.HostError) as error:
        host.set_up(suite.version, suite.archive, python=str(failing))
    assert str(error.value) == "the suite cannot be set up: ERROR: no such package"
    assert not list((tmp_path / "cache").glob("*/"))


def test_a_set_up_that_is_stopped_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    """The step that goes on, with what it has started, is killed; the next set-up is made as if there had been none."""
    suite = pack(write_fake_suite(tmp_path / "root"))
    slow, begun = tmp_path / "python", tmp_path / "begun"
    os.mkfifo(begun)
    slow.write_text(f"#!/bin/sh\n(echo $$ > {begun}; exec sleep 600)\nexit 0\n")
    slow.chmod(0o755)
    with ThreadPoolExecutor() as threads:  # the set-up's end waits for all that could still write to its pipes
        asked = threads.submit(host.set_up, suite.version, suite.archive, python=str(slow))
        assert begun.read_text()
        host.stop_set_up(suite.version)
        with pytest.raises(host.HostError, match="stopped while it was set up"):
            asked.result(60)
    assert not list((tmp_path / "cache").glob("*/"))
    host.stop_set_up(suite.version)
    host.set_up(suite.version, suite.archive, python=sys.executable)


def test_a_set_up_that_nobody_wants_any_more_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked is gone: the step is killed with what it has started, no other begins, and nothing stays."""
    monkeypatch.setattr(environment, "_LOOK_S", 0.05)
    suite = pack(write_fake_suite(tmp_path / "root"))
    slow, begun, gone = tmp_path / "python", tmp_path / "begun", threading.Event()
    os.mkfifo(begun)
    slow.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {begun}\nwait\n")
    slow.chmod(0o755)

    def look() -> None:
        if gone.is_set():
            raise host.HostError("nobody waits")

    with ThreadPoolExecutor() as threads:
        asked = threads.submit(host.set_up, suite.version, suite.archive, python=str(slow), look=look)
        end = os.pidfd_open(int(begun.read_text()))
        gone.set()
        with pytest.raises(host.HostError, match="nobody waits"):
            asked.result(60)
    assert select.select([end], [], [], 60)[0]
    os.close(end)
    assert not list((tmp_path / "cache").glob("*/"))
    begun.unlink()  # nobody writes to it
    with pytest.raises(host.HostError, match="nobody waits"):
        host.set_up(suite.version, suite.archive, python=str(slow), look=look)
    assert not begun.exists()


def test_two_at_once_set_a_suite_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers of one host that are sent the same suite make it once, and both can use it."""
    made: list[Path] = []
    both = threading.Barrier(2)
    suite = pack(write_fake_suite(tmp_path / "root"))
    original = environment._unpack

    def unpack(archive: bytes, folder: Path) -> None:
        made.append(folder)
        original(archive, folder)

    monkeypatch.setattr(environment, "_unpack", unpack)

    def set_up() -> str:
        both.wait()
        return str(host.set_up(suite.version, suite.archive, python=sys.executable)["python"])

    assert host.needs(suite.version)
    with ThreadPoolExecutor() as threads:
        found = [threads.submit(set_up) for _ in range(2)]
        assert [one.result() for one in found] == [sys.executable] * 2
    assert len(made) == 1
    assert not host.needs(suite.version)


def test_a_damaged_suite_is_named_and_made_again(tmp_path: Path) -> None:
    """A suite that arrives damaged is refused; one that was changed on the host is wanted again, and put right."""
    suite = pack(write_fake_suite(tmp_path / "root"))
    with pytest.raises(host.HostError, match="arrived damaged"):
        host.set_up(suite.version, suite.archive[:-1], python=sys.executable)
    host.set_up(suite.version, suite.archive, python=sys.executable)
    (places.suite_folder(suite.version) / "bench" / "__main__.py").unlink()
    assert host.needs(suite.version)
    with pytest.raises(host.HostError, match="send the suite again"):
        host.set_up(suite.version)
    host.set_up(suite.version, suite.archive, python=sys.executable)
    assert not host.needs(suite.version)


def test_an_older_python_and_a_full_cache_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot have the suite says why, and what to do."""
    suite = pack(write_fake_suite(tmp_path / "root"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(host.HostError, match=r"Not a directory; free some room there, or set FORKBENCH_CACHE"):
        host.set_up(suite.version, suite.archive, python=sys.executable)
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(host.HostError, match="start the worker with a newer one"):
        host.set_up(suite.version, suite.archive)


def test_old_suites_go_and_the_newest_stay(tmp_path: Path) -> None:
    """The cache keeps the suite in use and the three that were used last."""
    root, versions = tmp_path / "root", []
    for number in range(5):
        (write_fake_suite(root) / "bench" / "a.py").write_text(str(number))
        suite = pack(root)
        versions.append(suite.version)
        host.set_up(suite.version, suite.archive, python=sys.executable)
        os.utime(places.suite_folder(suite.version) / "ready.json", (number, number))
    kept = [version for version in versions if not host.needs(version)]
    assert (kept, len(kept)) == ([*versions[-3:]], 3)


@pytest.mark.parametrize("path", sorted(Path(host.__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_what_is_sent_needs_the_standard_library_alone(path: Path) -> None:
    """A host's code imports itself and the standard library, and an older Python reads it, so that it can say so."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [str(node.module)] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                assert name.startswith("bench.fleet.host") or name.partition(".")[0] in sys.stdlib_module_names, name


def test_a_host_is_known_by_its_kernel() -> None:
    """A host is told apart by boot, network and machine: the same from every process, and not by its address."""
    code = "from bench.fleet.host import describe; print(describe()['identity'])"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    facts = describe()
    assert facts["identity"] == other
    assert facts["cpus"] == tuple(sorted(os.sched_getaffinity(0)))
