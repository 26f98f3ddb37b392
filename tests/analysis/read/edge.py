"""Turns a run without noise into one at the very edge of what can be, and into what reading it complains of."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.fake_run import FakeCell
from tests.impossible_runs import complaint
from tests.run_tables import KEYS, RunTables

# Cell 0 has a control and calls of 120 and 60 µs, cell 1 none and calls of 40 µs; warm-ups take twice as long.
CELLS = (FakeCell(calls=4, blocks=2), FakeCell("thread", 40_000.0, control="", calls=4, blocks=2))
ROUNDS = 3
IMPORTED = {"format": "pyperf", "file": "x.json", "version": None}


class Edge:
    """A run to be changed again and again, and what reading it says each time."""

    def __init__(self, run: RunTables, folder: Path) -> None:
        self.run = run
        self._folder = folder
        self._read = 0

    def said(self) -> str:
        """What reading it complains of, without the remedy; empty: nothing."""
        self._read += 1
        return complaint(self.run.write(self._folder / str(self._read))).partition(
            "; the files of the run contradict each other; "
        )[0]

    def move(self, table: str, row: int, column: str, by: int) -> None:
        """Add to one number."""
        frame = getattr(self.run, table)
        frame.loc[row, column] = str(int(frame[column][row]) + by)

    def takes(self, cell: str, call_ns: int, block_ns: int) -> None:
        """Let every call of a cell take so long, and every block of it; all that follows comes later."""
        run = self.run
        run.samples.loc[run.samples["cell"] == cell, ["total_ns", "call_ns", "ready_ns"]] = [str(call_ns), "1", ""]
        run.blocks.loc[run.blocks["cell"] == cell, "elapsed_ns"] = str(block_ns)
        ends = run.numbers("blocks", "elapsed_ns").cumsum()
        run.blocks["start_ns"] = (ends - run.numbers("blocks", "elapsed_ns")).astype(str)
        begin = run.blocks.groupby("round")["start_ns"].first()
        run.subjects["start_ns"], run.subjects["setup_ns"] = run.subjects["round"].map(begin), "0"
        run.document |= {"wall_ns": None, "share_in_calls": None}

    def unfinished(self) -> None:
        """Let the last round be one that was not finished."""
        self.run.packed = False
        self.run.document |= {"status": "partial", "rounds": ROUNDS - 1, "wall_ns": None, "share_in_calls": None}

    def last_row(self, table: str) -> int:
        """The row that the file ends with."""
        return len(getattr(self.run, table)) - 1


def calibration_failed(run: RunTables, cell: str) -> None:
    """Make the cell one whose calibration failed: an error row is all that there is of it."""
    of_cell = run.cells["cell"] == cell
    run.cells.loc[of_cell, ["block_calls", "control_calls", "blocks", "path"]] = ["0", "0", "0", ""]
    failed = run.subjects[run.subjects["cell"] == cell].iloc[[0]].copy()
    failed[["round", "status", "error", "start_ns", "setup_ns"]] = ["-1", "error", "calibration: no", "0", ""]
    run.drop_blocks(run.blocks["cell"] == cell)
    run.drop("subjects", run.subjects["cell"] == cell)
    run.subjects = pd.concat([failed, run.subjects], ignore_index=True)
    run.settle_share()


def warm_ups(run: RunTables, role: str) -> list[int]:
    """Rows of the warm-ups of cell 0 in this role, round by round."""
    blocks = run.blocks
    return list(blocks.index[(blocks["cell"] == "0") & (blocks["role"] == role) & (blocks["block"] == "-1")])


def calls_of(run: RunTables, row: int) -> list[int]:
    """Rows of the calls of a block."""
    return list(run.samples.index[(run.samples[KEYS] == run.blocks.loc[row, KEYS]).all(axis=1)])
