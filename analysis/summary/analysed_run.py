"""Turns a run into what figures, answers and report share: its summary, its rounds, and its warm calls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.read.run import Run
from analysis.stats.interval import Estimate, median_interval
from analysis.stats.rounds import USAGE, block_medians, round_table, usage_per_call, warm_calls
from analysis.summary.cells import summarise
from analysis.text.names import IMPORTED, WORK_TITLES
from bench.schema import Role, SubjectStatus, state_name


@dataclass(frozen=True)
class AnalysedRun:
    """One run with what is derived from it, each derived once and when first asked for."""

    run: Run

    @cached_property
    def calls(self) -> pd.DataFrame:
        """The calls that count, one row each."""
        return warm_calls(self.run)

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """One row for every complete round of every cell, as `analysis.stats.rounds.round_table` has it."""
        return round_table(self.run, self.calls)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a cell, columns as in `bench.schema.SUMMARY`."""
        return summarise(self.run, self.calls, self.rounds)

    @cached_property
    def blocks(self) -> pd.DataFrame:
        """One row for every warm block: ``cell``, ``round``, ``block``, ``role``, ``median_ns``, ``start_ns``."""
        keys = ["cell", "round", "block", "role"]
        return block_medians(self.calls).merge(self.run.blocks[[*keys, "start_ns"]], on=keys)

    @property
    def pythons(self) -> list[str]:
        """Labels of the interpreters that have a cell, in the order in which they were asked for."""
        return list(dict.fromkeys(self.run.cells["python"]))

    @property
    def source_line(self) -> str:
        """Where a figure of all cells comes from, in a line: interpreters, machine, run."""
        pythons = f"Python {self.pythons[0]}" if len(self.pythons) == 1 else f"{len(self.pythons)} interpreters"
        return f"{pythons} · {self.run.machine} · {self.run.name}"

    @property
    def main_source_line(self) -> str:
        """Where a figure of the cells with the main parent comes from: the same, and which parent that is."""
        return f"{self.source_line} · {self.main_parent}"

    @cached_property
    def main_parent(self) -> str:
        """The state of the parent that mechanisms are shown in: bare, or else the first that was measured."""
        cells = self.run.cells
        if cells.empty or ((cells["scenario"] == "parent") & (cells["level"] == "bare")).any():
            return "parent=bare"
        first = cells.iloc[0]
        return IMPORTED if first["work"] == IMPORTED else state_name(first["scenario"], first["level"])

    def python_prefix(self, python: str) -> str:
        """What a line about one interpreter begins with, where there are several."""
        return f"Python {python}: " if len(self.pythons) > 1 else ""

    def call_times_ns(self, cell: int) -> NDArray[np.int64]:
        """Total times (ns) of the warm calls of the mechanism in `cell`."""
        calls = self.calls
        chosen = (calls["cell"].to_numpy() == cell) & (calls["role"] == Role.MECHANISM).to_numpy()
        return np.asarray(calls["total_ns"].to_numpy()[chosen], dtype=np.int64)

    def main_cells(self) -> pd.DataFrame:
        """The summary of the measured cells with a parent as `main_parent` says, as `cells_at` has it."""
        if self.main_parent != IMPORTED:
            return self.cells_at(*self.main_parent.split("=", 1))
        rows = self._measured[self._measured["work"] == IMPORTED]
        short = rows["level"] != "1 iteration"
        return rows.assign(mechanism=rows["mechanism"].where(~short, rows["mechanism"] + " × " + rows["level"]))

    def bare_cells(self) -> pd.DataFrame:
        """The summary of the measured cells with a bare parent, and three columns more (see `cells_at`)."""
        return self.cells_at("parent", "bare")

    def cells_at(self, scenario: str, *levels: str) -> pd.DataFrame:
        """The summary of the measured cells at these levels of a scenario (none given: all).

        Columns besides those of the summary: ``control_p50_ns``, ``work_order`` and ``python_order``.
        """
        rows = self._measured[self._measured["scenario"] == scenario]
        return rows[rows["level"].isin(levels)] if levels else rows

    def measured_cells(self) -> pd.DataFrame:
        """The summary of all measured cells, whatever their parent, with the columns of `cells_at`."""
        return self._measured

    @cached_property
    def _measured(self) -> pd.DataFrame:
        """The summary of the measured cells, with the columns that `cells_at` adds."""
        rows = self.summary[self.summary["p50_ns"].notna()]
        control = self.rounds.groupby("cell")["control_p50_ns"].median()
        works = list(WORK_TITLES)
        order = [works.index(work) if work in works else len(works) for work in rows["work"]]
        pythons = rows["python"].map({python: index for index, python in enumerate(self.pythons)})
        return rows.assign(control_p50_ns=rows["cell"].map(control), work_order=order, python_order=pythons)

    def rounds_of(self, cell: int) -> pd.DataFrame:
        """The rounds of one cell, indexed by round."""
        return self._rounds_by_cell.get(cell, self.rounds[:0].set_index("round"))

    @cached_property
    def _rounds_by_cell(self) -> dict[object, pd.DataFrame]:
        return {cell: rows.set_index("round") for cell, rows in self.rounds.groupby("cell")}

    def usage_per_call(self, cell: int, role: str) -> pd.DataFrame:
        """What `getrusage` counted per call of one role in one cell: one row a round (see `rounds.usage_per_call`)."""
        none = pd.DataFrame(columns=list(USAGE), index=pd.Index([], dtype="int64", name="round"), dtype=float)
        return self._usage[role].get(cell, none)

    @cached_property
    def _usage(self) -> dict[str, dict[object, pd.DataFrame]]:
        tables = {role: usage_per_call(self.run, role) for role in Role}
        return {
            role: {cell: rows.droplevel("cell") for cell, rows in table.groupby(level="cell")}
            for role, table in tables.items()
        }

    def verified_doses(self, column: str) -> pd.DataFrame:
        """The verified dose in subjects.csv: one row for every round (index) and one column for every cell."""
        return self._good_subjects[column].dropna().unstack("cell")

    @cached_property
    def _good_subjects(self) -> pd.DataFrame:
        subjects = self.run.complete(self.run.subjects)
        return subjects[subjects["status"] == SubjectStatus.OK].set_index(["round", "cell"])


def median_over_rounds(values: pd.Series | NDArray[Any]) -> Estimate:
    """The median over rounds with its interval; what is missing in a round does not count."""
    kept = np.asarray(values, dtype=float)
    return median_interval(kept[np.isfinite(kept)])
