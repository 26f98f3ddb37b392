"""Turns the pyperf script into results by really running it, and its mistakes into lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyperf
import pytest

from analysis.exchange.pyperf_export import import_pyperf
from analysis.read.run import load_run
from bench import pyperf_suite
from bench.driver.guard import GUARD
from tests import ROOT

SCRIPT = ROOT / "bench" / "pyperf_suite.py"
# One worker of two values of eight calls: the shortest run that goes through all of pyperf.
SHORT = ("-p", "1", "-n", "2", "-w", "1", "-l", "8", "--quiet")

pytestmark = pytest.mark.usefixtures("same_interpreters")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="os_fork needs fork")


def suite(*arguments: str, folder: Path = ROOT, start: tuple[str, ...] = (str(SCRIPT),)) -> tuple[int, str, str]:
    """Run the script in `folder`; exit status, standard output and standard error."""
    done = subprocess.run([sys.executable, *start, *arguments], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@needs_fork
def test_a_result_is_pyperfs_and_can_be_imported(tmp_path: Path) -> None:
    """Run by its path from elsewhere, the script writes a pyperf result that names what it measured."""
    options = ("--mechanism", "os_fork", "--mechanism", "noop", "--scenario", "parent=bare")
    status, _, said = suite(*SHORT, *options, "-o", "s.json", folder=tmp_path)
    assert (status, said) == (0, "")
    results = pyperf.BenchmarkSuite.load(str(tmp_path / "s.json"))
    assert results.get_benchmark_names() == ["os_fork parent=bare", "noop parent=bare"]
    fork, noop = results.get_benchmarks()
    assert (fork.get_nvalue(), fork.get_loops(), len(fork.get_runs()[0].warmups)) == (2, 8, 1)
    assert noop.median() < fork.median()
    run = load_run(import_pyperf(tmp_path / "s.json", tmp_path))
    assert run.cells[["mechanism", "work", "scenario", "level"]].to_numpy().tolist() == [
        ["os_fork", "fork", "parent", "bare"],
        ["noop", "baseline", "parent", "bare"],
    ]


@needs_fork
def test_two_interpreters_are_compared() -> None:
    """Started as a module, `--compare-to` measures both interpreters, and pyperf prints the comparison."""
    options = ("--mechanism", "os_fork", "--compare-to", sys.executable, "--python-names", "old:new")
    status, shown, said = suite(*SHORT[:-1], *options, start=("-m", "bench.pyperf_suite"))
    assert (status, said) == (0, "")
    assert "[old]" in shown
    assert "[new]" in shown


@needs_fork
def test_a_worker_is_watched_while_it_has_a_subject() -> None:
    """What its subject leaves in its temporary directory goes with the worker, as in a run."""
    with pyperf_suite.Worker("noop parent=bare", "none", 0.1) as worker:
        assert worker.seconds(1) > 0
        folder = Path(GUARD.folder)
        assert folder.is_dir()
        assert worker.seconds(1) > 0
    assert not folder.exists()


def test_a_failing_subject_is_one_line() -> None:
    """A worker whose subject cannot get its memory says so in one line and has exit status 1."""
    worker = ("--worker", "--worker-task", "0", "--benchmark", "noop rss=1000000GiB")
    status, _, said = suite(*SHORT, *worker)
    assert status == 1
    assert said.startswith("pyperf_suite: ")
    assert said.count("\n") == 1


def test_a_failing_worker_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What pyperf raises when a worker has failed is one line and exit status 1, not a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("python failed with exit code 1")

    monkeypatch.setattr(pyperf.Runner, "_created", set())
    monkeypatch.setattr(pyperf.Runner, "bench_time_func", fail)
    assert pyperf_suite.main(["--mechanism", "noop"]) == 1
    assert capsys.readouterr().err == "pyperf_suite: python failed with exit code 1\n"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--mechanism", "nope"), "nope: no such mechanism"),
        (("--scenario", "weather=bad"), "weather: no such scenario"),
        (("--cpu", "4096"), "--cpu 4096"),
        (("--mechanism", "noop", "--compare-to", __file__), "cannot be started"),
    ],
)
def test_wrong_options_are_one_line(
    options: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be measured is said in one line before any worker is started, with exit status 2."""
    monkeypatch.setattr(pyperf.Runner, "_created", set())
    assert pyperf_suite.main(list(options)) == 2
    said = capsys.readouterr().err
    assert said.startswith("pyperf_suite: ")
    assert line in said
    assert said.count("\n") == 1
