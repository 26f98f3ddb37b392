"""Turns hosts into rows, one for every cell of every host, ranked among the hosts that have the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import LoadError
from analysis.hosts.load import Host
from analysis.hosts.odd import odd_hosts
from analysis.hosts.ranking import ranks
from analysis.stats.ratio import ABSOLUTE_SPREAD, RELATIVE_SPREAD
from analysis.text.names import WORK_TITLES

COLUMNS = (
    "work",
    "mechanism",
    "scenario",
    "level",
    "python",
    "host",
    "machine",
    "run",
    "rank",
    "rel_p50",
    "rel_lo",
    "rel_hi",
    "absolute_rank",
    "p50_ns",
    "p50_lo_ns",
    "p50_hi_ns",
    "rounds",
)
"""Columns of the rows; ranks are 0 where there is no such latency."""
KEY = ["mechanism", "scenario", "level", "series_python"]


@dataclass(frozen=True)
class HostTable:
    """All `rows` (see `COLUMNS`), best first within a cell, cells by work; `odd` hosts with their reasons."""

    hosts: Sequence[Host]
    rows: pd.DataFrame
    odd: dict[str, list[str]]

    @property
    def relative(self) -> bool:
        """Whether any row has a relative latency."""
        return bool(self.rows["rel_p50"].notna().any())


def host_table(hosts: Sequence[Host], mechanisms: Sequence[str] = ()) -> HostTable:
    """The table of `hosts`; only of `mechanisms`, if there are any. Raises `LoadError` where nothing is left."""
    frames = [
        host.summary[host.summary["p50_ns"].notna()].assign(
            host=host.name, machine=host.document.machine, run=host.document.run
        )
        for host in hosts
    ]
    rows = pd.concat(frames, ignore_index=True)
    there = list(dict.fromkeys(rows["mechanism"]))
    for name in mechanisms:
        if name not in there:
            raise LoadError(f"--mechanism {name}: no host has it; there is {', '.join(there)}")
    rows = rows[rows["mechanism"].isin(mechanisms)] if mechanisms else rows
    if rows.empty:
        raise LoadError("no host has a cell with a figure; measure longer")
    # Hosts with one interpreter each are compared whatever it is; that it differs is told beside.
    several = any(host.summary["python"].nunique() > 1 for host in hosts)
    rows = rows.assign(series_python=rows["python"] if several else "")
    return HostTable(hosts, _ranked(rows), odd_hosts(hosts))


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with their ranks, in order; relative latency decides where a cell has one."""
    rows = rows.assign(rank=0, absolute_rank=0)
    for places in rows.groupby(KEY, sort=False).indices.values():
        part = rows.iloc[places]
        for column, names, spread in (
            ("rank", ("rel_p50", "rel_lo", "rel_hi"), RELATIVE_SPREAD),
            ("absolute_rank", ("p50_ns", "p50_lo_ns", "p50_hi_ns"), ABSOLUTE_SPREAD),
        ):
            center, low, high = (part[name].to_numpy(dtype=float) for name in names)
            rows.iloc[places, rows.columns.get_loc(column)] = ranks(center, low, high, spread)  # type: ignore[index]
    works = list(WORK_TITLES)
    order = np.array([works.index(work) if work in works else len(works) for work in rows["work"]])
    cells = rows.groupby(KEY, sort=False).ngroup()
    keys = (rows["p50_ns"], rows["rel_p50"].fillna(np.inf), cells, order)
    return rows.iloc[np.lexsort(keys)].reset_index(drop=True)[[*COLUMNS, "series_python"]]
