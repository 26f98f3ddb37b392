"""Holds what becomes of a job on its host: attached to, stopped, abandoned, waiting, failed, never left behind."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.fleet import host
from bench.fleet.host import jobs, packing, places
from bench.fleet.job import LOCK_VARIABLE
from bench.fleet.records import Ending, Outcome
from tests import ROOT
from tests.bench.fleet.fake_suite import fake_suite

# A host that hangs must not hang the tests.
PATIENCE_S = 60.0
FULL = "cannot be written (No space left on device); what was measured until then is kept there"


class Fleet:
    """A host with a fake suite: `ask` for a job, and wait until it says that it is in a state."""

    def __init__(self, suite: str, folder: Path, threads: ThreadPoolExecutor) -> None:
        self.log = folder / "log"
        self.suite = suite
        self.said: list[dict[str, Any]] = []
        self._threads = threads
        self._news = threading.Condition()

    def job(self, do: str, name: str = "one", **more: Any) -> dict[str, Any]:
        """The fields of a job; what it logs tells how often a run was started."""
        words = ("--do", do, "--log", str(self.log))
        return {"id": name, "suite": self.suite, "words": words, "budget_s": 1.0, **more}

    def ask(self, do: str, name: str = "one", heard: threading.Event | None = None, **more: Any) -> Future[Outcome]:
        """Ask for the job in a thread, as a worker does; `heard` is set when this thread is told of it."""
        return self._threads.submit(lambda: self.do(do, name, heard, **more))

    def do(self, do: str, name: str = "one", heard: threading.Event | None = None, **more: Any) -> Outcome:
        """Ask for the job and wait for it."""

        def say(said: dict[str, Any]) -> None:
            self._hear(said)
            if heard:
                heard.set()

        fields = host.measure(self.job(do, name, **more), say)
        return Outcome(**{**fields, "ending": Ending(fields["ending"])})

    def until(self, state: str, name: str = "one", text: str = "") -> None:
        """Wait until the job said that it is in `state`, with `text` in its line."""
        with self._news:
            assert self._news.wait_for(
                lambda: any(
                    (said["job"], said["state"]) == (name, state) and text in said["text"] for said in self.said
                ),
                PATIENCE_S,
            ), self.said

    def runs(self) -> list[str]:
        """A line for every run that was started."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def _hear(self, said: dict[str, Any]) -> None:
        with self._news:
            self.said.append(said)
            self._news.notify_all()


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The version of a fake suite, and a cache in which it is set up; it is shared, so only read it."""
    folder = tmp_path_factory.mktemp("ready")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.CACHE_VARIABLE, str(folder / "cache"))
        return fake_suite(folder / "root").version, folder / "cache"


@pytest.fixture
def fleet(ready: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A host with a cache and a lock of its own."""
    version, cache = ready
    shutil.copytree(cache, tmp_path / "cache")
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "host.lock"))
    monkeypatch.setattr(jobs, "_POLL_S", 0.05)
    with ThreadPoolExecutor() as threads:
        yield Fleet(version, tmp_path, threads)
        host.stop([path.name for path in (tmp_path / "cache" / "jobs").glob("*")])


def members(outcome: Outcome) -> dict[str, bytes]:
    """The files in the archive of an outcome."""
    with tarfile.open(fileobj=io.BytesIO(outcome.archive)) as tar:
        assert all(member.isreg() for member in tar)
        return {name: stream.read() for name in tar.getnames() if (stream := tar.extractfile(name))}


def wait_for_end(pid: int) -> None:
    """Wait until the process is no more, or a zombie."""
    with suppress(ProcessLookupError):
        ends = os.pidfd_open(pid)
        assert select.select([ends], [], [], PATIENCE_S)[0]
        os.close(ends)


def group_is_gone(pid: int) -> bool:
    """Whether no process of the group is left."""
    return not any(os.getpgid(process.pid) == pid for process in psutil.process_iter() if process.is_running())


def test_a_run_comes_back_as_an_archive_of_its_files(fleet: Fleet) -> None:
    """A complete run comes back with all its files, its calls gzipped, and the digest of the archive."""
    outcome = fleet.do("complete")
    assert (outcome.ending, outcome.error, outcome.run) == (Ending.COMPLETE, "", "20260101T000000Z")
    files = members(outcome)
    assert sorted(files) == ["blocks.csv", "run.json", "samples.csv.gz"]
    assert gzip.decompress(files["samples.csv.gz"]) == b"cell\n1\n1\n1\n"
    assert outcome.digest == hashlib.sha256(outcome.archive).hexdigest()
    assert (fleet.said[-1]["state"], fleet.said[-1]["round"], fleet.said[-1]["left_s"]) == ("sending", 3, 7.0)


def test_half_a_line_of_calls_is_not_sent(tmp_path: Path) -> None:
    """Where a run was killed, its compressed calls end with a whole line; other files are as they were."""
    for name in ("blocks.csv", "samples.csv"):
        (tmp_path / name).write_bytes(b"cell\n1\n1")
    with tarfile.open(fileobj=io.BytesIO(packing.pack_run(tmp_path))) as tar:
        sent = {name: stream.read() for name in tar.getnames() if (stream := tar.extractfile(name))}
    assert gzip.decompress(sent["samples.csv.gz"]) == b"cell\n1\n"
    assert sent["blocks.csv"] == b"cell\n1\n1"


def test_a_run_that_lacks_a_cell_says_the_error_of_the_cell(tmp_path: Path) -> None:
    """As where a module that a user's program imports is not on the host; another reason at the end is the reason."""
    error = "error: noop program=server.py@0e31 3.11.7: set-up: server.py:1: ModuleNotFoundError: No module named 'x'"
    more = ["error: noop failed 2 times; subjects.csv has each with its reason", "0 rounds of 0 cells in 4.3 s"]
    warning = "WARNING: no cell could be measured to the end; the run is marked partial"
    for lines, reason in (([error, *more, warning], error), ([*more, warning], warning), ([error, FULL], FULL)):
        (tmp_path / "messages").write_text("\n".join([*lines, "go on with it: python -m bench run"]))
        assert packing.last_reason(tmp_path) == reason


def test_a_job_that_is_done_is_not_done_again_until_it_is_forgotten(fleet: Fleet) -> None:
    """The same job gives the same bytes again without a second run; once forgotten, it is measured anew."""
    first = fleet.do("complete")
    assert fleet.do("complete") == first
    assert len(fleet.runs()) == 1
    host.forget(["one"])
    assert fleet.do("complete").archive == first.archive
    assert len(fleet.runs()) == 2


def test_who_asks_for_a_running_job_waits_for_the_same_run(fleet: Fleet) -> None:
    """Two tasks for one job, as after a worker was lost, share one run, and both get it."""
    first = fleet.ask("hang")
    fleet.until("measuring", text="round 1")
    attached = threading.Event()
    second = fleet.ask("hang", heard=attached)
    assert attached.wait(PATIENCE_S)
    assert host.stop(["one"]) == ["one"]
    assert first.result(PATIENCE_S).digest == second.result(PATIENCE_S).digest
    assert len(fleet.runs()) == 1


def test_a_stopped_job_leaves_its_partial_run_and_no_process(fleet: Fleet) -> None:
    """A stopped job comes back as a partial run that says so, and nothing of its process group is left."""
    asked = fleet.ask("hang")
    fleet.until("measuring", text="round 1")
    assert host.stop(["one"]) == ["one"]
    outcome = asked.result(PATIENCE_S)
    assert (outcome.ending, outcome.error) == (Ending.PARTIAL, "stopped")
    assert "run.json" in members(outcome)
    assert group_is_gone(int(fleet.runs()[0].split()[0]))
    assert host.stop(["one"]) == []


def test_a_job_stopped_before_it_begins_never_begins(fleet: Fleet) -> None:
    """A job that is stopped before its task arrives starts no run and says why."""
    assert host.stop(["one"]) == []
    outcome = fleet.do("complete")
    assert (outcome.ending, outcome.error) == (Ending.FAILED, "stopped before it began")
    assert fleet.runs() == []


def test_a_job_that_nobody_waits_for_ends(fleet: Fleet) -> None:
    """Where the worker was killed, the run is ended after the lease, and whoever asks next gets what is there."""
    code = f"""
from bench.fleet.host import jobs
jobs._POLL_S = 0.05
jobs.measure({fleet.job("hang", lease_s=1.0)!r}, lambda said: print(said["text"], flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        assert any("round 1" in line for line in worker.stdout)
        worker.kill()
    wait_for_end(places.state_of(places.job_folder("one"))["pid"])
    outcome = fleet.do("hang")
    assert (outcome.ending, outcome.error) == (Ending.PARTIAL, "nobody has waited for it for 1 s")
    assert len(fleet.runs()) == 1


def test_a_job_waits_while_another_one_measures_here(fleet: Fleet, tmp_path: Path) -> None:
    """A host measures one thing at a time, whoever asks: a job says that it waits, and begins when the lock is free."""
    with open(tmp_path / "host.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        asked = fleet.ask("complete")
        fleet.until("waiting")
        assert fleet.runs() == []
    assert asked.result(PATIENCE_S).ending is Ending.COMPLETE


def test_a_lock_that_cannot_be_had_is_one_line(fleet: Fleet, tmp_path: Path) -> None:
    """Where the file of the host's lock is not what it has to be, nothing is measured, and the line names it."""
    lock = tmp_path / "host.lock"
    lock.symlink_to(tmp_path / "elsewhere")
    outcome = fleet.do("complete")
    assert outcome.ending is Ending.FAILED
    assert outcome.error.startswith(f"{lock}: ")
    assert fleet.runs() == []


@pytest.mark.parametrize(
    ("do", "ending", "error"),
    [
        ("refuse", Ending.FAILED, "bench run: --cpu 99: no such CPU"),
        ("full", Ending.PARTIAL, f"bench run: results: {FULL}"),
        ("killed", Ending.PARTIAL, "the run was ended by SIGKILL; is memory short (dmesg)?"),
    ],
)
def test_a_run_that_fails_says_why_in_one_line(fleet: Fleet, do: str, ending: Ending, error: str) -> None:
    """What a run said before it failed comes back, and what it had measured when it was killed."""
    outcome = fleet.do(do)
    assert (outcome.ending, outcome.error) == (ending, error)
    assert bool(outcome.archive) == (ending is Ending.PARTIAL)


def test_a_run_whose_watching_process_is_killed_is_not_measured_twice(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the run lives, nobody starts another one; when it was killed too, what it measured comes back."""
    starts: list[str] = []
    start = jobs._start

    def counted(job: dict[str, Any], folder: Path, cpus: list[int]) -> subprocess.Popen[bytes]:
        starts.append(job["id"])
        return start(job, folder, cpus)

    monkeypatch.setattr(jobs, "_start", counted)
    asked = fleet.ask("hang")
    fleet.until("measuring", text="round 1")
    state = places.state_of(places.job_folder("one"))
    os.kill(state["pid"], signal.SIGKILL)
    wait_for_end(state["pid"])
    for _ in range(2):  # the second look at the job began after the end of that process
        fleet.said.clear()
        fleet.until("measuring", text="round 1")
    assert starts == ["one"]
    os.kill(state["run"], signal.SIGKILL)
    outcome = asked.result(PATIENCE_S)
    assert (outcome.ending, outcome.error) == (Ending.PARTIAL, "its processes were killed")
    assert len(fleet.runs()) == 1


def test_threads_leave_the_measured_cpu_and_come_back(fleet: Fleet) -> None:
    """While a run lasts, this process uses the other CPUs alone; the run may use all, and afterwards so may this."""
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two CPUs")
    first, second = fleet.ask("hang"), None
    fleet.until("measuring", text="round 1")
    fleet.said.clear()
    fleet.until("measuring", text="round 1")
    assert os.sched_getaffinity(0) == before - {max(before)}
    second = fleet.ask("complete", "two")
    fleet.until("waiting", "two")
    host.stop(["one"])
    assert first.result(PATIENCE_S).error == "stopped"
    assert second.result(PATIENCE_S).ending is Ending.COMPLETE
    assert os.sched_getaffinity(0) == before
    assert [line.partition(" ")[2] for line in fleet.runs()] == [str(sorted(before))] * 2


def test_a_full_disk_and_a_bad_directory_are_one_line(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the directory of a job cannot be made, the outcome says where and what to do."""
    Path(os.environ[places.CACHE_VARIABLE], "jobs").write_text("")
    outcome = fleet.do("complete")
    assert outcome.ending is Ending.FAILED
    assert outcome.error.endswith("free some room there, or set FORKBENCH_CACHE to another directory")
    assert fleet.do("complete", "../../etc").error == "'../../etc': no id of a job"


def test_a_suite_that_was_changed_on_the_host_is_not_measured_with(fleet: Fleet) -> None:
    """A file of the suite, or a package, that is not as it was sent is named before anything is measured."""
    folder = places.suite_folder(fleet.suite)
    ready = folder / "ready.json"
    ready.write_text(json.dumps({**json.loads(ready.read_text()), "version": "3.9.1"}))
    assert fleet.do("complete").error.startswith("the suite was set up with Python 3.9.1, and ")
    (folder / "bench" / "__main__.py").write_text("print('mine')")
    assert fleet.do("complete", "two").error == f"{folder}: bench/__main__.py is not as it was sent; set it up again"
    assert fleet.runs() == []
