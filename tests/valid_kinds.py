"""Turns a run into another one that can be: each kind is something that happens to real runs."""

from __future__ import annotations

import random
from collections.abc import Callable

import pandas as pd

from tests.run_tables import USAGE, RunTables

Variation = Callable[[RunTables, random.Random], None]
VALID: dict[str, Variation] = {}
"""Every kind of valid variation by what happened."""


def valid(vary: Variation) -> Variation:
    """Register a kind under the first line of its docstring."""
    VALID[(vary.__doc__ or "").rstrip(".")] = vary
    return vary


@valid
def as_it_is(run: RunTables, dice: random.Random) -> None:
    """Nothing but a label, a seed and the form of the samples file."""
    run.packed = dice.random() < 0.5
    run.document |= {"seed": dice.randrange(2**40), "label": dice.choice([None, "a label"])}
    run.document |= {"ended": None, "unfit": ["load"]}


@valid
def killed(run: RunTables, dice: random.Random) -> None:
    """It was killed in its last round: each file ends anywhere in it, even inside of a line."""
    run.packed = False
    last = run.document["rounds"] - 1
    run.document |= {"status": "partial", "rounds": last, "ended": None, "wall_ns": None, "share_in_calls": None}
    torn = []
    for table in ("subjects", "blocks", "samples"):
        frame = getattr(run, table)
        begin = int((frame["round"].astype(int) < last).sum())
        end = dice.randint(begin, len(frame))
        setattr(run, table, frame.iloc[:end])
        if end > begin and dice.random() < 0.5:
            torn.append(table)
    run.torn = tuple(torn)


@valid
def interrupted(run: RunTables, dice: random.Random) -> None:
    """It was interrupted in its last round, and says how long it took."""
    run.packed = False
    last = run.document["rounds"] - 1
    run.document |= {"status": "partial", "rounds": last}
    begin = int((run.numbers("blocks", "round") < last).sum())
    row = dice.randint(begin, len(run.blocks))
    run.drop_blocks(pd.Series(range(len(run.blocks))) >= row)
    run.subjects.loc[run.numbers("subjects", "round") == last, "setup_ns"] = ""
    run.settle_share()


@valid
def subject_failed(run: RunTables, dice: random.Random) -> None:
    """A subject failed at some block of its round."""
    row = dice.choice(list(run.subjects.index))
    subject = run.subjects.loc[row]
    mine = (run.blocks["cell"] == subject["cell"]) & (run.blocks["round"] == subject["round"])
    kept = dice.randint(0, int(mine.sum()))
    if kept < 2:
        run.subjects.loc[row, "setup_ns"] = ""
    run.drop_blocks(mine & (mine.cumsum() > kept))
    run.subjects.loc[row, ["status", "error"]] = ["error", 'timed out, "twice"']
    run.settle_share()


@valid
def cell_given_up(run: RunTables, dice: random.Random) -> None:
    """A cell failed in two rounds and was not started again."""
    cell = dice.choice(list(run.cells["cell"]))
    first = dice.randrange(run.document["rounds"] - 1)
    subjects, rounds = run.subjects, run.numbers("subjects", "round")
    mine = subjects["cell"] == cell
    subjects.loc[mine & (rounds >= first), ["status", "error", "setup_ns"]] = ["error", "it failed", ""]
    run.drop_blocks((run.blocks["cell"] == cell) & (run.numbers("blocks", "round") >= first))
    run.drop("subjects", mine & (rounds > first + 1))
    run.settle_share()


@valid
def not_calibrated(run: RunTables, dice: random.Random) -> None:
    """The calibration of a cell failed, so that it has no blocks."""
    cell = dice.choice(list(run.cells["cell"]))
    run.cells.loc[run.cells["cell"] == cell, ["block_calls", "control_calls", "blocks", "path"]] = ["0", "0", "0", ""]
    failed = run.subjects[run.subjects["cell"] == cell].iloc[[0]].copy()
    failed[["round", "status", "error", "start_ns", "setup_ns"]] = ["-1", "error", "calibration: no", "5", ""]
    run.drop_blocks(run.blocks["cell"] == cell)
    run.drop("subjects", run.subjects["cell"] == cell)
    run.subjects = pd.concat([failed, run.subjects], ignore_index=True)
    run.settle_share()


@valid
def warm_up_marks(run: RunTables, dice: random.Random) -> None:
    """Other calls are marked as warm-up."""
    run.samples["warmup"] = [dice.choice("01") for _ in range(len(run.samples))]


@valid
def without_control(run: RunTables, dice: random.Random) -> None:
    """A cell, or every one, has no control."""
    cells = list(run.cells["cell"]) if dice.random() < 0.3 else [dice.choice(list(run.cells["cell"]))]
    run.cells.loc[run.cells["cell"].isin(cells), ["control", "control_calls"]] = ["", "0"]
    run.drop_blocks(run.blocks["cell"].isin(cells) & (run.blocks["role"] == "control"))
    run.settle_share()


@valid
def without_usage(run: RunTables, dice: random.Random) -> None:
    """The system tells no usage."""
    run.blocks[USAGE] = ""


@valid
def rows_in_another_order(run: RunTables, dice: random.Random) -> None:
    """Another tool has put the rows of every file into another order."""
    for table in ("cells", "subjects", "blocks", "samples"):
        setattr(run, table, getattr(run, table).sample(frac=1, random_state=dice.randrange(2**30)))


@valid
def interrupted_block(run: RunTables, dice: random.Random) -> None:
    """Blocks were kept waiting between two of their calls, but not all of a cell."""
    rows = run.blocks.index[(run.blocks["block"] == "0")]
    for row in dice.sample(list(rows), len(rows) // 4):
        start = run.numbers("blocks", "start_ns")
        later = start[(start > start[row]) & (run.blocks["round"] == run.blocks["round"][row])]
        if len(later):
            run.blocks.loc[row, "elapsed_ns"] = str(int(later.min()) - int(start[row]))


@valid
def two_sittings(run: RunTables, dice: random.Random) -> None:
    """The subjects of its last round did not fit side by side: one was started when the others had been measured."""
    last = run.document["rounds"] - 1
    later = dice.choice(sorted(set(run.cells["cell"])))
    for table in ("blocks", "samples"):
        frame = getattr(run, table)
        behind = (run.numbers(table, "round") == last) & (frame["cell"] == later)
        setattr(run, table, pd.concat([frame[~behind], frame[behind]], ignore_index=True))
    rows = run.blocks.index[run.numbers("blocks", "round") == last]
    elapsed = run.numbers("blocks", "elapsed_ns")[rows]
    begin = int(run.numbers("blocks", "start_ns")[rows].min())
    run.blocks.loc[rows, "start_ns"] = (begin + elapsed.cumsum() - elapsed).astype(str)
    counted = [row for row in rows if int(run.blocks["order"][row]) >= 0]
    run.blocks.loc[counted, "order"] = [str(place) for place in range(len(counted))]
    of_later = run.blocks.loc[rows, "cell"] == later
    subjects = run.numbers("subjects", "round") == last
    run.subjects.loc[subjects, "setup_ns"] = "0"
    run.subjects.loc[subjects & (run.subjects["cell"] == later), "start_ns"] = str(
        begin + int(elapsed[~of_later].sum())
    )
