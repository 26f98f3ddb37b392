"""Holds that a run of several subjects at once is written so that readers believe it, and goes on as it was."""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from analysis.read.run import load_run
from bench import schema
from bench.driver.process import Block
from bench.measure import resumption
from bench.measure.calibrate import costs
from bench.measure.preparation import Preparation
from bench.measure.round import CALLS_WITH_LEAD
from bench.plan.setup import prepare
from tests.engine import measure, needs_fork, options, rows
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

pytestmark = needs_fork


def test_calls_of_all_subjects_are_in_their_block(tmp_path: Path) -> None:
    """Blocks of 1, 2 and 3 parents have as many calls for each of them, the first of each marked; readers agree."""
    scenarios = ("at_once=1,2,3", "rss=1MiB")
    done = measure(tmp_path, mechanisms=("noop", "os_fork"), scenarios=scenarios)
    assert done.failures == {}
    run = load_run(done.directory)
    assert run.samples["total_ns"].gt(0).all()
    assert [row["subjects"] for row in rows(done.directory, schema.CELLS)] == ["1", "1", "2", "2", "3", "3", "", ""]
    for cell in run.cells.to_dict("records"):
        subjects = 1 if math.isnan(cell["subjects"]) else int(cell["subjects"])
        block = run.samples[(run.samples["cell"] == cell["cell"]) & (run.samples["block"] == 0)]
        mechanism = block[block["role"] == "mechanism"]
        assert len(mechanism) == cell["block_calls"]
        assert cell["block_calls"] % subjects == 0
        each = cell["block_calls"] // subjects
        assert mechanism["warmup"].sum() == (subjects if each >= CALLS_WITH_LEAD else 0)
        assert (mechanism["warmup"].to_numpy()[::each] == int(each >= CALLS_WITH_LEAD)).all()


def test_a_call_of_several_costs_what_all_of_them_waited_for() -> None:
    """Two subjects that make 5 calls each from 100 to 1100 ns have 200 ns for one of each; one alone has its own."""
    stamps: Sequence[int] = [50, 1, 0] * 10
    block = Block(100, 1100, None, _array(stamps), 2)
    assert costs(block) == [200.0]
    assert list(costs(Block(100, 1100, None, _array(stamps), 1))) == [50] * 10


def _array(values: Sequence[int]) -> array.array[int]:
    return array.array("q", values)


def test_an_interrupted_run_goes_on_with_the_same_blocks(tmp_path: Path) -> None:
    """What cells.csv says of all subjects together is what each of them makes when the run is taken up again."""
    done = measure(tmp_path, scenarios=("at_once=2",))
    (row,) = rows(done.directory, schema.CELLS)
    setup = prepare()
    with_store: Any = None
    preparation = Preparation(options(tmp_path), setup, with_store, 0)
    record = msgspec.convert({**_known(row), "cell": 0}, schema.CellRow, strict=False)
    preparation.recall(done.cells, {0: record}, {})
    assert preparation.tasks[0].calls(schema.Role.MECHANISM) * 2 == int(row["block_calls"])
    assert preparation.tasks[0].settings.at_once == 2


def test_time_inside_calls_is_shared_when_a_run_goes_on(tmp_path: Path) -> None:
    """Three rounds of 8 calls of 100 us, 8 of 50 us beside them and a warm-up of twice that, by two: 5.4 ms."""
    cell = FakeCell(scenario="at_once", level="2", subjects=2, total_ns=1e5, control_ns=5e4, calls=8, blocks=1)
    found = resumption.read(write_run(tmp_path, FakeRun([cell], rounds=3, noise=QUIET, torn=True)))
    assert found.in_calls_ns == 3 * 3 * 8 * (100_000 + 50_000) // 2


def _known(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if value}
