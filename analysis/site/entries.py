"""Turns the directory of a run into what pages above it say of it: a small record that the manifest keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pandas as pd

from analysis.read.run import Run
from analysis.report.decisions import Decision
from analysis.text import units
from analysis.text.names import cell_name

BARE = "parent=bare"
_FIRST = ("mechanisms", "where_time_goes")
# What says most of a sweep, in this order.
_OF_SWEEPS = ("size", "first_write", "at_once", "workers", "mechanisms")


@dataclass(frozen=True)
class CellEntry:
    """One measured cell: times in ns, ratios to the control; ``None``: not known."""

    name: str
    python: str
    mechanism: str
    work: str
    state: str
    p50_ns: float | None
    p50_lo_ns: float | None
    p50_hi_ns: float | None
    p99_ns: float | None
    rel_p50: float | None
    rel_lo: float | None
    rel_hi: float | None
    rounds: int
    calls: int

    @property
    def time_text(self) -> str:
        """The median with its interval."""
        return units.time_text(*(_nan(value) for value in (self.p50_ns, self.p50_lo_ns, self.p50_hi_ns)))

    @property
    def ratio_text(self) -> str:
        """The relative latency with its interval."""
        return units.ratio_text(*(_nan(value) for value in (self.rel_p50, self.rel_lo, self.rel_hi)))


@dataclass(frozen=True)
class FigureEntry:
    """A figure that the page of a run shows; its SVG lies beside that page."""

    name: str
    title: str
    sentence: str


@dataclass(frozen=True)
class RunEntry:
    """One run as the pages above it show it; `certificate` is ``passed``, ``failed`` or ``none``.

    Texts of `decisions`, `checks` and `facts` have ``code`` between backticks; `result` is what the decisions say.
    """

    machine: str
    run: str
    place: str
    machine_place: str
    label: str
    started: str
    profile: str
    pythons: tuple[str, ...]
    rounds: int
    partial: bool
    certificate: str
    certificate_note: str
    check_columns: list[str]
    checks: list[list[str]]
    facts: list[list[str]]
    result: str
    decisions: tuple[Decision, ...]
    figures: tuple[FigureEntry, ...]
    cells: tuple[CellEntry, ...]

    @property
    def fork(self) -> CellEntry | None:
        """The `os_fork` in a bare parent of the newest Python, what runs are set side by side with."""
        bare = [cell for cell in self.cells if cell.mechanism == "os_fork" and cell.state == BARE]
        return max(bare, key=lambda cell: _version(cell.python), default=None)

    @property
    def mechanisms(self) -> set[str]:
        """What was measured."""
        return {cell.mechanism for cell in self.cells}

    @property
    def first_figures(self) -> list[FigureEntry]:
        """The figures that the run's page opens with."""
        return [figure for figure in self.figures if figure.name in _FIRST]

    @property
    def sweeps(self) -> list[str]:
        """What of the parent was changed in this run: the names of its scenarios; empty: nothing was."""
        return list(dict.fromkeys(cell.state.partition("=")[0] for cell in self.cells if cell.state != BARE))

    @property
    def headline(self) -> str:
        """What its figures say of a sweep in a sentence; empty: it has none."""
        sentences = {figure.name: figure.sentence for figure in self.figures}
        return next((sentences[name] for name in _OF_SWEEPS if name in sentences), "")


def main_run(runs: Sequence[RunEntry]) -> RunEntry:
    """Of runs, the newest first, the one that stands for all: certified, of `standard`, unlabelled, of one interpreter.

    A label often stands for a program or a change that is not the machine's. What no run has, is not asked for.
    """
    wishes: list[Callable[[RunEntry], bool]] = [
        lambda run: not run.partial and run.fork is not None,
        lambda run: not run.label,
        lambda run: run.certificate == "passed",
        lambda run: run.profile == "standard",
        lambda run: len(run.pythons) == 1,
    ]
    left = list(runs)
    for wish in wishes:
        left = [run for run in left if wish(run)] or left
    return left[0]


def entry_of(run: Run, summary: pd.DataFrame, place: str, shown: Mapping[str, Any]) -> RunEntry:
    """The record of `run`, of whose page the values are `shown`."""
    document = run.document
    cells = tuple(_cell(row) for row in summary[summary["p50_ns"].notna()].to_dict("records"))
    certificate = document.certificate
    return RunEntry(
        machine=run.machine,
        run=run.name,
        place=place,
        machine_place=place.rpartition("/")[0],
        label=document.label or "",
        started=document.started,
        profile=document.options.profile,
        pythons=tuple(dict.fromkeys(run.cells["python"])),
        rounds=run.rounds,
        partial=run.partial,
        certificate="none" if certificate is None else "passed" if certificate.passed else "failed",
        certificate_note=shown["certificate"]["note"],
        check_columns=list(shown["certificate"]["columns"]),
        checks=[list(row) for row in shown["certificate"]["rows"]],
        facts=[list(row) for row in shown["machine"]],
        result=shown["result"],
        decisions=tuple(shown["decisions"]),
        figures=tuple(
            FigureEntry(each.name, each.title, each.finding) for each in shown["figures"].values() if not each.reason
        ),
        cells=cells,
    )


def entry_to(entry: RunEntry) -> dict[str, Any]:
    """What the manifest keeps of a record."""
    kept: dict[str, Any] = msgspec.to_builtins(entry)
    return kept


def entry_from(stored: Mapping[str, Any]) -> RunEntry:
    """The record that the manifest holds; raises `msgspec.ValidationError` where it is none."""
    return msgspec.convert(stored, RunEntry)


def _cell(row: Mapping[Any, Any]) -> CellEntry:
    times = ("p50_ns", "p50_lo_ns", "p50_hi_ns", "p99_ns", "rel_p50", "rel_lo", "rel_hi")
    return CellEntry(
        name=cell_name(dict(row)),
        python=str(row["python"]),
        mechanism=str(row["mechanism"]),
        work=str(row["work"]),
        state=f"{row['scenario']}={row['level']}",
        rounds=int(row["rounds"]),
        calls=int(row["calls"]),
        **{name: float(row[name]) if units.known(row[name]) else None for name in times},
    )


def _version(python: str) -> list[int]:
    """The numbers of a version, which order it; they may be a stranger's, and long."""
    return [int(number[:9]) for number in re.findall(r"\d+", python)[:4]]


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
