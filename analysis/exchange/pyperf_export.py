"""Turns a run into a file that pyperf's tools read, and any pyperf file into a run that this program reads.

One pyperf benchmark is one cell, one pyperf run is one round, one value is one call: so medians and tails
are the same on both sides. What pyperf has no place for stays behind: the control, and with it relative
latency, the time until the creating API returns or the child is ready, and page faults.
"""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyperf
from numpy.typing import NDArray

from analysis.errors import PyperfError
from analysis.exchange.pyperf_import import write_run
from analysis.exchange.pyperf_read import read_suite
from analysis.read.run import Run
from analysis.text.names import benchmark_names
from analysis.write_file import write_file
from bench import schema
from bench.schema import Role
from bench.schema.run_document import InterpreterFacts

__all__ = ["FILE", "import_pyperf", "write_pyperf"]

FILE = "pyperf.json.gz"
# pyperf takes no value of 0. A call that took no tick of the clock becomes this, which comes back as 0.
_LEAST_NS = 0.1


@dataclass(frozen=True)
class Shape:
    """How much of a benchmark is exported: so many rounds, and so many values of each."""

    rounds: int
    values: int


def common_shapes(runs: Sequence[Run], chosen: Sequence[Sequence[int] | None] | None = None) -> dict[str, Shape]:
    """For each benchmark that all `runs` have, as much as each of them holds: pyperf tests equal numbers of values.

    `chosen` are the cells that `write_pyperf` gets of each run: the name of a benchmark depends on them.
    """
    found: list[dict[str, Shape]] = []
    for run, numbers in zip(runs, chosen or [None] * len(runs), strict=True):
        cells = run.cells if numbers is None else run.cells[run.cells["cell"].isin(numbers)]
        names = benchmark_names(cells)
        found.append({})
        for cell, calls in _rounds(run, cells["cell"].tolist()):
            counts = calls[calls["warmup"] == 0].groupby("round").size()
            if len(counts):
                found[-1][names[cell]] = Shape(len(counts), int(counts.min()))
    return {
        name: Shape(min(each[name].rounds for each in found), min(each[name].values for each in found))
        for name in found[0]
        if all(name in each for each in found)
    }


def write_pyperf(
    run: Run,
    path: Path | None = None,
    cells: Sequence[int] | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> Path:
    """Write `run` (or some `cells` of it, by number) to `path`, its directory's `FILE` if none is given; return it.

    Values are seconds a call, calls marked as warm-up are pyperf's warm-ups, only complete rounds are in it.
    With `shapes` only the benchmarks named there are written, each cut to its shape.
    The same run gives the same bytes. Raises `PyperfError` where there is nothing to write or no place for it,
    `LoadError` where the run's calls cannot be read.
    """
    target = run.path / FILE if path is None else path
    chosen = run.cells
    if cells is not None:
        if missing := sorted(set(cells) - set(run.cells["cell"])):
            raise PyperfError(f"{run.path / schema.CELLS.file}: there is no cell {missing[0]}; export one that it has")
        chosen = run.cells[run.cells["cell"].isin(cells)]
    names = benchmark_names(chosen)
    benchmarks = []
    for cell, rounds in _rounds(run, chosen["cell"].tolist()):
        if shapes is None or names[cell] in shapes:
            shape = shapes[names[cell]] if shapes else None
            if runs := _runs(run, chosen[chosen["cell"] == cell].iloc[0], names[cell], rounds, shape):
                benchmarks.append(pyperf.Benchmark(runs))
    if not benchmarks:
        raise PyperfError(f"{run.path}: no complete round with calls of these cells; measure longer")
    _dump(pyperf.BenchmarkSuite(benchmarks), target)
    return target


def import_pyperf(file: Path, results: Path, label: str | None = None) -> Path:
    """Make the pyperf result in `file` (JSON, also gzipped) a run under `results`; return its directory.

    Rounds are pyperf's worker processes. The run has no control: its times are absolute only, and its
    document says so. Raises `PyperfError` for a file that holds no times, and where the run cannot be written.
    """
    return write_run(read_suite(file), file, results, label)


def _rounds(run: Run, cells: Sequence[int]) -> Iterator[tuple[int, pd.DataFrame]]:
    """The mechanism's calls in complete rounds of each of `cells` that has any, warm-up included."""
    chosen = (run.samples["round"] < run.rounds) & (run.samples["role"] == Role.MECHANISM)
    calls = run.samples.loc[chosen, ["cell", "round", "warmup", "total_ns"]]
    by_cell = dict(iter(calls.groupby("cell")))
    yield from ((cell, by_cell[cell]) for cell in cells if cell in by_cell)


def _runs(run: Run, cell: pd.Series[Any], name: str, calls: pd.DataFrame, shape: Shape | None) -> list[pyperf.Run]:
    about = {
        **_machine(run.document.machine_facts),
        **_python(run.document.pythons.get(cell["python"]), cell["python"]),
        **{key: str(cell[key]) for key in ("mechanism", "work", "scenario", "level")},
        "name": name,
        "unit": "second",
        "forkbench_run": run.name,
        "forkbench_machine": run.machine,
        "forkbench_python": str(cell["python"]),
    }
    begin = _time(run.document.started)
    subjects = run.subjects.loc[run.subjects["cell"] == cell["cell"], ["round", "start_ns"]]
    starts_ns = dict(zip(subjects["round"], subjects["start_ns"], strict=True))
    runs = []
    for number, rows in calls.groupby("round", sort=True):
        warm = rows["warmup"].to_numpy() == 0
        values = _seconds(rows["total_ns"].to_numpy()[warm])[: shape.values if shape else None]
        warmups = [(1, value) for value in _seconds(rows["total_ns"].to_numpy()[~warm])]
        moment: dict[str, str] = {}
        if begin is not None and number in starts_ns:
            start = begin + datetime.timedelta(microseconds=int(starts_ns[number]) // 1000)
            moment = {"date": start.isoformat(" ", "microseconds")}
        if values:
            runs.append(pyperf.Run(values, warmups, metadata={**about, **moment}, collect_metadata=False))
    return runs[: shape.rounds if shape else None]


def _seconds(times_ns: NDArray[Any]) -> list[float]:
    seconds: list[float] = (np.maximum(times_ns, _LEAST_NS) / 1e9).tolist()
    return seconds


def _machine(facts: Mapping[str, object]) -> dict[str, str | int | float]:
    """What pyperf takes of the machine's facts: numbers, and text of one line that is not empty."""
    return {
        name: " ".join(value.split()) if isinstance(value, str) else value
        for name, value in facts.items()
        if isinstance(value, int | float) or (isinstance(value, str) and value.strip())
    }


def _python(facts: InterpreterFacts | None, label: str) -> dict[str, str]:
    return {
        "python_version": facts.version if facts else label,
        "python_implementation": (facts.implementation if facts else None) or "cpython",
    }


def _time(text: object) -> datetime.datetime | None:
    """A time of run.json without its zone, which is UTC: pyperf's times have none."""
    try:
        return datetime.datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        return None


def _dump(suite: pyperf.BenchmarkSuite, target: Path) -> None:
    """Write `suite` to `target`: pyperf's own dump has a time stamp, and leaves half a file."""
    text = json.dumps(suite._as_json(), separators=(",", ":"), sort_keys=True) + "\n"
    data = gzip.compress(text.encode(), 6, mtime=0) if target.suffix == ".gz" else text.encode()
    try:
        write_file(target, data)
    except OSError as error:
        raise PyperfError(f"{target}: cannot be written ({error.strerror}); name another place") from None
