"""Turns runs whose figures are known into evidence for the summary: hand-worked numbers, same bytes, partial runs."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.read.run import load_run
from analysis.stats.interval import median_interval
from analysis.summary.cells import summarise, summary_csv, write_summary
from bench import schema
from tests.fake_run import CELLS, QUIET, FakeCell, FakeRun, write_run


def summary_of(results: Path, fake: FakeRun) -> pd.DataFrame:
    """The summary of a fake run, written and read like any other."""
    return summarise(load_run(write_run(results, fake)))


def test_a_run_without_noise_has_the_figures_it_was_made_of(tmp_path: Path) -> None:
    """Every column of every kind of cell equals what the cell was made with, worked out by hand."""
    summary = summary_of(tmp_path, FakeRun(noise=QUIET, rounds=10))
    assert list(summary.columns) == list(schema.SUMMARY.header)
    for cell, row in zip(CELLS, summary.to_dict("records"), strict=True):
        time, calls = cell.total_ns, 10 * cell.blocks * cell.calls  # the block before the first is the warm-up
        expected = {"rounds": 10, "calls": calls, "errors": 0, "parent_faults": cell.parent_faults}
        expected |= {"child_faults": cell.child_faults, "call_p50_ns": round(time * 0.6), "p50_ns": time}
        expected |= {f"{name}_ns": time for name in ("min", "p90", "p50_lo", "p50_hi")}
        ready = math.nan if cell.ready_share is None else round(time * 0.8)
        enough = time if calls >= 368 else math.nan
        expected |= {"ready_p50_ns": ready, "p99_ns": enough, "p99_lo_ns": enough, "p99_hi_ns": enough}
        expected |= {"p999_ns": math.nan}
        ratio = round(time) / round(cell.control_ns) if cell.control else math.nan
        expected |= {"rel_p50": ratio, "rel_lo": ratio, "rel_hi": ratio}
        for column, value in expected.items():
            assert row[column] == pytest.approx(value, nan_ok=True), (cell.mechanism, column)


def test_medians_over_rounds_worked_out_by_hand(tmp_path: Path) -> None:
    """Seven rounds whose medians are 1 … 7 ms: median 4, exact interval 1 … 7, whatever number of calls each has."""
    run = load_run(write_run(tmp_path, FakeRun(cells=(FakeCell(calls=4, blocks=1),), rounds=7, noise=QUIET)))
    medians = [3, 7, 1, 5, 2, 6, 4]
    of_mechanism = run.samples["role"] == schema.Role.MECHANISM
    for number, median in enumerate(medians):
        here = of_mechanism & (run.samples["round"] == number)
        run.samples.loc[here, "total_ns"] = median * 1_000_000
        # A slow call moves neither the median of its block nor that of its round.
        run.samples.loc[run.samples.index[here][-1], "total_ns"] = 90_000_000
    row = summarise(run).iloc[0]
    assert (row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"]) == (4e6, 1e6, 7e6)
    assert (row["min_ns"], row["calls"], row["rounds"]) == (1e6, 28, 7)
    assert row["rel_p50"] == pytest.approx(4e6 / 65_000)
    # 28 calls, seven of them of 90 ms: p90 is among these.
    assert row["p90_ns"] == 90e6


def test_the_tails_are_those_of_all_calls(tmp_path: Path) -> None:
    """1000 calls of 1 … 1000 µs, spread over the rounds: p90 is 900.1 µs and p99 990.01 µs, to the nanosecond."""
    cell = FakeCell(calls=25, blocks=4, control="")
    run = load_run(write_run(tmp_path, FakeRun(cells=(cell,), rounds=10, noise=QUIET)))
    warm = run.samples.index[run.samples["warmup"] == 0]
    run.samples.loc[warm, "total_ns"] = np.arange(1, 1001).reshape(100, 10).T.ravel() * 1000  # one slow call a round
    row = summarise(run).iloc[0]
    assert (row["min_ns"], row["p90_ns"], row["p99_ns"]) == (1000, 900_100, 990_010)
    assert row["p99_lo_ns"] < row["p99_ns"] < row["p99_hi_ns"]
    assert math.isnan(row["p999_ns"])
    run.samples.loc[warm, "warmup"] = 1
    assert summarise(run).iloc[0]["calls"] == 0


def test_a_tail_of_few_rounds_has_no_interval(tmp_path: Path) -> None:
    """Where two of ten rounds hold all slow calls, p99 is a value without an interval; six good rounds have one."""
    cell = FakeCell(calls=25, blocks=4, control="")
    for slow_rounds, rounds, shown in (((3, 7), 10, False), (tuple(range(6)), 6, True)):
        run = load_run(write_run(tmp_path / str(rounds), FakeRun(cells=(cell,), rounds=rounds, noise=QUIET)))
        slow = (run.samples["warmup"] == 0) & run.samples["round"].isin(slow_rounds)
        places = run.samples.index[slow][:: 10 if rounds == 10 else 50]
        run.samples.loc[places, "total_ns"] = 900_000 + np.arange(len(places)) % 2  # the larger half lies above p99
        row = summarise(run).iloc[0]
        assert row["p99_ns"] > 120_000
        assert (not math.isnan(row["p99_lo_ns"])) is shown
        assert (not math.isnan(row["p99_hi_ns"])) is shown


def test_the_noise_of_a_run_is_inside_its_intervals(fake_run: Path) -> None:
    """A noisy run's relative latency holds the true one, where the absolute latency moved with the machine."""
    for cell, row in zip(CELLS, summarise(load_run(fake_run)).to_dict("records"), strict=True):
        if cell.control:
            assert row["rel_lo"] <= cell.total_ns / cell.control_ns <= row["rel_hi"]
            assert row["rel_hi"] / row["rel_lo"] < (1.05 if cell.calls > 1 else 1.2)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """summary.csv is byte for byte the same however often it is written, and for the samples plain or compressed."""
    run = write_run(tmp_path, FakeRun(rounds=8))
    write_summary(load_run(run), summarise(load_run(run)))
    first = (run / "summary.csv").read_bytes()
    (run / "summary.csv").unlink()
    write_summary(load_run(run), summarise(load_run(run)))
    assert (run / "summary.csv").read_bytes() == first
    copy = shutil.copytree(run, tmp_path / "elsewhere")
    assert summary_csv(summarise(load_run(copy))).encode() == first
    assert b"\r" not in first
    assert first.endswith(b"\n")


def test_the_order_of_the_calls_in_the_file_does_not_matter(fake_run: Path) -> None:
    """Rows in any order give the same summary, to the last byte."""
    run, shuffled = load_run(fake_run), load_run(fake_run)
    shuffled.__dict__["samples"] = run.samples.sample(frac=1, random_state=2)
    assert summary_csv(summarise(shuffled)) == summary_csv(summarise(run))


def test_the_file_holds_what_the_summary_says(fake_run: Path) -> None:
    """Numbers in the text are the summary's, whole or with fixed decimals, and what is missing is empty."""
    summary = summarise(load_run(fake_run))
    rows = list(csv.DictReader(summary_csv(summary).splitlines()))
    assert len(rows) == len(CELLS)
    for row, (_, values) in zip(rows, summary.iterrows(), strict=True):
        for column in schema.SUMMARY.columns:
            text, value = row[column.name], values[column.name]
            if column.kind == "str":
                assert text == value
            elif text == "":
                assert math.isnan(value)
                assert column.optional
            else:
                assert float(text) == pytest.approx(value, abs=1e-3 if column.unit != "1" else 1e-6)
                assert column.kind == "float" or text.isdigit()


def test_a_partial_run_is_summed_up_by_its_complete_rounds(tmp_path: Path) -> None:
    """A run that ended in the middle of a line gives what the same run gives that ended after its last round."""
    torn = summary_of(tmp_path / "torn", FakeRun(rounds=7, torn=True))
    whole = summary_of(tmp_path / "whole", FakeRun(rounds=7))
    assert summary_csv(torn) == summary_csv(whole)


@pytest.mark.parametrize("torn", [False, True])
def test_a_run_without_complete_rounds_has_cells_without_figures(tmp_path: Path, torn: bool) -> None:
    """Nothing complete: every cell is there, with no rounds, no calls and no figures."""
    summary = summary_of(tmp_path, FakeRun(rounds=0, torn=torn))
    assert summary["mechanism"].tolist() == [cell.mechanism for cell in CELLS]
    assert summary[["rounds", "calls", "errors"]].to_numpy().sum() == 0
    figures = [column.name for column in schema.SUMMARY.columns if column.optional and column.kind != "str"]
    assert summary[figures].isna().all(axis=None)
    rows = list(csv.reader(summary_csv(summary).splitlines()))
    assert all(len(row) == len(schema.SUMMARY.columns) for row in rows)


@pytest.mark.parametrize(("rounds", "interval"), [(1, False), (5, False), (6, True)])
def test_fewer_than_six_rounds_have_figures_without_intervals(tmp_path: Path, rounds: int, interval: bool) -> None:
    """The median is there from the first round on, its interval from the sixth."""
    summary = summary_of(tmp_path, FakeRun(rounds=rounds, cells=(FakeCell(calls=100),)))
    row = summary.iloc[0]
    assert row["p50_ns"] > 0
    assert row["rel_p50"] > 0
    assert row["p99_ns"] > 0
    for name in ("p50_lo_ns", "p50_hi_ns", "p99_lo_ns", "p99_hi_ns", "rel_lo", "rel_hi"):
        assert math.isnan(row[name]) is not interval


def test_failed_subjects_are_counted_and_their_rounds_are_not(tmp_path: Path) -> None:
    """A cell that failed in two of eight rounds says so, and rests on the other six."""
    cells = (FakeCell(failing_rounds=(2, 5)), FakeCell("noop", control="", failing_rounds=tuple(range(8))))
    summary = summary_of(tmp_path, FakeRun(cells=cells, rounds=8, noise=QUIET))
    assert summary["errors"].tolist() == [2, 8]
    assert summary["rounds"].tolist() == [6, 0]
    assert summary["p50_ns"].tolist()[0] == 120_000
    assert math.isnan(summary["p50_ns"].tolist()[1])


def test_a_run_without_controls_has_no_relative_latency(tmp_path: Path) -> None:
    """Without the control everything absolute is there and everything relative is missing."""
    summary = summary_of(tmp_path, FakeRun(cells=(FakeCell(control=""), FakeCell("noop", 150, control="")), rounds=7))
    assert summary[["p50_ns", "p50_lo_ns"]].gt(0).all(axis=None)
    assert summary[["rel_p50", "rel_lo", "rel_hi"]].isna().all(axis=None)


def test_summary_medians_are_the_intervals_over_round_medians(fake_run: Path) -> None:
    """The summary's interval is `median_interval` of plain medians, taken here from the file without our grouping."""
    run = load_run(fake_run)
    summary = summarise(run)
    samples = run.samples[(run.samples["warmup"] == 0) & (run.samples["role"] == schema.Role.MECHANISM)]
    for number, row in zip(run.cells["cell"], summary.to_dict("records"), strict=True):
        here = samples[samples["cell"] == number]
        medians = [float(np.median(here["total_ns"][here["round"] == each])) for each in range(run.rounds)]
        expected = median_interval(medians)
        assert row["p50_ns"] == round(expected.center)
        assert row["p50_lo_ns"] == round(expected.lo)
        assert row["p50_hi_ns"] == round(expected.hi)
