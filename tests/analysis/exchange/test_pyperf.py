"""Turns runs into pyperf's files and back: what pyperf's own tools say of them, and every way a file can be wrong."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyperf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.errors import PyperfError
from analysis.exchange.pyperf_export import FILE, import_pyperf, write_pyperf
from analysis.read.run import load_run
from analysis.stats.rounds import warm_calls
from analysis.summary.cells import summarise
from bench import schema
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run


def pyperf_tool(*arguments: str) -> str:
    """What a command of pyperf prints; it must succeed."""
    done = subprocess.run([sys.executable, "-m", "pyperf", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def benchmark(name: str = "json_dumps", values: Any = (0.25, 0.5), runs: int = 6, **about: Any) -> dict[str, Any]:
    """A benchmark as pyperf writes it: `runs` worker processes with a warm-up each."""
    one = {"values": list(values), "warmups": [[1, 1.5]]}
    return {"metadata": {"name": name, "unit": "second", **about}, "runs": [one] * runs}


def write_file(folder: Path, *benchmarks: dict[str, Any], **about: Any) -> Path:
    """A pyperf file that holds `benchmarks`, with metadata that all of them have in common."""
    file = folder / "result.json"
    common = {"cpu_model_name": "Example(R) CPU @ 2.00GHz", "cpu_count": 4, "python_version": "3.12.1 (64-bit)"} | about
    file.write_text(json.dumps({"version": "1.0", "metadata": common, "benchmarks": list(benchmarks)}))
    return file


def test_pyperf_reads_an_exported_run(fake_run: Path, tmp_path: Path) -> None:
    """`pyperf stats`, `hist` and `compare_to` take an exported run, and show its calls under its mechanisms' names."""
    base = write_pyperf(load_run(fake_run), tmp_path / "base.json.gz")
    cells = [FakeCell(total_ns=240_000.0)]
    slower = write_pyperf(load_run(write_run(tmp_path, FakeRun(cells))), tmp_path / "new.json.gz")
    stats = pyperf_tool("stats", str(base))
    assert "os_fork rss=64MiB" in stats
    # 10 rounds of 4 blocks of 20 calls, and a warm-up block of 20 calls a round.
    assert "Number of warmup per run: 20" in stats
    assert "Total number of values: 800" in stats
    assert "mp_spawn parent=bare" in pyperf_tool("hist", str(base))
    assert "slower" in pyperf_tool("compare_to", str(base), str(slower))


def test_runs_exported_together_are_tested_by_pyperf(fake_run: Path, tmp_path: Path) -> None:
    """Runs of unlike length hold equal numbers of values of what both measured, so that pyperf can test them."""
    cells = [FakeCell(total_ns=240_000.0, calls=15), FakeCell("popen")]
    new = write_run(tmp_path, FakeRun(cells, rounds=7))
    assert main(["export-pyperf", str(fake_run), str(new), "--mechanism", "os_fork"]) == 0
    files = [str(run / FILE) for run in (fake_run, new)]
    # 7 rounds of 4 blocks of 15 calls.
    for file in files:
        suite = pyperf.BenchmarkSuite.load(file)
        assert suite.get_benchmark_names() == ["os_fork parent=bare"]
        assert [len(run.values) for run in suite.get_benchmarks()[0].get_runs()] == [60] * 7
    assert "ERROR" not in pyperf_tool("compare_to", *files)
    assert main(["export-pyperf", str(fake_run), str(new), "-o", "x.json"]) == 2


def test_one_interpreters_cell_of_several_runs_is_exported(tmp_path: Path) -> None:
    """A cell of one interpreter, chosen in runs of two, is exported under one name, so that pyperf compares it."""
    cells = [FakeCell(python="3.11.7"), FakeCell(python="3.12.1")]
    runs = [write_run(tmp_path / name, FakeRun(cells, rounds=rounds)) for name, rounds in (("a", 6), ("b", 8))]
    assert main(["export-pyperf", *map(str, runs), "--cell", "1"]) == 0
    suites = [pyperf.BenchmarkSuite.load(str(run / FILE)) for run in runs]
    assert [suite.get_benchmark_names() for suite in suites] == [["os_fork parent=bare"]] * 2
    assert [len(suite.get_benchmarks()[0].get_runs()) for suite in suites] == [6, 6]
    assert "ERROR" not in pyperf_tool("compare_to", *(str(run / FILE) for run in runs))


def test_an_exported_run_comes_back_as_it_was(fake_run: Path, tmp_path: Path) -> None:
    """Export and import keep rounds, calls, medians, tails and names; only what pyperf cannot hold is gone."""
    before = load_run(fake_run)
    after = load_run(import_pyperf(write_pyperf(before, tmp_path / "run.json"), tmp_path))
    ours, theirs = summarise(before), summarise(after)
    names = ["python", "mechanism", "work", "scenario", "level"]
    times = ["min_ns", "p50_ns", "p50_lo_ns", "p50_hi_ns", "p90_ns", "p99_ns", "p99_lo_ns", "p99_hi_ns"]
    for column in [*names, *times, "rounds", "calls"]:
        assert ours[column].equals(theirs[column]), column
    assert theirs[["rel_p50", "rel_lo", "rel_hi", "ready_p50_ns"]].isna().all().all()
    assert (after.samples["role"] == schema.Role.MECHANISM).all()
    assert (after.samples["warmup"] == 1).sum() == (
        before.samples[before.samples["role"] == "mechanism"]["warmup"]
    ).sum()
    assert after.machine == before.machine
    assert after.name == f"{before.name}-pyperf"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.floats(min_value=1e-6, max_value=10.0), min_size=1, max_size=8))
def test_no_nanosecond_is_lost(times: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whole nanoseconds survive import, export and import again, whatever floating point makes of seconds."""
    folder = tmp_path_factory.mktemp("round")
    first = load_run(import_pyperf(write_file(folder, benchmark(values=times, runs=1)), folder, "one"))
    again = load_run(import_pyperf(write_pyperf(first), folder, "two"))
    assert warm_calls(again)["total_ns"].tolist() == [round(time * 1e9) for time in times]


def test_the_same_run_gives_the_same_bytes(fake_run: Path, tmp_path: Path) -> None:
    """An export written twice is the same file, byte for byte, and without the time at which it was written."""
    run = load_run(fake_run)
    first = write_pyperf(run, tmp_path / "a.json.gz").read_bytes()
    assert write_pyperf(run, tmp_path / "b.json.gz").read_bytes() == first
    assert first[4:8] == bytes(4)


def test_chosen_cells_and_their_names(tmp_path: Path) -> None:
    """Only the cells asked for are exported; the interpreter is in a name only where there are several."""
    cells = [FakeCell(python="3.9.18"), FakeCell(python="3.13.0"), FakeCell("noop", 150.0, work="baseline", control="")]
    run = load_run(write_run(tmp_path, FakeRun(cells, rounds=2)))

    def names(*chosen: int) -> list[str]:
        file = write_pyperf(run, tmp_path / "x.json", chosen or None)
        return list(pyperf.BenchmarkSuite.load(str(file)).get_benchmark_names())

    assert names(0) == ["os_fork parent=bare"]
    assert names(1, 0) == ["os_fork parent=bare 3.9.18", "os_fork parent=bare 3.13.0"]
    assert len(names()) == 3
    with pytest.raises(PyperfError, match="there is no cell 7"):
        names(0, 7)


def test_partial_rounds_and_failed_subjects_are_left_out(tmp_path: Path) -> None:
    """Of a partial run only complete rounds are exported, and a round whose subject failed is no pyperf run."""
    cells = [FakeCell(failing_rounds=(1, 3))]
    run = load_run(write_run(tmp_path, FakeRun(cells, rounds=5, torn=True)))
    suite = pyperf.BenchmarkSuite.load(str(write_pyperf(run)))
    assert suite.get_benchmark("os_fork parent=bare").get_nrun() == 3


def test_a_run_without_calls_is_not_exported(tmp_path: Path) -> None:
    """A run without a complete round says so instead of giving a file that pyperf would refuse."""
    run = load_run(write_run(tmp_path, FakeRun(rounds=0, torn=True)))
    with pytest.raises(PyperfError, match="no complete round"):
        write_pyperf(run)
    assert not (run.path / "pyperf.json.gz").exists()


def test_an_export_without_a_place_says_so(fake_run: Path, tmp_path: Path) -> None:
    """A directory that is not there is one line, and nothing is left beside it."""
    with pytest.raises(PyperfError, match="cannot be written"):
        write_pyperf(load_run(fake_run), tmp_path / "nowhere" / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_a_call_of_no_time_is_exported(tmp_path: Path) -> None:
    """A call that took no tick of the clock, which pyperf does not take, is exported and comes back as 0."""
    cell = FakeCell("noop", 100.0, control="", parent_faults=0, child_faults=0)
    run = load_run(write_run(tmp_path, FakeRun([cell], rounds=1, noise=QUIET)))
    run.samples["total_ns"] = 0
    again = load_run(import_pyperf(write_pyperf(run), tmp_path))
    assert set(again.samples["total_ns"]) == {0}


def test_any_benchmark_becomes_a_run(tmp_path: Path) -> None:
    """Several benchmarks of several interpreters become cells; processes are rounds; nothing pretends to a control."""
    file = write_file(tmp_path, benchmark(), benchmark("pickle", (0.1, 0.3, 0.2), 8, tags=["data"]), hostname="secret")
    directory = import_pyperf(file, tmp_path / "results", "before")
    run = load_run(directory)
    assert run.machine == "example-cpu-4cpu-pyperf"
    assert run.name.endswith("Z-before")
    assert run.document.note is not None
    assert "absolute only" in run.document.note
    assert (run.document.control.available, run.document.control.reason) == (False, run.document.note)
    assert "secret" not in (directory / "run.json").read_text()
    summary = summarise(run).set_index("mechanism")
    assert summary["rounds"].to_dict() == {"json_dumps": 6, "pickle": 8}
    assert summary["p50_ns"].to_dict() == {"json_dumps": 375_000_000, "pickle": 200_000_000}
    assert summary["calls"].to_dict() == {"json_dumps": 12, "pickle": 24}
    assert set(summary["python"]) == {"3.12.1"}
    assert summary["rel_p50"].isna().all()


def test_a_file_of_pyperfs_own_command_is_imported(tmp_path: Path) -> None:
    """What `python -m pyperf timeit` writes, gzipped, is imported; times below 1 µs keep their fractions."""
    file = tmp_path / "timeit.json.gz"
    quick = ("-p", "1", "-n", "3", "-w", "1", "-l", "1000", "-q")
    pyperf_tool("timeit", *quick, "-o", str(file), "pass")
    values = pyperf.Benchmark.load(str(file)).get_values()
    run = load_run(import_pyperf(file, tmp_path / "results"))
    assert run.samples["call_ns"].isna().all()
    assert run.cells["level"].tolist() == ["1000 iterations"]
    assert warm_calls(run)["total_ns"].tolist() == [round(value * 1e12) for value in values]
    assert "mean over a loop" in str(run.document.note)
    assert (tmp_path / "results" / run.machine / run.name) == run.path


def test_processes_are_placed_in_time(tmp_path: Path) -> None:
    """A process began where its end, less its duration, says; where neither is known they follow one another."""
    dated = benchmark(runs=0)
    dated["runs"] = [
        {"values": [1.0], "metadata": {"date": f"2026-01-02 03:04:0{second}.500000", "duration": 1.5}}
        for second in (5, 8)
    ]
    run = load_run(import_pyperf(write_file(tmp_path, dated), tmp_path))
    assert run.name == "20260102T030404Z-pyperf"
    assert run.subjects["start_ns"].tolist() == [0, 3_000_000_000]
    run = load_run(import_pyperf(write_file(tmp_path, benchmark(runs=2)), tmp_path, "undated"))
    assert run.subjects["start_ns"].tolist() == [0, 2_250_000_000]


def test_calibration_is_no_round(tmp_path: Path) -> None:
    """Processes that only calibrate loops are no rounds of the imported run."""
    one = benchmark(runs=2)
    one["runs"] = [{"warmups": [[1, 0.5]], "metadata": {"calibrate_loops": 1}}, *one["runs"]]
    assert load_run(import_pyperf(write_file(tmp_path, one), tmp_path)).rounds == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """The same file imported twice is refused the second time, names the label, and leaves the first as it was."""
    file = write_file(tmp_path, benchmark())
    directory = import_pyperf(file, tmp_path / "results")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(PyperfError, match="already there; nothing was overwritten"):
        import_pyperf(file, tmp_path / "results")
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def test_results_that_are_a_file_are_refused(tmp_path: Path) -> None:
    """A results directory that cannot be one is one line."""
    file = write_file(tmp_path, benchmark())
    with pytest.raises(PyperfError, match="cannot hold results"):
        import_pyperf(file, file)


@pytest.mark.parametrize("label", ["../out", "a b", "", "x" * 80])
def test_a_label_that_is_no_name_is_refused(label: str, tmp_path: Path) -> None:
    """A label that cannot be part of a directory's name is refused before anything is written."""
    with pytest.raises(PyperfError, match="names a directory"):
        import_pyperf(write_file(tmp_path, benchmark()), tmp_path / "results", label)
    assert not (tmp_path / "results").exists()


def test_a_hostile_machine_name_stays_inside(tmp_path: Path) -> None:
    """A file that claims a machine outside of the results directory is filed by its CPU instead."""
    file = write_file(tmp_path, benchmark(), forkbench_machine="../../elsewhere")
    assert import_pyperf(file, tmp_path / "results").parent.name == "example-cpu-4cpu-pyperf"


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", r"x\.json:1: not JSON"),
    "half": (b'{"version": "1.0",\n "benchmarks": [', r"x\.json:2: not JSON"),
    "binary": (b"\xff\xfe\x00", r"x\.json:1: not JSON \(not UTF-8 text\)"),
    "list": (b"[]", "not a result that pyperf"),
    "other document": (b'{"schema": 1}', "not supported"),
    "other version": (b'{"version": "9.0", "benchmarks": []}', "'9.0' not supported"),
    "version of another type": (b'{"version": ["1.0"], "benchmarks": []}', "not a result that pyperf"),
    "no benchmarks": (b'{"version": "1.0"}', "'benchmarks' is missing"),
    "none in it": (b'{"version": "1.0", "benchmarks": []}', "non-empty"),
    "runs of another type": (b'{"version": "1.0", "benchmarks": [{"runs": 5}]}', "not a result that pyperf"),
    "too deep": (b'{"version": "1.0", "benchmarks": ' + b"[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_pyperf_file_is_one_line(kind: str, tmp_path: Path) -> None:
    """Damaged and foreign files are refused in one line that says what is wrong where, and nothing is written."""
    content, said = BAD[kind]
    file = tmp_path / "x.json"
    file.write_bytes(content)
    refused(file, said, tmp_path)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "memory": (benchmark(unit="byte"), "in units of byte; only times"),
    "integer": (benchmark(unit="integer"), "in units of integer; only times"),
    "NaN": (benchmark(values=(0.5, math.nan)), r"runs\[0\].values\[1\]: not a finite number"),
    "negative": (benchmark(values=(0.5, -0.1)), "number > 0.0"),
    "zero": (benchmark(values=(0.5, 0)), "number > 0.0"),
    "infinite": (benchmark(values=(0.5, math.inf)), r"runs\[0\].values\[1\]: not a finite number"),
    "of years": (benchmark(values=(0.5, 1e30)), r"holds a time of 1e\+30 s"),
    "text": (benchmark(values=(0.5, "0.1")), "number > 0.0"),
    "no name": ({"runs": [{"values": [1.0]}]}, "name"),
    "calibration only": ({"metadata": {"name": "x"}, "runs": [{"warmups": [[1, 0.5]]}]}, "holds no values"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_holds_no_times_is_one_line(kind: str, tmp_path: Path) -> None:
    """Benchmarks of memory or counts, and values that are no times, are refused, with good ones beside them too."""
    wrong, said = WRONG[kind]
    refused(write_file(tmp_path, benchmark("good"), wrong), said, tmp_path)


def refused(file: Path, said: str, folder: Path) -> None:
    """`file` must be refused in one line that names it, and leave no run."""
    with pytest.raises(PyperfError, match=said) as caught:
        import_pyperf(file, folder / "results")
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
    assert not (folder / "results").exists()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, a directory, a cut-off archive and one that is none are one line each."""
    refused(tmp_path / "nowhere.json", "cannot be read", tmp_path)
    (tmp_path / "folder.json").mkdir()
    refused(tmp_path / "folder.json", "cannot be read", tmp_path)
    packed = gzip.compress(write_file(tmp_path, benchmark()).read_bytes())
    (tmp_path / "cut.json.gz").write_bytes(packed[:-20])
    refused(tmp_path / "cut.json.gz", "cut off or damaged", tmp_path)
    (tmp_path / "text.json.gz").write_bytes(b"no archive")
    refused(tmp_path / "text.json.gz", "cut off or damaged", tmp_path)
