"""Turns a run into one that cannot be: each kind changes one thing that other files tell differently."""

from __future__ import annotations

import random
from collections.abc import Callable

import pandas as pd

from tests.run_tables import KEYS, TIMES, USAGE, RunTables

Change = Callable[[RunTables, random.Random], None]
IMPOSSIBLE: dict[str, Change] = {}
"""Every kind of impossible change by what is wrong."""


def impossible(change: Change) -> Change:
    """Register a kind under the first line of its docstring."""
    IMPOSSIBLE[(change.__doc__ or "").rstrip(".")] = change
    return change


def scale(run: RunTables, table: str, columns: list[str], factor: float, rows: pd.Series[bool] | None = None) -> None:
    """Multiply whole numbers, where there are any; at least by one, so that a number changes."""
    frame = getattr(run, table)
    for column in columns:
        chosen = (frame[column] != "") if rows is None else (frame[column] != "") & rows
        frame.loc[chosen, column] = (frame.loc[chosen, column].astype(float) * factor).astype("int64").astype(str)


def one(frame: pd.DataFrame, dice: random.Random, rows: pd.Series[bool] | None = None) -> int:
    """One row of a table, of these rows alone if they are given."""
    return int(dice.choice(list(frame.index if rows is None else frame.index[rows])))


def calls_of(run: RunTables, block: int) -> pd.Series[bool]:
    """The calls of a block."""
    same: pd.Series[bool] = (run.samples[KEYS] == run.blocks.loc[block, KEYS]).all(axis=1)
    return same


def regular(run: RunTables) -> pd.Series[bool]:
    """The blocks that are no warm-up."""
    return run.numbers("blocks", "block") >= 0


@impossible
def calls_longer(run: RunTables, dice: random.Random) -> None:
    """Every call is longer than its block."""
    scale(run, "samples", TIMES, dice.choice([1.2, 10, 1000]))


@impossible
def calls_shorter(run: RunTables, dice: random.Random) -> None:
    """Every call is a tenth or less."""
    scale(run, "samples", TIMES, dice.choice([0.1, 0.01]))


@impossible
def calls_endless(run: RunTables, dice: random.Random) -> None:
    """Every call, or one, takes 10^18 ns."""
    rows = slice(None) if dice.random() < 0.5 else [one(run.samples, dice)]
    run.samples.loc[rows, "total_ns"] = str(10**18)


@impossible
def block_of_longer_calls(run: RunTables, dice: random.Random) -> None:
    """The calls of one block are ten times as long."""
    scale(run, "samples", TIMES, 10, calls_of(run, one(run.blocks, dice)))


@impossible
def part_beyond_the_whole(run: RunTables, dice: random.Random) -> None:
    """A call returns, or a child is ready, after the call has ended."""
    column = dice.choice(TIMES[1:])
    row = one(run.samples, dice, run.samples[column] != "")
    run.samples.loc[row, column] = str(int(run.samples["total_ns"][row]) + dice.choice([1, 10**6]))


@impossible
def calls_twice(run: RunTables, dice: random.Random) -> None:
    """Every call stands there twice."""
    twice = pd.concat([run.samples, run.samples])
    run.samples = twice.sort_index() if dice.random() < 0.5 else twice


@impossible
def calls_gone(run: RunTables, dice: random.Random) -> None:
    """Half of the calls are gone."""
    half = pd.Series(range(len(run.samples)))
    run.drop("samples", half % 2 == 1 if dice.random() < 0.5 else half > len(half) // 2)


@impossible
def one_call(run: RunTables, dice: random.Random) -> None:
    """One call is gone or there twice."""
    row = one(run.samples, dice)
    if dice.random() < 0.5:
        run.drop("samples", pd.Series(run.samples.index == row))
    else:
        run.samples = pd.concat([run.samples, run.samples.loc[[row]]]).sort_index()


@impossible
def calls_of_no_block(run: RunTables, dice: random.Random) -> None:
    """Calls belong to a block that is not there."""
    more = run.samples[calls_of(run, one(run.blocks, dice))].copy()
    more["block"] = str(dice.choice([50, 99]))
    run.samples = pd.concat([run.samples, more])


@impossible
def block_without_calls(run: RunTables, dice: random.Random) -> None:
    """A block has no calls."""
    run.drop("samples", calls_of(run, one(run.blocks, dice)))


@impossible
def block_gone(run: RunTables, dice: random.Random) -> None:
    """A block is gone with its calls."""
    row = one(run.blocks, dice)
    run.drop_blocks(pd.Series(run.blocks.index == row))


@impossible
def round_gone(run: RunTables, dice: random.Random) -> None:
    """A round is gone from all files, or from one of them."""
    number = str(dice.randrange(run.document["rounds"]))
    for table in ["subjects", "blocks", "samples"] if dice.random() < 0.5 else [dice.choice(["subjects", "blocks"])]:
        run.drop(table, getattr(run, table)["round"] == number)


@impossible
def too_many_rounds(run: RunTables, dice: random.Random) -> None:
    """The rounds of run.json were not measured, or are no number."""
    run.document["rounds"] = dice.choice([run.document["rounds"] + 1, 10**6, 10**30, True, 2**62])


@impossible
def too_few_rounds(run: RunTables, dice: random.Random) -> None:
    """A complete run has rows of rounds beyond those of run.json."""
    run.document["rounds"] = dice.randrange(run.document["rounds"])


@impossible
def block_too_short(run: RunTables, dice: random.Random) -> None:
    """A block is shorter than its calls, or takes no time."""
    row = one(run.blocks, dice)
    run.blocks.loc[row, "elapsed_ns"] = str(dice.choice([0, int(run.blocks["elapsed_ns"][row]) // 10]))


@impossible
def other_calls(run: RunTables, dice: random.Random) -> None:
    """A block has another number of calls than it says."""
    row = one(run.blocks, dice)
    run.blocks.loc[row, "calls"] = str(int(run.blocks["calls"][row]) + dice.choice([1, 1000]))


@impossible
def other_cells(run: RunTables, dice: random.Random) -> None:
    """A number of calls or blocks in cells.csv is that of no block."""
    column = dice.choice(["block_calls", "control_calls", "blocks"])
    row = one(run.cells, dice, run.cells[column] != "0")
    run.cells.loc[row, column] = str(int(run.cells[column][row]) + dice.choice([1, 2, 10**6]))


@impossible
def huge_usage(run: RunTables, dice: random.Random) -> None:
    """A usage is more than can be."""
    row = one(run.blocks, dice)
    run.blocks.loc[row, dice.choice(USAGE)] = dice.choice(["1e300", "1e18", "1e12"])


@impossible
def swapped_columns(run: RunTables, dice: random.Random) -> None:
    """The columns cell and round are swapped."""
    table = dice.choice(["subjects", "blocks", "samples"])
    swap = {"cell": "round", "round": "cell"}
    frame = getattr(run, table)
    setattr(run, table, frame.rename(columns=swap)[list(frame.columns)])


@impossible
def header_alone(run: RunTables, dice: random.Random) -> None:
    """A file has no rows."""
    table = dice.choice(["subjects", "blocks", "samples"])
    setattr(run, table, getattr(run, table).iloc[:0])


@impossible
def ok_without_blocks(run: RunTables, dice: random.Random) -> None:
    """A good subject has no blocks."""
    subject = run.subjects.loc[one(run.subjects, dice)]
    run.drop_blocks((run.blocks["cell"] == subject["cell"]) & (run.blocks["round"] == subject["round"]))


@impossible
def other_status(run: RunTables, dice: random.Random) -> None:
    """The status of a subject and its error do not agree."""
    row = one(run.subjects, dice)
    run.subjects.loc[row, dice.choice(["status", "error"])] = "error"


@impossible
def negative_setup(run: RunTables, dice: random.Random) -> None:
    """A subject was set up before it was started."""
    run.subjects.loc[one(run.subjects, dice), "setup_ns"] = "-5"


@impossible
def control_unnamed(run: RunTables, dice: random.Random) -> None:
    """A cell has blocks of a control that it does not name."""
    run.cells.loc[one(run.cells, dice, run.cells["control"] != ""), "control"] = ""
    run.document["schema"] = 2
    run.document["certificate"] = None


@impossible
def control_gone(run: RunTables, dice: random.Random) -> None:
    """A cell names a control and has no blocks of it."""
    cell = run.cells["cell"][one(run.cells, dice, run.cells["control"] != "")]
    run.drop_blocks((run.blocks["cell"] == cell) & (run.blocks["role"] == "control"))
    if dice.random() < 0.5:
        run.cells.loc[run.cells["cell"] == cell, "control_calls"] = "0"


@impossible
def control_of_none(run: RunTables, dice: random.Random) -> None:
    """A cell names a control that it was not measured with."""
    run.cells.loc[one(run.cells, dice, run.cells["control"] == ""), "control"] = "native_fork"
