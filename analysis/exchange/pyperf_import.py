"""Turns a suite of pyperf benchmarks into the files of a run."""

from __future__ import annotations

import datetime
import math
import os
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyperf

from analysis.errors import LoadError, PyperfError
from analysis.exchange.new_run import write_new_run
from analysis.exchange.pyperf_read import FIRST_YEAR
from bench import schema
from bench.schema import BlockRow, CellRow, Role, RunDocument, RunStatus, SampleRow, SubjectRow, SubjectStatus, Work
from bench.schema.json_text import shown
from bench.schema.run_document import ControlInfo, Cpus, InterpreterFacts, RunOptions, Source, Suite

LABEL = "pyperf"
SCENARIO = "pyperf"
NOTE = "imported from pyperf: no control was measured, so times are absolute only, and of whole calls"
MEANS = "; each of its calls is a mean over a loop of them, so tails are missing"
# Times of a run are whole nanoseconds. Below this median (s), a call stands for so many iterations:
# rounding then moves no value above 1 ns by more than 0.05 %.
_SHORT_S, _ITERATIONS = 1e-6, 1000
# Not the machine's, or names somebody.
_NOT_A_FACT = re.compile(
    r"hostname|boot_time|uptime|date|duration|load_|runnable_|cpu_freq|cpu_temp|python_|mem_|command|unit|name|tags|"
    r"(inner_)?loops|(re)?calibrate_|description|forkbench_|mechanism|work|scenario|level|timer|perf_version"
)


@dataclass(frozen=True)
class Imported:
    """One benchmark as a cell; `scale` is how many iterations one of its calls stands for."""

    number: int
    benchmark: pyperf.Benchmark
    about: dict[str, Any]
    scale: int

    @property
    def runs(self) -> list[pyperf.Run]:
        """The worker processes that measured: one a round."""
        return [run for run in self.benchmark.get_runs() if run.values]

    @property
    def python(self) -> str:
        """The interpreter's label."""
        label = self.about.get("forkbench_python") or str(self.about.get("python_version") or "unknown").split()[0]
        implementation = str(self.about.get("python_implementation", "cpython"))
        return label if implementation == "cpython" or "forkbench_python" in self.about else f"{implementation}-{label}"

    @property
    def row(self) -> CellRow:
        """Its row of cells.csv; what the suite itself exported or measured keeps its mechanism and scenario."""
        level = "1 iteration" if self.scale == 1 else f"{self.scale} iterations"
        of_suite = is_of_suite(self.about)
        return CellRow(
            cell=self.number,
            python=self.python,
            mechanism=str(self.about["mechanism"]) if of_suite else self.benchmark.get_name(),
            work=Work(self.about["work"]) if of_suite else Work.IMPORTED,
            scenario=str(self.about["scenario"]) if of_suite else SCENARIO,
            level=str(self.about["level"]) if of_suite else level,
            block_calls=max(len(run.values) for run in self.runs),
            control_calls=0,
            blocks=1,
        )

    def nanoseconds(self, seconds: float) -> int:
        """A value of the benchmark as whole nanoseconds of a call."""
        return round(seconds * self.scale * 1e9)


def write_run(suite: pyperf.BenchmarkSuite, file: Path, results: Path, label: str | None) -> Path:
    """Write `suite`, read from `file`, as a run under `results`; return its directory. Raises `PyperfError`."""
    if label is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}", label):
        raise PyperfError(f"--label {label!r}: up to 61 letters, digits and . _ + -, since it names a directory")
    try:
        cells = [_imported(number, benchmark) for number, benchmark in enumerate(suite)]
        document = _document(suite, cells, file, label or LABEL)
        tables: dict[schema.Table, Iterable[schema.Row]] = {
            schema.CELLS: [cell.row for cell in cells],
            schema.SUBJECTS: [row for cell in cells for row in _subject_rows(cell, document.started)],
            schema.BLOCKS: [row for cell in cells for row in _block_rows(cell, document.started)],
            schema.SAMPLES: (row for cell in cells for row in _sample_rows(cell)),
        }
        return write_new_run(results, document, tables)
    except PyperfError:
        raise
    except LoadError as error:
        raise PyperfError(f"{file}: cannot become a run ({error}); measure again") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise PyperfError(f"{results}: cannot hold results ({reason}); choose another directory") from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # pyperf lets any number and text through that is of the right type; a run holds less.
        raise PyperfError(f"{file}: cannot become a run ({shown(str(error))}); measure again") from None


def _imported(number: int, benchmark: pyperf.Benchmark) -> Imported:
    about = benchmark.get_metadata()
    short = not is_of_suite(about) and statistics.median(benchmark.get_values()) < _SHORT_S
    return Imported(number, benchmark, about, _ITERATIONS if short else 1)


def is_of_suite(about: Mapping[str, Any]) -> bool:
    """Whether a benchmark's metadata are those of a cell that this suite exported or measured."""
    return all(about.get(key) for key in ("mechanism", "scenario", "level")) and about.get("work") in set(Work)


def _subject_rows(cell: Imported, started: str) -> Iterator[SubjectRow]:
    for number, start in enumerate(_starts(cell, started)):
        yield SubjectRow(round=number, cell=cell.number, status=SubjectStatus.OK, start_ns=start)


def _block_rows(cell: Imported, started: str) -> Iterator[BlockRow]:
    """The warm-up and the values of each process as a block each; what a block cost besides time is not known."""
    for number, (run, start) in enumerate(zip(cell.runs, _starts(cell, started), strict=True)):
        loops = run.get_total_loops()
        warm_up = [_nanoseconds(value * count * run.get_inner_loops()) for count, value in run.warmups]
        if warm_up:
            yield BlockRow(
                cell=cell.number,
                round=number,
                block=-1,
                order=-1,
                role=Role.MECHANISM,
                calls=len(warm_up),
                start_ns=start,
                elapsed_ns=sum(warm_up),
            )
        yield BlockRow(
            cell=cell.number,
            round=number,
            block=0,
            order=cell.number,
            role=Role.MECHANISM,
            calls=len(run.values),
            start_ns=start + sum(warm_up),
            elapsed_ns=sum(_nanoseconds(value * loops) for value in run.values),
        )


def _sample_rows(cell: Imported) -> Iterator[SampleRow]:
    """One row a value. How long the caller was blocked, pyperf does not tell."""
    for number, run in enumerate(cell.runs):
        groups = ((-1, 1, [value for _, value in run.warmups]), (0, 0, run.values))
        for block, warmup, values in groups:
            for total in map(cell.nanoseconds, values):
                yield SampleRow(
                    cell=cell.number,
                    round=number,
                    block=block,
                    role=Role.MECHANISM,
                    warmup=warmup,
                    total_ns=total,
                )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _date(run: pyperf.Run) -> datetime.datetime | None:
    """When the process began: pyperf notes the time when it has measured, and how long that took."""
    about = run.get_metadata()
    try:
        date = datetime.datetime.fromisoformat(str(about.get("date"))).replace(tzinfo=None)
        began = date - datetime.timedelta(seconds=float(about.get("duration", 0)))
        return began if began.year >= FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None


def _starts(cell: Imported, started: str) -> list[int]:
    """When each process began, in ns since the first one of the run; where that is not known: one after the other."""
    begin = datetime.datetime.fromisoformat(started).replace(tzinfo=None)
    starts: list[int] = []
    end = 0
    for run in cell.runs:
        date = _date(run)
        since = end if date is None else max(0, math.floor((date - begin).total_seconds() * 1e6) * 1000)
        starts.append(since)
        end = since + _nanoseconds(math.fsum(run._get_raw_values(warmups=True)))
    return starts


def _document(suite: pyperf.BenchmarkSuite, cells: Sequence[Imported], file: Path, label: str) -> RunDocument:
    """run.json, with every field that a measured run has."""
    runs = [run for cell in cells for run in cell.runs]
    common = suite.get_metadata()
    dates = [date for run in runs if (date := _date(run))]
    moment = min(dates) if dates else datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
    started = moment.replace(microsecond=0, tzinfo=None)
    facts = {name: value for name, value in common.items() if not _NOT_A_FACT.match(name)}
    note = NOTE + (MEANS if any(run.get_total_loops() > 1 for run in runs) else "")
    return RunDocument(
        schema=schema.SCHEMA_VERSION,
        run=f"{started:%Y%m%dT%H%M%SZ}-{label}",
        machine=_machine(common),
        label=label,
        status=RunStatus.COMPLETE,
        rounds=max(len(cell.runs) for cell in cells),
        seed=None,
        source=Source(
            format="pyperf", file=os.fsencode(file.name).decode("utf-8", "replace"), version=common.get("perf_version")
        ),
        note=note,
        suite=Suite(version=None, commit=None),
        options=RunOptions(profile=Work.IMPORTED),
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        ended=None,
        wall_ns=None,
        share_in_calls=None,
        cpus=Cpus(subject=None, controller=None, allowed=None),
        true=None,
        control=ControlInfo(available=False, reason=note),
        machine_facts=facts,
        before=None,
        after=None,
        pythons={cell.python: _python(cell.about) for cell in cells},
        unavailable=[],
        certificate=None,
        unfit=[],
    )


def _python(about: dict[str, Any]) -> InterpreterFacts:
    return InterpreterFacts(
        version=str(about.get("python_version") or "unknown").split()[0],
        implementation=about.get("python_implementation"),
        executable=re.split(r"[\\/]", str(about.get("python_executable") or ""))[-1] or None,
    )


def _machine(common: dict[str, Any]) -> str:
    """A directory's name: the machine's of the run that was exported, or made of CPU and count; never the host name."""
    exported_from = str(common.get("forkbench_machine") or "")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,100}", exported_from):
        return exported_from
    model = re.sub(r"\((?:R|TM|C)\)|@.*", " ", str(common.get("cpu_model_name") or "unknown"), flags=re.IGNORECASE)
    words = [*model.split()[:5], *([f"{common['cpu_count']}cpu"] if "cpu_count" in common else []), "pyperf"]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
