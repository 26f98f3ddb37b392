"""Turns the rows of a cell on many hosts into the few that are shown: the best, what lies between, the worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.hosts.table import KEY, HostTable
from analysis.text import units
from analysis.text.names import WORK_TITLES, cell_name

MOST_HOSTS = 12
"""So many hosts are all shown."""
ENDS = 3
_BETWEEN = ((0.25, "a quarter of all"), (0.5, "half of all"), (0.75, "three quarters"))
_OF_THE_INSTRUMENT = ("control", "baseline", "known")
HEAD = ("cell", "rank", "host", "relative", "absolute", "rank of absolute")
LEFT = ("cell", "host")


@dataclass(frozen=True)
class ShownWork:
    """One table: its title, and its rows under `HEAD`."""

    title: str
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class Shown:
    """The tables, and what is not in them: so many `hosts` of a cell, and `lone` cells that one host alone has."""

    works: list[ShownWork]
    hosts: int
    lone: int


def shown(table: HostTable, everything: bool = False) -> Shown:
    """What is shown of `table`: cells with a bare parent that several hosts have; `everything`: all cells and hosts.

    Where no cell has a bare parent, or there is one host, that is no reason to leave a cell out.
    """
    rows = table.rows
    lone = 0
    if not everything:
        bare = rows[(rows["scenario"] == "parent") & (rows["level"] == "bare")]
        rows = bare if len(bare) else rows
        told = rows[~rows["work"].isin(_OF_THE_INSTRUMENT)]
        rows = told if len(told) else rows
        count = rows.groupby(KEY)["host"].transform("size")
        if (count > 1).any():
            lone = len(rows[count == 1])
            rows = rows[count > 1]
    works, most = [], 0
    for work, of_work in rows.groupby("work", sort=False):
        texts: list[tuple[str, ...]] = []
        for _, cell in of_work.groupby(KEY, sort=False):
            few = everything or len(cell) <= MOST_HOSTS
            most = max(most, 0 if few else len(cell) - 2 * ENDS)
            texts += _rows(cell) if few else _ends(cell)
        works.append(ShownWork(WORK_TITLES.get(str(work), str(work)), texts))
    return Shown(works, most, lone)


def _rows(cell: pd.DataFrame, named: bool = True) -> list[tuple[str, ...]]:
    return [_texts(row, named and place == 0) for place, row in enumerate(cell.to_dict("records"))]


def _ends(cell: pd.DataFrame) -> list[tuple[str, ...]]:
    between = []
    for share, what in _BETWEEN:
        relative, absolute = (cell[name].quantile(share) for name in ("rel_p50", "p50_ns"))
        between.append(("", "", f"… {what}: up to", units.ratio_text(relative), units.time_text(absolute), ""))
    return [*_rows(cell.head(ENDS)), *between, *_rows(cell.tail(ENDS), False)]


def _texts(row: dict[Any, Any], named: bool) -> tuple[str, ...]:
    return (
        cell_name(row, bool(row["series_python"])) if named else "",
        str(row["rank"] or ""),
        str(row["host"]),
        units.ratio_text(row["rel_p50"], row["rel_lo"], row["rel_hi"]),
        units.time_text(row["p50_ns"], row["p50_lo_ns"], row["p50_hi_ns"]),
        str(row["absolute_rank"] or ""),
    )
