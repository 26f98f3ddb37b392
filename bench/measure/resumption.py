"""Turns the files of an interrupted run into what it takes to go on: the same cells, the same seed, the next round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import asdict

from bench import schema
from bench.errors import UsageError
from bench.files.stored_rows import R, RowError, header_end, stored_rows
from bench.files.tails import move_aside
from bench.measure.round import WARMUP_BLOCK, Measured
from bench.options import Options
from bench.plan import own_files
from bench.schema import BlockRow, CellRow, Role, RunDocument, RunStatus, SampleRow, SubjectRow, SubjectStatus, Table
from bench.schema.read_document import DocumentError, parse

# What may differ between the two parts of a run: the rest decides what is measured.
_MAY_DIFFER = ("perf_version",)

_Block = tuple[int, int, int, Role]


@dataclass
class Resumption:
    """An interrupted run in `directory`: its `cells` as planned (empty: it ended before), and what it has measured.

    `ends` is where its files end with the last complete round. `wall_ns` is how long it took until then,
    `failed_rounds` the rounds in which each cell failed, `filled` the private memory of its subjects in bytes.
    """

    directory: Path
    document: RunDocument
    options: Options
    cells: dict[int, CellRow] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    failed_rounds: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    filled: dict[int, int] = field(default_factory=dict)
    in_calls_ns: int = 0
    wall_ns: int = 0

    def move_unfinished_aside(self) -> None:
        """Cut the files behind the last complete round; what is cut is kept in the run. Raises `OSError`."""
        move_aside(self.directory, self.ends)


def read(directory: Path, pythons: tuple[str, ...] = (), files: Mapping[str, str] | None = None) -> Resumption:
    """Read the run in `directory`; `pythons` are its interpreters where they are not those that its run.json names.

    `files` are the user's files that it measured (see `bench.plan.own_files.named`).

    Raises `UsageError` where it cannot go on, with the reason.
    """
    document = _document(directory)
    if document.source is not None:
        raise UsageError(f"{directory}: was imported; only a run that was measured here can go on")
    if document.status is RunStatus.COMPLETE:
        raise UsageError(f"{directory}: is complete; there is nothing to resume, measure a new run")
    found = Resumption(directory, document, _options(directory, document, pythons, files or {}))
    try:
        _read_rows(found)
    except FileNotFoundError as error:
        raise UsageError(f"{directory}: cannot be resumed, {Path(error.filename).name} is missing") from None
    except OSError as error:
        raise UsageError(f"{directory}: cannot be resumed ({error.strerror})") from None
    budget_s = document.options.budget_s
    if budget_s is not None and found.wall_ns / 1e9 >= budget_s:
        raise UsageError(
            f"{directory}: its budget of {budget_s:g} s is spent; it is partial because it gave up cells, which "
            "`python -m analysis summary` names"
        )
    return found


def what_changed(before: RunDocument, now: RunDocument) -> str:
    """Why a run cannot go on here and now, or an empty string; `now` is the document of a run that would begin."""
    if (before.suite.version, before.suite.commit) != (now.suite.version, now.suite.commit):
        return f"it was measured by forkbench {_suite(before)}, this is {_suite(now)}"
    for what, old, new in (
        ("the machine", before.machine_facts, now.machine_facts),
        ("the control", asdict(before.control), asdict(now.control)),
        ("CPUs", asdict(before.cpus), asdict(now.cpus)),
        ("the interpreter", {name: asdict(facts) for name, facts in before.pythons.items()},
         {name: asdict(facts) for name, facts in now.pythons.items()}),
    ):  # fmt: skip
        names = [name for name in {**old, **new} if old.get(name) != new.get(name) and name not in _MAY_DIFFER]
        if names:
            name = names[0]
            return f"{what} is no longer the same: {name} was {old.get(name)!r:.80}, and is {new.get(name)!r:.80}"
    return ""


def _suite(document: RunDocument) -> str:
    return f"{document.suite.version} ({document.suite.commit or 'no checkout'})"


def _document(directory: Path) -> RunDocument:
    path = directory / schema.RUN_FILE
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{directory}: no run (no {schema.RUN_FILE}); name a directory that `bench run` printed"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, DocumentError) as error:
        raise UsageError(f"{path}: {error}") from None


def _options(directory: Path, document: RunDocument, pythons: tuple[str, ...], files: Mapping[str, str]) -> Options:
    """The options that the run was begun with."""
    asked = document.options
    if asked.block_ns is None or asked.pairs is None or asked.cpu is None or document.seed is None:
        raise UsageError(f"{directory / schema.RUN_FILE}: options: has not all that it takes to go on")
    try:
        mechanisms, scenarios = own_files.with_paths(asked.mechanisms, asked.scenarios, files)
    except UsageError as error:
        raise UsageError(f"{directory}: cannot be resumed: {error}") from None
    named = [str(Path(facts.executable or label).expanduser()) for label, facts in document.pythons.items()]
    return Options(
        results=directory.parent.parent,
        profile=asked.profile,
        budget_s=asked.budget_s,
        rounds=asked.rounds,
        mechanisms=mechanisms,
        scenarios=scenarios,
        pythons=pythons or tuple(named if len(named) > 1 else ()),
        cpu=asked.cpu,
        seed=document.seed,
        label=document.label,
        machine=document.machine,
        block_ns=asked.block_ns,
        core_pairs=asked.pairs[0],
        other_pairs=asked.pairs[1],
    )


def _read_rows(found: Resumption) -> None:
    """Read what the run has measured, up to its last complete round. Raises `OSError` and `UsageError`."""
    rounds = found.document.rounds
    # Without a complete round the calibration is made again too.
    for cell in _kept(found, schema.CELLS, CellRow, lambda row: rounds > 0):
        found.cells[cell.cell] = cell
    for subject in _kept(found, schema.SUBJECTS, SubjectRow, lambda row: row.round < rounds and rounds > 0):
        found.wall_ns = max(found.wall_ns, subject.start_ns)
        found.filled[subject.cell] = max(found.filled.get(subject.cell, 0), subject.private_bytes or 0)
        if subject.status is SubjectStatus.ERROR and subject.round >= 0:
            found.failed_rounds[subject.cell].add(subject.round)
    blocks: dict[_Block, BlockRow] = {}
    for block in _kept(found, schema.BLOCKS, BlockRow, lambda row: row.round < rounds):
        found.wall_ns = max(found.wall_ns, block.start_ns + block.elapsed_ns)
        blocks[block.cell, block.round, block.block, block.role] = block
    times: dict[_Block, list[int]] = defaultdict(list)
    warm: dict[_Block, list[int]] = defaultdict(list)
    for call in _kept(found, schema.SAMPLES, SampleRow, lambda row: row.round < rounds):
        key = (call.cell, call.round, call.block, call.role)
        times[key].append(call.total_ns)
        if not call.warmup:
            warm[key].append(call.total_ns)
    found.measured = list(_measured(blocks, times, warm))
    # Subjects that work at the same time share it, as in `Round`.
    found.in_calls_ns = sum(sum(times[key]) // (found.cells[key[0]].subjects or 1) for key in times)


def _kept(found: Resumption, table: Table, record: type[R], keep: Callable[[R], bool]) -> Iterator[R]:
    """The rows of a table up to the first that is not to be kept; remembers where its file is to end."""
    end = 0
    try:
        for row in stored_rows(found.directory, table, record):
            if not keep(row.record):
                break
            end = row.end
            yield row.record
    except RowError as error:
        raise UsageError(f"{found.directory / table.file}:{error}; a damaged run cannot go on, measure again") from None
    found.ends[table.name] = end or header_end(found.directory, table)


def _measured(
    blocks: Mapping[_Block, BlockRow], times: Mapping[_Block, list[int]], warm: Mapping[_Block, list[int]]
) -> Iterator[Measured]:
    for key, block in blocks.items():
        if block.block != WARMUP_BLOCK and times.get(key):
            median_ns = statistics.median(warm.get(key) or times[key])
            yield Measured(*key[:3], block.role, block.start_ns, block.elapsed_ns, median_ns)
