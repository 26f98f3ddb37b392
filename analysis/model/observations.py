"""Turns a run into what a model of cost is fitted to: its parents, each with its dose and what a fork cost it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.errors import LoadError
from analysis.model.terms import COLUMNS, HANDLERS, NEEDED, Numbers
from analysis.read.run import Run
from analysis.stats.rounds import round_table
from bench.schema import SubjectStatus, Work, state_name

CONTROL, SHARED = "native_fork", "os_fork"
# Parents whose forks cost more than what they hold: other threads, parents or another CPU are at work.
_DISTURBED = ("affinity", "at_once", "threads_busy")
# Calls that change what their parent holds, or leave a server behind.
_CHANGING = (Work.FIRST_WRITE, Work.WORKERS)
# Which at-fork handlers an import brings, seen in sys.modules of CPython 3.8 to 3.13; where they differ, as in 3.11.
_THREADING = "asyncio concurrent.futures logging multiprocessing queue socketserver subprocess threading"
_RANDOM = "email.message http.client random secrets tempfile urllib.request"
_BOTH = "http.server matplotlib pandas pyperf scipy"
# Parents of other people's kinds: the fit is checked on them.
_FOREIGN = r"imports=(?:matplotlib|numpy|pandas|pyperf|scipy)\b"
_NEITHER = "collections ctypes decimal json numpy re sqlite3 ssl unittest"
_HANDLERS_OF: dict[str, tuple[str, ...]] = {
    module: handlers
    for modules, handlers in (
        (_THREADING, ("threading",)),
        (_RANDOM, ("random",)),
        (_BOTH, ("threading", "random")),
        (_NEITHER, ()),
    )
    for module in modules.split()
}


def observe(run: Run, python: str) -> pd.DataFrame:
    """One row for every round of every cell of `python` that forks, ordered by cell and round.

    Columns: ``cell``, ``round``, ``name`` (scenario=level), ``scenario``, ``held_out`` (not for the fit: combinations,
    programs, imports of packages), ``control_ns``, ``total_ns`` and ``share_ns`` (of `os_fork` and what it takes beyond
    the control; else NaN), and the doses `COLUMNS`. Raises `LoadError` where the run cannot have them.
    """
    missing = [name for name in NEEDED if run.subjects[name].isna().all()]
    if missing:
        raise LoadError(
            f"{run.path}: no doses to fit a model to ({', '.join(missing)} in subjects.csv); measure on Linux with "
            "this version"
        )
    cells = run.cells[run.cells["python"] == python]
    cells = cells[~cells["work"].isin(list(map(str, _CHANGING)))]
    cells = cells[~cells["scenario"].map(lambda text: bool(set(text.split("+")) & set(_DISTURBED)))]
    rows = round_table(run)[["cell", "round", "p50_ns", "control_p50_ns", "rel"]].merge(
        cells[["cell", "mechanism", "control", "scenario", "level"]], on="cell"
    )
    rows = rows[(rows["control"] == CONTROL) | (rows["mechanism"] == CONTROL)]
    subjects = run.subjects[(run.subjects["round"] >= 0) & (run.subjects["status"] == SubjectStatus.OK)]
    doses = [name for name in COLUMNS if name in subjects]
    rows = rows.merge(subjects[["cell", "round", *doses]], on=["cell", "round"])
    rows = _with_doses(_with_costs(rows), doses).dropna(subset=["control_ns", *NEEDED])
    return rows[rows["control_ns"] > 0].reset_index(drop=True)  # an error is a part of it


def _with_costs(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with names and costs. Of a pair of blocks the ratio is taken, since the machine's drift cancels in it."""
    alone = rows["mechanism"] == CONTROL
    names = [state_name(scenario, level) for scenario, level in zip(rows["scenario"], rows["level"], strict=True)]
    rows = rows.assign(name=names, control_ns=rows["p50_ns"].where(alone, rows["control_p50_ns"]))
    share = (rows["rel"] - 1) * rows["control_ns"]
    told = [handlers_of(name) for name in names]
    for handler in HANDLERS:
        rows[f"handlers_{handler}"] = [np.nan if known is None else float(handler in known) for known in told]
    rows["share_ns"] = share.where((rows["mechanism"] == SHARED) & rows[f"handlers_{HANDLERS[0]}"].notna())
    rows["total_ns"] = rows["control_ns"] + rows["share_ns"]
    unknown = rows["share_ns"].isna() & (rows["mechanism"] == SHARED)
    combined = rows["scenario"].str.contains("+", regex=False)
    foreign = (rows["scenario"] == "program") | rows["name"].str.contains(_FOREIGN)
    rows["held_out"] = combined | foreign | unknown
    return rows


def _with_doses(rows: pd.DataFrame, doses: Sequence[str]) -> pd.DataFrame:
    absent = dict.fromkeys((name for name in COLUMNS if name not in rows), 0.0)
    optional = {name: rows[name].fillna(0.0) for name in doses if name not in NEEDED}
    return rows.assign(**absent, **optional).astype(dict.fromkeys(COLUMNS, "float64"))


def handlers_of(name: str) -> set[str] | None:
    """Which `HANDLERS` a parent of this name has loaded; ``None``: it cannot be told from the name."""
    found: set[str] = set()
    for scenario, level in re.findall(r"(\w+)=([^+]*)", name):
        if scenario == "program":
            return None
        if scenario == "imports":
            known = _HANDLERS_OF.get(level, _HANDLERS_OF.get(level.partition(".")[0]))
            if known is None:
                return None
            found.update(known)
        if (scenario, level) == ("parent", "equal"):
            found.add("threading")
    return found


def median_parents(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: the median over rounds of every cost and dose (index: cell)."""
    numbers = rows.groupby("cell")[["control_ns", "share_ns", "total_ns", *COLUMNS]].median()
    return numbers.join(rows.groupby("cell")[["name", "scenario", "held_out"]].first())


def doses_of(rows: pd.DataFrame) -> dict[str, Numbers]:
    """The doses in `rows`, as the terms take them."""
    return {name: rows[name].to_numpy(dtype=np.float64) for name in COLUMNS}
