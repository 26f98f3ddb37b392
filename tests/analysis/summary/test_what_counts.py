"""What counts for a cell's figures, by plain loops and hand-worked numbers: calls, rounds, roles, usage, errors."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.read.run import load_run
from analysis.stats.rounds import round_table, warm_calls
from analysis.stats.tail import quantile_interval
from analysis.summary.cells import summarise, summary_csv, write_summary
from bench import schema
from tests.edit_run import Row, change_rows, rows_of
from tests.fake_run import QUIET, FakeCell, FakeRun, Noise, write_run

USAGE = [column.name for column in schema.BLOCKS.columns if column.optional]


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """A run of two cells and eight complete rounds of nine, in which every time and every usage is another one."""
    cells = [FakeCell(calls=3, blocks=2, failing_rounds=(5,)), FakeCell("noop", control="", calls=4, blocks=1)]
    run = write_run(tmp_path, FakeRun(cells=cells, rounds=9, noise=QUIET))
    document = (run / "run.json").read_text()
    (run / "run.json").write_text(document.replace('"rounds": 9', '"rounds": 8').replace('"complete"', '"partial"'))
    dice = np.random.default_rng(5)

    def times(row: Row) -> None:
        total = int(dice.integers(1000, 100_000))
        row |= {"total_ns": str(total), "call_ns": str(total // 3), "ready_ns": row["ready_ns"] and str(total // 2)}
        if dice.random() < 0.2:
            row["warmup"] = "1"

    def usage(row: Row) -> None:
        row |= {name: f"{dice.uniform(0, 1000):.3f}" if dice.random() < 0.8 else "" for name in USAGE}

    return change_rows(change_rows(run, "samples.csv.gz", times), "blocks.csv", usage)


def test_the_round_table_is_that_of_plain_loops(uneven: Path) -> None:
    """Each figure of each round: warm calls of complete rounds, mechanism and control apart, usage by calls."""
    samples = rows_of(uneven / "samples.csv.gz")
    blocks = rows_of(uneven / "blocks.csv")
    table = round_table(load_run(uneven))
    keys = sorted({(int(row["cell"]), int(row["round"])) for row in samples if int(row["round"]) < 8})
    assert list(zip(table["cell"], table["round"], strict=True)) == keys
    assert len(keys) == 15
    for (cell, number), row in zip(keys, table.to_dict("records"), strict=True):
        here = [
            each for each in samples if (int(each["cell"]), int(each["round"]), each["warmup"]) == (cell, number, "0")
        ]
        mechanism = [each for each in here if each["role"] == "mechanism"]
        control = [int(each["total_ns"]) for each in here if each["role"] == "control"]
        assert row["calls"] == len(mechanism)
        assert row["p50_ns"] == np.median([int(each["total_ns"]) for each in mechanism])
        assert row["call_p50_ns"] == np.median([int(each["call_ns"]) for each in mechanism])
        ready = [int(each["ready_ns"]) for each in mechanism if each["ready_ns"]]
        assert row["ready_p50_ns"] == pytest.approx(np.median(ready) if ready else math.nan, nan_ok=True)
        assert row["control_p50_ns"] == pytest.approx(np.median(control) if control else math.nan, nan_ok=True)
        ratios = []
        for block in sorted({each["block"] for each in mechanism}):
            sides = [
                [int(each["total_ns"]) for each in here if (each["block"], each["role"]) == (block, role)]
                for role in ("mechanism", "control")
            ]
            if all(sides):
                ratios.append(np.median(sides[0]) / np.median(sides[1]))
        assert row["rel"] == pytest.approx(np.median(ratios) if ratios else math.nan, nan_ok=True)
        for name in USAGE:
            told = [
                (float(each[name]), int(each["calls"]))
                for each in blocks
                if (each["cell"], each["round"], each["role"]) == (str(cell), str(number), "mechanism")
                and int(each["block"]) >= 0
                and each[name]
            ]
            calls = sum(weight for _, weight in told)
            expected = sum(value * weight for value, weight in told) / calls if calls else math.nan
            assert row[name] == pytest.approx(expected, nan_ok=True), name


def test_the_summary_is_that_of_plain_loops(uneven: Path) -> None:
    """Medians over the rounds of each round's figure, rounded to whole ns; calls, rounds and errors are counted."""
    run = load_run(uneven)
    rounds = round_table(run)
    assert all(summarise(run)[name].dtype.kind == "i" for name in ("cell", "rounds", "calls", "errors"))
    for row in summarise(run).to_dict("records"):
        mine = rounds[rounds["cell"] == row["cell"]]
        assert (row["rounds"], row["errors"]) == ((7, 1) if row["cell"] == 0 else (8, 0))
        assert row["calls"] == mine["calls"].sum()
        for name in ("p50_ns", "call_p50_ns", "ready_p50_ns"):
            values = sorted(mine[name].dropna())
            expected = round(float(np.median(values))) if values else math.nan
            assert row[name] == pytest.approx(expected, nan_ok=True), name
        # Of seven and of eight values, the exact interval is from the smallest to the largest.
        assert (row["p50_lo_ns"], row["p50_hi_ns"]) == (round(mine["p50_ns"].min()), round(mine["p50_ns"].max()))
        if row["cell"] == 0:
            assert (row["rel_lo"], row["rel_hi"]) == (mine["rel"].min(), mine["rel"].max())
        for name in ("parent_faults", "child_faults"):
            assert row[name] == np.median(mine[name].dropna())
        warm = warm_calls(run)
        calls = [
            time
            for cell, role, time in zip(warm["cell"], warm["role"], warm["total_ns"], strict=True)
            if (cell, role) == (row["cell"], "mechanism")
        ]
        assert row["min_ns"] == min(calls)
        assert row["p90_ns"] == round(float(np.quantile(calls, 0.9)))


def test_warm_calls_are_all_that_are_neither_warm_up_nor_of_a_later_round(uneven: Path) -> None:
    """A call counts if its `warmup` is 0 and its round is complete; where all count, all are there."""
    run = load_run(uneven)
    expected = [
        place
        for place, (warmup, number) in enumerate(zip(run.samples["warmup"], run.samples["round"], strict=True))
        if warmup == 0 and number < 8
    ]
    assert warm_calls(run).index.tolist() == expected
    assert 0 < len(expected) < len(run.samples)
    run.__dict__["samples"] = warm_calls(run)
    assert warm_calls(run).equals(run.samples)


def test_errors_of_rounds_that_are_not_complete_are_not_counted(tmp_path: Path) -> None:
    """A subject that failed in the unfinished round is in no figure; one of the last complete round is."""
    cells = [FakeCell("noop", control="", calls=1, blocks=1), FakeCell(calls=1, blocks=1, failing_rounds=(0, 6, 7))]
    summary = summarise(load_run(write_run(tmp_path, FakeRun(cells=cells, rounds=7, noise=QUIET, torn=True))))
    assert summary["errors"].tolist() == [0, 2]
    assert summary["rounds"].tolist() == [7, 5]


def test_tails_are_of_the_mechanism_round_by_round(tmp_path: Path) -> None:
    """p99 and its interval are of the mechanism's calls, with the round as the unit, for each of many cells."""
    cells = [FakeCell(level=str(number), calls=200, blocks=2, failing_rounds=(number,)) for number in range(3)]
    run = load_run(write_run(tmp_path, FakeRun(cells=cells, rounds=9, noise=Noise(drift=0, subject=0))))
    for row in summarise(run).to_dict("records"):
        mine = run.samples[(run.samples["cell"] == row["cell"]) & (run.samples["role"] == "mechanism")]
        mine = mine[mine["warmup"] == 0]
        rounds = [part["total_ns"].to_numpy() for _, part in mine.groupby("round")]
        assert [len(part) for part in rounds] == [400] * 8
        expected = quantile_interval(rounds, 0.99)
        named = [row[name] for name in ("p99_ns", "p99_lo_ns", "p99_hi_ns")]
        assert named == [round(expected.center), round(expected.lo), round(expected.hi)]
        assert row["p99_lo_ns"] < row["p99_ns"] < row["p99_hi_ns"]


def test_the_999th_of_a_thousand_is_given_from_3688_calls_on(tmp_path: Path) -> None:
    """With 4000 calls of 1 … 4000 µs, p99.9 is 3996.001 µs."""
    run = load_run(write_run(tmp_path, FakeRun([FakeCell(control="", calls=500, blocks=1)], rounds=8, noise=QUIET)))
    warm = run.samples.index[run.samples["warmup"] == 0]
    run.samples.loc[warm, "total_ns"] = np.random.default_rng(1).permutation(np.arange(1, 4001)) * 1000
    row = summarise(run).iloc[0]
    assert (row["p999_ns"], row["p99_ns"], row["p90_ns"]) == (3_996_001, 3_960_010, 3_600_100)


def test_many_cells_and_rounds_keep_their_own_calls(tmp_path: Path) -> None:
    """Numbers of cells and rounds that need more than 16 bits together do not mix up what belongs to whom."""
    run = load_run(write_run(tmp_path, FakeRun([FakeCell(control="", calls=1, blocks=1)], rounds=6, noise=QUIET)))
    run.document.rounds = 70_000
    warm = run.samples.index[run.samples["warmup"] == 0]
    for frame in (run.samples, run.blocks, run.subjects):
        frame["round"] = frame["round"].map(lambda number: number * 13_200)
    run.samples.loc[warm, "total_ns"] = [50, 10, 60, 20, 40, 30]
    row = summarise(run).iloc[0]
    assert (row["min_ns"], row["p50_lo_ns"], row["p50_hi_ns"], row["p90_ns"]) == (10, 10, 60, 55)


def test_the_text_has_fixed_decimals(tmp_path: Path) -> None:
    """Whole ns, six decimals of a ratio, three of page faults: the line of one cell, letter by letter."""
    cell = replace(FakeCell(calls=40, blocks=1), parent_faults=40.12345, child_faults=7.0)
    run = load_run(write_run(tmp_path, FakeRun([cell], rounds=10, noise=QUIET)))
    assert summary_csv(summarise(run)).splitlines()[1] == (
        "0,3.11.7,os_fork,fork,parent,bare,,native_fork,40,40,1,fork,,10,400,0,120000,120000,120000,120000,,"
        "120000,120000,120000,120000,72000,72000,72000,96000,1.846154,1.846154,1.846154,40.123,7.000,,,"
    )
    write_summary(run, summarise(run))
    assert (run.path / "summary.csv").read_bytes() == summary_csv(summarise(run)).encode()


def test_a_control_of_one_nanosecond_is_a_time_and_of_none_is_not(tmp_path: Path) -> None:
    """A ratio is taken of the least time there is; where the control took 0 ns, the block has none."""
    cells = [FakeCell(control_ns=1.0, calls=1, blocks=1), FakeCell(control_ns=2.0, calls=1, blocks=1)]
    run = load_run(write_run(tmp_path, FakeRun(cells, rounds=6, noise=QUIET)))
    zero = (run.samples["cell"] == 1) & (run.samples["role"] == schema.Role.CONTROL)
    run.samples.loc[zero, "total_ns"] = 0
    assert round_table(run)["rel"].dropna().tolist() == [120_000.0] * 6


def test_calls_of_a_failed_subject_do_not_count(tmp_path: Path) -> None:
    """A subject that fails in the middle of its round leaves calls behind; neither they nor its usage count."""
    cells = [
        FakeCell(calls=10, blocks=2),
        FakeCell("posix_spawn", 2e5, 1.6e5, "exec", "native_spawn", calls=10, blocks=2),
    ]
    run = write_run(tmp_path, FakeRun(cells, rounds=8, noise=QUIET))

    def fail(row: dict[str, str]) -> None:
        if (row["cell"], row["round"]) == ("0", "3"):
            row["status"], row["error"] = "error", "the child exited with status 1"

    def slow(row: dict[str, str]) -> None:
        if (row["cell"], row["round"]) == ("0", "3"):
            row["total_ns"] = "900000000"

    change_rows(change_rows(run, "subjects.csv", fail), "samples.csv.gz", slow)
    summary = summarise(load_run(run)).set_index("mechanism")
    assert summary["rounds"].to_dict() == {"os_fork": 7, "posix_spawn": 8}
    assert summary["calls"].to_dict() == {"os_fork": 7 * 20, "posix_spawn": 8 * 20}
    assert summary["errors"].to_dict() == {"os_fork": 1, "posix_spawn": 0}
    assert summary["p90_ns"].to_dict() == {"os_fork": 120_000, "posix_spawn": 200_000}
    assert round_table(load_run(run)).groupby("cell").size().to_dict() == {0: 7, 1: 8}
