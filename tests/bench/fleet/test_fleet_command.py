"""Holds `bench fleet` without a cluster: options checked before a host is asked, this host alone, a signal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest

from bench import options
from bench.__main__ import main
from bench.fleet.arrival import placing
from bench.fleet.control import command
from bench.fleet.control.conduct import Conduct
from bench.fleet.control.local import Local
from bench.fleet.control.schedule import Schedule
from bench.fleet.control.screen import Silent
from bench.fleet.control.shares import Wanted
from bench.fleet.host import places
from bench.fleet.host.places import CACHE_VARIABLE
from bench.fleet.job import LOCK_VARIABLE
from bench.fleet.receive import Placed
from bench.fleet.records import Job, Outcome
from bench.options import Options
from bench.plan import own_files
from tests import ROOT
from tests.bench.fleet.fake_suite import fake_suite
from tests.bench.plan.test_own_files import MINE, write
from tests.engine import PATIENCE_S, needs_fork, needs_proc

# Words after `fleet`, and what the one line of error must hold.
BAD = {
    "hosts": (["--hosts", "0"], "--hosts 0: must be all, or a number from 1 to 10000"),
    "hosts word": (["--hosts", "some"], "--hosts some: must be all, or"),
    "repeat": (["--repeat", "0"], "--repeat 0: must be from 1 to"),
    "retries": (["--retries", "-1"], "--retries -1: must be from 0 to"),
    "resume": (["--resume", "latest"], "--resume: an interrupted run goes on where it began"),
    "template": (["--machine", "{rack}"], "--machine {rack}: {rack} is no field"),
    "mechanism": (["--mechanism", "os_frok"], "os_frok: no such mechanism, the nearest is os_fork"),
    "profile": (["--profile", "slow"], "slow: no such profile"),
    "level": (["--scenario", "rss=64Mb!"], "rss=64Mb!: not a size"),
    "budget": (["--budget", "0"], "--budget 0: must be a number of seconds"),
    "own mechanism": (["--mechanism", "no.py:f"], "no.py: cannot be read (No such file or directory); name a Python"),
    "own function": (["--mechanism", f"{placing.__file__}:f"], "placing.py:f: cannot be loaded: placing.py:"),
    "own program": (["--scenario", "threads=2+program=/tmp"], "/tmp: is not a regular file; name a Python file"),
    "wheels": (["--wheels", "/nowhere"], "--wheels /nowhere: cannot be read"),
    "results": (["--results", "/dev/null/x"], "/dev/null/x: cannot hold results"),
    "engine": (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler: needs the package distributed, which is not"),
}


class Kept:
    """A receiver that keeps what comes."""

    outcomes: list[Outcome]

    def __init__(self, *_: Any) -> None:
        type(self).outcomes = []

    def place(self, outcome: Outcome, machine: str | None = None) -> Placed:
        """Keep it."""
        self.outcomes.append(outcome)
        return Placed(Path(f"results/{outcome.host}/{outcome.run}-{len(self.outcomes)}"), True)

    def give_up(self) -> None:
        """Nothing: placing takes no time."""

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Shown(Silent):
    """A screen that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        """Keep it."""
        self.lines.append(text)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the host keeps what it is sent."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "lock"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_one_line_before_a_host_is_asked(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2 and one line, as for `bench run`; without the engine's package, too."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    words, text = BAD[name]
    assert main(["fleet", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("bench fleet: ")
    assert text in line
    assert not cache.exists()


def test_the_words_of_a_run_are_its_options() -> None:
    """A host gets every option that says how it measures, and none that says where results lie."""
    wanted = Options(
        Path("here"), "quick", 3.0, 2, ("os_fork",), ("rss=0",), ("python3",), "1", 7, "label", core_pairs=3
    )
    parser = ArgumentParser()
    options.add_options(parser)
    again = options.read(parser.parse_args(["--results", "here", *command.words_of(wanted)]))
    assert again == wanted


def lead(tmp_path: Path, do: str, retries: int = 0) -> tuple[Conduct, Schedule, Shown]:
    """Lead this host alone, with a fake suite that does `do`, to its end."""
    suite = fake_suite(tmp_path / "suite")
    words = ("--do", do, "--log", str(tmp_path / "log"))
    schedule = Schedule(Wanted("fleet", Job("", suite.version, words, 1.0), retries=retries), time.monotonic())
    engine, shown, receiver = Local(suite), Shown(), Kept()
    kept: Any = receiver
    conduct = Conduct(engine, schedule, kept, shown)
    conduct.lead()
    engine.close()
    return conduct, schedule, shown


@needs_fork
@needs_proc
def test_this_host_alone_measures_by_the_same_code(tmp_path: Path, cache: Path) -> None:
    """The run comes back with its digest, and nothing of the job is left; why there is no control is said."""
    conduct, schedule, shown = lead(tmp_path, "complete")
    (outcome,) = Kept.outcomes
    assert (outcome.ending, outcome.run, schedule.missing()) == ("complete", "20260101T000000Z", [])
    assert len(conduct.runs) == 1
    assert list((cache / "jobs").iterdir()) == []
    assert [line.partition(": ")[2] for line in shown.lines[-2:]] == [
        "no relative latency: no C compiler found",
        f"measured: {next(iter(conduct.runs))}",
    ]


@needs_fork
@needs_proc
def test_a_run_that_fails_is_tried_again_and_named(tmp_path: Path, cache: Path) -> None:
    """What a killed run has measured comes back each time; what the run says of bad options is its one line."""
    conduct, schedule, shown = lead(tmp_path, "killed", retries=1)
    assert [outcome.ending for outcome in Kept.outcomes] == ["partial", "partial"]
    assert len({outcome.job for outcome in Kept.outcomes}) == 2
    assert len(conduct.runs) == 2
    ((_, reason),) = schedule.missing()
    assert any(f"{reason}; what it measured is kept: results/" in line for line in shown.lines)
    _, schedule, _ = lead(tmp_path, "refuse")
    assert [reason for _, reason in schedule.missing()] == ["bench run: --cpu 99: no such CPU"]


@needs_fork
@needs_proc
def test_a_signal_ends_the_host_within_seconds(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C: status 130; what was measured has come back, and the job's processes and directory are gone."""
    suite = fake_suite(tmp_path / "suite")
    log = tmp_path / "log"
    monkeypatch.setattr("bench.fleet.suite.pack", lambda root: suite)
    monkeypatch.setattr(command, "words_of", lambda options: ("--do", "hang", "--log", str(log)))
    monkeypatch.setattr(command, "Receiver", Kept)
    monkeypatch.setattr(command, "ask_analysis", lambda *words: None)

    def interrupt() -> None:
        limit = time.monotonic() + PATIENCE_S
        while not log.exists() and time.monotonic() < limit:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    assert main(["fleet", "--results", str(tmp_path)]) == 130
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    said = capsys.readouterr()
    assert "stopping: 1 host at work" in said.err
    assert [outcome.ending for outcome in Kept.outcomes] == ["partial"]
    assert said.out.startswith("results/")
    assert list((cache / "jobs").iterdir()) == []
    pid = int(log.read_text().split()[0])
    assert not Path(f"/proc/{pid}").exists()


_TWICE = """
import sys
from pathlib import Path
from bench.__main__ import main
from bench.fleet import suite
from bench.fleet.control import command, conduct
sent = suite.pack(Path(sys.argv[1]) / "suite")
suite.pack = lambda root: sent
command.words_of = lambda options: ("--do", "hang", "--log", str(Path(sys.argv[1]) / "log"))
conduct.STOP_S = 1e6
sys.exit(main(["fleet", "--results", str(Path(sys.argv[1]) / "results")]))
"""


@needs_fork
@needs_proc
def test_a_second_signal_waits_for_nothing(tmp_path: Path, cache: Path) -> None:
    """A host that does not stop is left: status 130 and one line more. What it did ends when it hears that it is to."""
    fake_suite(tmp_path / "suite")
    words = [sys.executable, "-c", _TWICE, str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as fleet:
        assert fleet.stderr
        hangs = threading.Timer(PATIENCE_S, fleet.kill)
        hangs.start()
        state: dict[str, Any] = {}
        limit = time.monotonic() + PATIENCE_S
        while "run" not in state and time.monotonic() < limit:
            state = next(map(places.state_of, (cache / "jobs").glob("*")), {})
            time.sleep(0.02)
        os.kill(state["pid"], signal.SIGSTOP)
        ends = [os.pidfd_open(state[name]) for name in ("pid", "run")]
        try:
            fleet.send_signal(signal.SIGINT)
            assert any(line.startswith("stopping: 1 host") for line in fleet.stderr)
            fleet.send_signal(signal.SIGINT)
            said = fleet.stderr.read().splitlines()
            assert fleet.wait(PATIENCE_S) == 130
        finally:
            hangs.cancel()
            os.kill(state["pid"], signal.SIGCONT)
        assert [line for line in said if not line.startswith("1 host: ")] == [
            "bench fleet: ended at once; what still runs on a host ends within a minute, and is kept there for a week"
        ]
        for end in ends:
            assert select.select([end], [], [], PATIENCE_S)[0]
            os.close(end)
    assert not list((tmp_path / "results").iterdir())


@needs_fork
@needs_proc
def test_a_fleet_of_one_leaves_a_run_that_can_be_read(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real suite without `distributed`: status 0, a table, and last the directory of a complete run, as named.

    A user's own program and mechanism come along, and are recorded as in a run made by hand: without a path.
    """
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "a,cache"))
    folder = tmp_path / "somebody"
    folder.mkdir()
    write(folder / "server.py", "import sys\nkept = bytearray(1 << 20)\nsys.exit(0)\n")
    write(folder / "mine.py", MINE)
    mechanism, scenario = f"{folder}/mine.py:my_fork", f"program={folder}/server.py+threads=1"
    code = (
        "import sys; sys.modules['distributed'] = None\nfrom bench.__main__ import main\n"
        f"sys.exit(main(['fleet', '--mechanism', {mechanism!r}, '--scenario', {scenario!r}, '--rounds', '2', "
        "'--block-ms', '0.5', '--cpu', 'none', '--label', 'x', '--machine', 'rack1-{machine}', "
        f"'--results', {str(tmp_path / 'results')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    run = Path(done.stdout.splitlines()[-1])
    assert run.parent.parent == tmp_path / "results"
    assert run.parent.name.startswith("rack1-")
    assert run.name.endswith("Z-x")
    document = json.loads((run / "run.json").read_text())
    assert (document["status"], document["machine"]) == ("complete", run.parent.name)
    assert (run / "samples.csv.gz").is_file()
    (name,), (level,) = own_files.recorded_mechanisms([mechanism]), own_files.recorded_scenarios([scenario])
    assert (document["options"]["mechanisms"], document["options"]["scenarios"]) == ([name], [level])
    assert f"{name} {level}" in done.stdout
    assert f",{name}," in (run / "cells.csv").read_text()
    assert not any(b"somebody" in path.read_bytes() for path in run.iterdir())
    assert list((tmp_path / "a,cache" / "jobs").iterdir()) == []
