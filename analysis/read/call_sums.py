"""Turns the calls of a run into counts and sums of every block, and these into the certainty that they fit blocks.csv.

Calls are by far the most rows. They are written block by block, so one comparison of neighbours finds the blocks, and
nothing is sorted but these; where rows are in another order, the pieces of a block are added up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.contradiction import Mask, Numbers, Tables, numbers_of, refuse, refuse_key, refuse_row, rows_of
from bench import schema
from bench.schema import Work
from bench.schema.rows import MOST_BLOCKS, MOST_ROUNDS

# Between two calls a subject loops and stores three numbers. In the committed run (results/) that is 0.2 to 1.3 µs at
# the median where calls take 12 µs or less; where it is more, it is 1 % of the call or less. Only calls of `noop` are
# less than half of their block. If they are, with so much more beside each, they were not so short.
_MOST_BETWEEN_NS = 10_000
_LEAST_SHARE = 0.5
# What does more between two calls, outside of the timed span: it makes pages anew or stops a server, or other threads
# hold the interpreter. Nobody knows what a user's own file does.
_BUSY_WORKS = (str(Work.FIRST_WRITE), str(Work.WORKERS))
_BUSY_MECHANISMS = r"^mp_forkserver_cold$|@"
_BUSY_SCENARIOS = r"\b(?:threads_busy|program)\b"
# Fewer blocks may all have been interrupted between two calls.
_FEWEST_BLOCKS = 3
# `share_in_calls` has four digits; the wall time is taken a moment before it.
_SHARE_DIGITS, _SHARE_MOMENT = 1e-4, 0.01


def check_calls(tables: Tables, samples: pd.DataFrame, file: Path) -> None:
    """Raise `LoadError` where the calls in `file` do not fit the blocks, or not themselves."""
    total = numbers_of(samples, "total_ns")
    for name in ("call_ns", "ready_ns"):
        beyond: Mask = numbers_of(samples, name) > total  # false where it is NaN
        for row in rows_of(beyond):
            refuse(file, row + 2, f"{name} is {samples[name][row]:.0f}, beyond total_ns {total[row]}")
    first = _first_of_blocks(samples)
    keys, of_piece = np.unique(_keys(samples.iloc[first]), return_inverse=True)
    pieces = np.diff(np.append(first, len(samples)))
    counts = np.bincount(of_piece, pieces, len(keys)).astype(np.int64)
    # Whole numbers would overflow; floating-point sums are exact up to 104 days.
    in_pieces = np.add.reduceat(total, first, dtype=float) if len(first) else np.zeros(0)
    sums = np.bincount(of_piece, in_pieces, len(keys))
    lines = np.zeros(len(keys), dtype=np.int64)
    lines[of_piece[::-1]] = first[::-1] + 2
    _check_counts(tables, file, keys, counts, lines)
    known = _positions(keys, _keys(tables.blocks))
    found = known >= 0
    of_block = pd.DataFrame({"sum": 0.0, "line": 0, "longest": 0}, index=tables.blocks.index)
    of_block.loc[found, "sum"] = sums[known[found]]
    of_block.loc[found, "line"] = lines[known[found]]
    longest = np.zeros(len(keys), dtype=np.int64)
    if len(first):
        np.maximum.at(longest, of_piece, np.maximum.reduceat(total, first))
    of_block.loc[found, "longest"] = longest[known[found]]
    if tables.measured:
        _check_sums(tables, file, of_block)
        _check_share(tables, keys, sums / tables.at_once(_cells(keys)))


def _first_of_blocks(samples: pd.DataFrame) -> NDArray[np.intp]:
    """Positions of the calls that do not belong to the block of the call before."""
    new = np.zeros(len(samples), dtype=bool)
    new[:1] = True
    for values in (*(numbers_of(samples, name) for name in ("cell", "round", "block")), samples["role"].cat.codes):
        column = np.asarray(values)
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _keys(table: pd.DataFrame) -> NDArray[np.int64]:
    """Cell, round, block and role of every row as one whole number."""
    keys = table["cell"].to_numpy(dtype=np.int64) * MOST_ROUNDS + table["round"].to_numpy()
    keys = keys * (MOST_BLOCKS + 1) + table["block"].to_numpy() + 1
    both: NDArray[np.int64] = keys * 2 + table["role"].cat.codes.to_numpy()
    return both


def _positions(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each of `wanted` is in the sorted `keys`; -1: nowhere."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.intp)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _rounds(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return keys // (2 * (MOST_BLOCKS + 1)) % MOST_ROUNDS


def _cells(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return keys // (2 * (MOST_BLOCKS + 1)) // MOST_ROUNDS


def _check_counts(tables: Tables, file: Path, keys: Numbers, counts: Numbers, lines: Numbers) -> None:
    """A block has as many calls as blocks.csv says; in a round that was not finished, files end where they end."""
    blocks = tables.blocks
    wanted, calls = _keys(blocks), numbers_of(blocks, "calls")
    by_key = np.argsort(wanted)
    at = _positions(wanted[by_key], keys)
    said = np.where(at >= 0, calls[by_key][at], 0) if len(blocks) else np.zeros(len(keys), dtype=np.int64)
    complete = _rounds(keys) < tables.rounds
    wrong = (complete & (counts != said)) | (~complete & (at >= 0) & (counts > said))
    wrong |= _rounds(keys) > tables.last_round
    in_file = np.argsort(lines, kind="stable")
    for place in rows_of(wrong[in_file]):
        one = int(in_file[place])
        missing = "" if at[one] >= 0 else ", which has no such block"
        refuse(file, lines[one], f"{counts[one]} calls of this block, but {said[one]} in blocks.csv{missing}")
    refuse_row(
        tables,
        schema.BLOCKS,
        (_positions(keys, wanted) < 0) & (numbers_of(blocks, "round") < tables.rounds),
        lambda row: f"{calls[row]} calls, but {file.name} has none of them",
    )


def _check_sums(tables: Tables, file: Path, of_block: pd.DataFrame) -> None:
    """The calls of a block take no longer than it, and not all blocks of a cell and role far less.

    Subjects that work at the same time have the time of the block each. Where CPUs are fewer, they may still follow
    each other, so that all of them together fill no more than the time of one.
    """
    blocks = tables.blocks
    sums, elapsed = of_block["sum"].to_numpy(), numbers_of(blocks, "elapsed_ns")
    subjects, longest = tables.at_once(numbers_of(blocks, "cell")), of_block["longest"].to_numpy()
    refuse_row(
        tables,
        schema.BLOCKS,
        sums > elapsed * subjects,
        lambda row: (
            f"elapsed_ns is {elapsed[row]}, but its calls took {sums[row]:.0f} ({file.name}:{of_block['line'][row]})"
        ),
    )
    refuse_row(
        tables,
        schema.BLOCKS,
        longest > elapsed,
        lambda row: f"elapsed_ns is {elapsed[row]}, but its longest call took {longest[row]} ({file.name})",
    )
    whole = (numbers_of(blocks, "round") < tables.rounds) & ~_does_more_between_calls(tables)
    beside = (elapsed - sums) / np.maximum(numbers_of(blocks, "calls"), 1)
    short = (sums < _LEAST_SHARE * elapsed) & (beside > _MOST_BETWEEN_NS)
    frame = blocks.loc[whole, ["cell", "role"]].assign(short=short[whole])
    alike = frame.groupby(["cell", "role"], observed=True)["short"]
    all_short = (alike.transform("all") & (alike.transform("size") >= _FEWEST_BLOCKS)).reindex(
        blocks.index, fill_value=False
    )
    refuse_row(
        tables,
        schema.BLOCKS,
        all_short.to_numpy(dtype=bool),
        lambda row: (
            f"elapsed_ns is {elapsed[row]}, but its calls took only {sums[row]:.0f} "
            f"({file.name}:{of_block['line'][row]}), as in all blocks of this role and cell"
        ),
    )


def _does_more_between_calls(tables: Tables) -> Mask:
    """Whether each block is of a cell whose subject has more to do than to call."""
    cells = tables.cells
    busy = cells["work"].isin(_BUSY_WORKS)
    busy |= cells["mechanism"].str.contains(_BUSY_MECHANISMS) | cells["scenario"].str.contains(_BUSY_SCENARIOS)
    mask: Mask = tables.blocks["cell"].isin(cells.loc[busy, "cell"]).to_numpy(dtype=bool)
    return mask


def _check_share(tables: Tables, keys: Numbers, sums: Numbers) -> None:
    """What run.json says of the time inside calls is their sum; a round that was not finished may count or not."""
    share, wall_ns = tables.document.share_in_calls, tables.document.wall_ns
    if share is None or wall_ns is None:
        return
    least, most = float(sums[_rounds(keys) < tables.rounds].sum()), float(sums.sum())
    told, slack = share * wall_ns, _SHARE_DIGITS * wall_ns
    if not (1 - _SHARE_MOMENT) * least - slack <= told <= (1 + _SHARE_MOMENT) * most + slack:
        of_wall = most / max(wall_ns, 1)
        refuse_key(tables, "share_in_calls", f"{share:g}, but all calls took {of_wall:.4f} of wall_ns")
