"""Turns the directory of a run into what pages above it say of it: a small record that the manifest keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.read.run import Run
from analysis.summary.stored import summary_of
from analysis.text import units
from analysis.text.names import cell_name


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
    def p99_text(self) -> str:
        """The 99th percentile."""
        return units.time_text(_nan(self.p99_ns))

    @property
    def ratio_text(self) -> str:
        """The relative latency with its interval."""
        return units.ratio_text(*(_nan(value) for value in (self.rel_p50, self.rel_lo, self.rel_hi)))


@dataclass(frozen=True)
class RunEntry:
    """One run as the pages above it show it; `certificate` is ``passed``, ``failed`` or ``none``."""

    machine: str
    run: str
    place: str
    machine_place: str
    started: str
    profile: str
    pythons: tuple[str, ...]
    rounds: int
    partial: bool
    certificate: str
    suite: str
    cells: tuple[CellEntry, ...]

    def fork(self) -> CellEntry | None:
        """The first `os_fork` in a bare parent, what runs are set side by side with."""
        bare = (cell for cell in self.cells if cell.mechanism == "os_fork" and cell.state == "parent=bare")
        return next(bare, None)


def entry_of(run: Run, place: str, machine_place: str) -> RunEntry:
    """The record of `run`. Raises `LoadError` where its files cannot be read."""
    document = run.document
    rows = summary_of(run)
    cells = tuple(_cell(row) for row in rows[rows["p50_ns"].notna()].to_dict("records"))
    certificate = document.certificate
    return RunEntry(
        machine=run.machine,
        run=run.name,
        place=place,
        machine_place=machine_place,
        started=document.started,
        profile=document.options.profile,
        pythons=tuple(dict.fromkeys(run.cells["python"])),
        rounds=run.rounds,
        partial=run.partial,
        certificate="none" if certificate is None else "passed" if certificate.passed else "failed",
        suite=" ".join(text for text in (document.suite.version, document.suite.commit) if text),
        cells=cells,
    )


def entry_from(stored: Mapping[str, Any]) -> RunEntry:
    """The record that the manifest holds; raises `TypeError` or `KeyError` where it is none."""
    cells = tuple(CellEntry(**cell) for cell in stored["cells"])
    return RunEntry(**{**stored, "cells": cells, "pythons": tuple(stored["pythons"])})


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


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
