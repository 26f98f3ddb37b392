"""Pairs of identical runs, here and by pyperf, and the widths that schedules reach."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.experiments import identical_runs, schedule_widths
from analysis.read.run import load_run
from analysis.summary.cells import summarise
from bench.experiments import identical_runs as bench_aa
from tests.fake_run import FakeCell, FakeRun, Noise, write_run

FORK = FakeCell(calls=5, blocks=2)
STEADY = Noise(drift=0.05, subject=0.01, ratio=0.002, block=0.002, call=0.01, slow=0)


def make(results: Path, number: int, cell: FakeCell = FORK, label: str = "", **about: Any) -> Path:
    """One fake run of one cell."""
    name = f"20261124T{number:02}0000Z" + (f"-{label}" if label else "")
    fields: dict[str, Any] = {"cells": [cell], "rounds": 12, "noise": STEADY, "seed": number, "run": name}
    return write_run(results, FakeRun(**(fields | about)))


def pyperf_file(folder: Path, number: int, mean_s: float) -> None:
    """A file of pyperf: 20 processes of 3 values with a spread of 1 % around `mean_s`."""
    values = np.random.default_rng(number).normal(mean_s, 0.01 * mean_s, (20, 3)).tolist()
    benchmark = {"metadata": {"name": "os_fork", "unit": "second"}, "runs": [{"values": run} for run in values]}
    text = json.dumps({"version": "1.0", "benchmarks": [benchmark]})
    (folder / f"pyperf-{number:03}.json").write_text(text, encoding="utf-8")


def test_identical_runs_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four identical runs make six pairs, none of them different; pyperf's own test is counted beside it."""
    for number in range(4):
        make(tmp_path, number)
        pyperf_file(tmp_path, number, mean_s=1e-4 * (1 + 0.03 * (number == 3)))
    assert identical_runs.main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "this suite: 4 runs, 0 of 6 (0.00 %) of the core cells' pairs called different"
    assert lines[1].startswith("  os_fork parent bare 3.11.7 (relative): 0 of 6 (0.00 %)")
    assert lines[2].startswith(
        "pyperf: 4 runs, 3 of 6 (50.00 %) of the pairs significant to its compare_to (means up to 3"
    )


def test_a_run_that_differs_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run of four that really differs is in three of six pairs, and the status is 1."""
    for number in range(4):
        make(tmp_path, number, replace(FORK, total_ns=120_000.0 * (1.1 if number == 1 else 1)))
    assert identical_runs.main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "3 of 6 (50.00 %) of the core cells' pairs called different" in out
    assert "pyperf" not in out


def test_nothing_to_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without two runs, or with a run that is too short, is one line and status 2."""
    assert identical_runs.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"analysis.experiments.identical_runs: {tmp_path}: 0 runs, a pair needs 2; "
        "measure with python -m bench.experiments.identical_runs\n"
    )
    make(tmp_path, 1)
    make(tmp_path, 2, rounds=3)
    assert identical_runs.main([str(tmp_path)]) == 2
    assert "3 complete rounds" in capsys.readouterr().err


def test_schedules_by_width(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs are grouped by label; the schedule with the narrower intervals comes first, with rounds and share."""
    noisy = replace(STEADY, ratio=0.05)
    for number in range(2):
        make(tmp_path, number, label="narrow", document={"label": "narrow", "share_in_calls": 0.5})
        make(tmp_path, 10 + number, label="wide", noise=noisy, document={"label": "wide"})
    assert schedule_widths.main([str(tmp_path)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1][:5] == ["schedule", "runs", "rounds", "in", "calls"]
    assert lines[2][:4] == ["narrow", "2", "12.00", "50.00"]
    assert lines[3][:4] == ["wide", "2", "12.00", "90.00"]
    assert float(lines[2][4]) < float(lines[3][4])
    assert lines[2][-1] == "1.00"


def test_half_width_by_hand(tmp_path: Path) -> None:
    """The half-width is half of the interval as a percentage of the value; of absolute latency without a control."""
    with_control = schedule_widths.figures(load_run(make(tmp_path, 1)))
    summary = summarise(load_run(tmp_path / "fake-2cpu" / "20261124T010000Z")).iloc[0]
    expected = 50 * (summary["rel_hi"] - summary["rel_lo"]) / summary["rel_p50"]
    assert with_control["os_fork"] == pytest.approx(expected)
    bare = make(tmp_path, 2, replace(FORK, control=""))
    summary = summarise(load_run(bare)).iloc[0]
    expected = 50 * (summary["p50_hi_ns"] - summary["p50_lo_ns"]) / summary["p50_ns"]
    assert schedule_widths.figures(load_run(bare))["os_fork"] == pytest.approx(expected)
    assert schedule_widths.figures(load_run(bare))["mp_spawn"] is None


def test_no_schedules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without runs is one line and status 2."""
    assert schedule_widths.main([str(tmp_path)]) == 2
    assert "no runs" in capsys.readouterr().err


def test_measuring_refuses_what_it_cannot_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run makes no pair, and a directory that holds something would count it: both end with status 2."""
    (tmp_path / "old").touch()
    for arguments in (["--runs", "1", "--results", str(tmp_path / "new")], ["--results", str(tmp_path)]):
        with pytest.raises(SystemExit) as end:
            bench_aa.main(arguments)
        assert end.value.code == 2
    assert "is not empty" in capsys.readouterr().err


def test_measuring_says_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tool that ends with an error ends the whole with status 2 and its name, Ctrl-C with 130; no traceback."""
    asked: list[list[str]] = []

    def fail(command: list[str], **options: Any) -> None:
        asked.append(command)
        if "pyperf" in command:
            raise subprocess.CalledProcessError(3, command)

    monkeypatch.setattr("bench.experiments.identical_runs.subprocess.run", fail)
    assert bench_aa.main(["--runs", "2", "--results", str(tmp_path / "a")]) == 2
    assert "`-m pyperf timeit` ended with status 3" in capsys.readouterr().err
    assert [command[2] for command in asked] == ["bench", "pyperf"]

    def interrupt(command: list[str], **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.experiments.identical_runs.subprocess.run", interrupt)
    assert bench_aa.main(["--results", str(tmp_path / "b")]) == 130


@pytest.mark.parametrize("program", [identical_runs, schedule_widths])
def test_a_hostile_place_is_named_in_letters(program: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an error spells out what a path may hold."""
    assert program.main(["no\x1b[2J\u202eplace"]) == 2
    assert r": no\x1b[2J\u202eplace: " in capsys.readouterr().err
