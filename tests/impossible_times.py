"""Turns a run into one whose times cannot be: each kind moves one time, order or sum that others contradict."""

from __future__ import annotations

import random

from tests.impossible_kinds import impossible, one, regular, scale
from tests.run_tables import TIMES, RunTables


@impossible
def both_times_longer(run: RunTables, dice: random.Random) -> None:
    """Calls and blocks are longer than there was time between the blocks."""
    scale(run, "samples", TIMES, 10)
    scale(run, "blocks", ["elapsed_ns"], 10)


@impossible
def late_subject(run: RunTables, dice: random.Random) -> None:
    """A subject was started, or set up, after its blocks began."""
    row = one(run.subjects, dice)
    column = dice.choice(["start_ns", "setup_ns"])
    run.subjects.loc[row, column] = str(int(run.subjects[column][row]) + 10**11)


@impossible
def early_subject(run: RunTables, dice: random.Random) -> None:
    """A subject of a later round was started before the round before had ended."""
    row = one(run.subjects, dice, run.numbers("subjects", "round") > 0)
    run.subjects.loc[row, "start_ns"] = "0"


@impossible
def swapped_starts(run: RunTables, dice: random.Random) -> None:
    """Two blocks of a round have each other's start."""
    first = one(run.blocks, dice, regular(run))
    rows = regular(run) & (run.blocks["round"] == run.blocks["round"][first]) & (run.blocks.index != first)
    second = one(run.blocks, dice, rows)
    starts = run.blocks["start_ns"]
    run.blocks.loc[[first, second], "start_ns"] = [starts[second], starts[first]]


@impossible
def swapped_orders(run: RunTables, dice: random.Random) -> None:
    """Two blocks of a round have each other's order."""
    first = one(run.blocks, dice, regular(run))
    rows = regular(run) & (run.blocks["round"] == run.blocks["round"][first]) & (run.blocks.index != first)
    second = one(run.blocks, dice, rows)
    orders = run.blocks["order"]
    run.blocks.loc[[first, second], "order"] = [orders[second], orders[first]]


@impossible
def swapped_rounds(run: RunTables, dice: random.Random) -> None:
    """Two rounds have each other's number in all files."""
    first, second = (str(number) for number in dice.sample(range(run.document["rounds"]), 2))
    for table in ("subjects", "blocks", "samples"):
        frame = getattr(run, table)
        frame["round"] = frame["round"].replace({first: second, second: first})


@impossible
def other_wall(run: RunTables, dice: random.Random) -> None:
    """The run took another time than its blocks."""
    run.document["wall_ns"] = int(run.document["wall_ns"] * dice.choice([0.1, 0.5, 2, 10]))


@impossible
def other_share(run: RunTables, dice: random.Random) -> None:
    """The share in calls is not that of the calls."""
    share = run.document["share_in_calls"]
    run.document["share_in_calls"] = dice.choice([share * 0.9, share / 2, min(1.0, share * 1.1)])
