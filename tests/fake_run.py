"""Turns known latencies and a seeded noise model into the files of a run, through the store that real runs use.

The noise is nested as in real runs: every round has a fresh subject (its effect is common to mechanism and
control, but for a part of their ratio), blocks differ within it, and calls within blocks. The machine's drift
is common to all cells of a round and to both roles.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np

from bench import schema
from bench.files.store import Store, create_run_directory
from bench.schema import (
    BlockRow,
    CellRow,
    Path,
    Role,
    RunDocument,
    RunStatus,
    SampleRow,
    SubjectRow,
    SubjectStatus,
    Work,
)

PYTHON = "3.11.7"


# A check of a certificate that passed, as run.json has it.
CHECK: dict[str, Any] = {
    "name": "drift",
    "value": 1.1,
    "unit": "1",
    "bound": 1.5,
    "direction": "at_most",
    "state": "passed",
    "text": "",
}


@dataclass(frozen=True)
class FakeCell:
    """One cell and what is true of it: median latency of its calls and of its control's, in ns.

    `memory` are bytes that its subjects hold beside what a bare one does; `doses` are columns of subjects.csv, in the
    place of `DOSE`. Several `subjects` at once (None: one, and cells.csv does not say it) share the `calls` of a block.
    """

    mechanism: str = "os_fork"
    total_ns: float = 120_000.0
    control_ns: float = 65_000.0
    work: str = "fork"
    control: str = "native_fork"
    python: str = PYTHON
    scenario: str = "parent"
    level: str = "bare"
    unit: str = ""
    calls: int = 20
    blocks: int = 4
    call_share: float = 0.6
    ready_share: float | None = 0.8
    parent_faults: float = 40.0
    child_faults: float = 57.0
    path: str = "fork"
    memory: int = 0
    subjects: int | None = None
    failing_rounds: tuple[int, ...] = ()
    doses: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the logarithm of each effect; 0 makes every call of a cell alike.

    `drift` is one step of the machine's walk from round to round, `subject` moves both roles,
    `ratio` only the mechanism, `call` is log-normal, and a share `slow` of the calls takes `slow_factor`.
    """

    drift: float = 0.03
    subject: float = 0.03
    ratio: float = 0.005
    block: float = 0.005
    call: float = 0.04
    slow: float = 0.02
    slow_factor: float = 3.0


QUIET = Noise(0, 0, 0, 0, 0, 0, 1)

BARE: dict[str, Any] = {
    "rss_bytes": 9_000_000,
    "pss_bytes": 8_000_000,
    "private_bytes": 7_000_000,
    "copied_bytes": 3_000_000,
}
DOSE: dict[str, Any] = {
    "huge_bytes": 0,
    "pte_bytes": 100_000,
    "vmas": 80,
    "fds": 3,
    "threads": 1,
    "cpus": 1,
    "modules": 40,
}
"""What every subject has; a column that is not here stays empty."""
USAGE: dict[str, Any] = {
    "parent_user_ns": 20_000.0,
    "parent_sys_ns": 30_000.0,
    "child_user_ns": 10_000.0,
    "child_sys_ns": 40_000.0,
    "parent_switches": 1.0,
    "child_switches": 1.0,
}
"""What every block used a call besides page faults."""
INTERPRETER: dict[str, Any] = {
    "implementation": "cpython",
    "build": "main Nov 24 2026 04:00:00",
    "compiler": "GCC 12.2.0",
    "shared_library": True,
    "debug": False,
    "free_threaded": False,
    "configure": "",
    "pointer_bits": 64,
    "site_modules": 0,
    "site_loads": "",
}
"""What every interpreter is, besides its version and place."""

CELLS = (
    FakeCell("native_fork", 65_000.0, work="control", control="", parent_faults=12, child_faults=8, ready_share=None),
    FakeCell("noop", 150.0, work="baseline", control="", path="none", parent_faults=0, child_faults=0),
    FakeCell(),
    FakeCell(scenario="rss", level="64MiB", unit="bytes", total_ns=820_000.0, control_ns=700_000.0),
    FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", path="posix_spawn", ready_share=None),
    FakeCell("subprocess_run", 230_000.0, 165_000.0, "exec", "native_spawn", path="vfork", ready_share=None),
    FakeCell("mp_spawn", 38e6, 5.2e6, "python_call", "native_spawn", calls=1, blocks=2, path="vfork", ready_share=None),
)
"""A small run as one of the core mechanisms: a cell of every kind that readers treat differently."""


@dataclass(frozen=True)
class FakeRun:
    """A run to write; `rounds` are complete, `torn` adds an unfinished one whose last line is cut off."""

    cells: Sequence[FakeCell] = CELLS
    rounds: int = 10
    noise: Noise = Noise()
    seed: int = 1
    run: str = "20261124T040000Z"
    machine: str = "fake-2cpu"
    torn: bool = False
    document: dict[str, Any] = field(default_factory=dict)


def write_run(results: pathlib.Path, fake: FakeRun = FakeRun()) -> pathlib.Path:
    """Write `fake` under `results` and return the run's directory."""
    directory = create_run_directory(results, fake.machine, fake.run)
    # A fake run need not survive a power failure, and the disk may keep a writer waiting for a minute.
    with patch("os.fsync"), Store(directory, fake_document(fake)) as store:
        store.add([_cell_row(number, cell) for number, cell in enumerate(fake.cells)])
        dice = np.random.default_rng(fake.seed)
        drift, now = 0.0, 0
        for number in range(fake.rounds + fake.torn):
            drift += dice.normal(0, fake.noise.drift)
            blocks = [block for cell in range(len(fake.cells)) for block in _blocks(fake, dice, number, cell, drift)]
            now = _write_round(store, fake, number, blocks, now)
        _close(store, fake, now)
    if fake.torn:
        samples = directory / schema.SAMPLES.file
        samples.write_bytes(samples.read_bytes()[:-7])
    return directory


def fake_document(fake: FakeRun) -> RunDocument:
    """run.json of a fake run."""
    started = f"{fake.run[0:4]}-{fake.run[4:6]}-{fake.run[6:8]}T{fake.run[9:11]}:{fake.run[11:13]}:{fake.run[13:15]}Z"
    document: dict[str, Any] = {
        "schema": schema.SCHEMA_VERSION,
        "run": fake.run,
        "machine": fake.machine,
        "label": fake.run.partition("-")[2] or None,
        "status": RunStatus.PARTIAL if fake.torn else RunStatus.COMPLETE,
        "rounds": fake.rounds,
        "seed": fake.seed,
        "suite": {"version": "0.1.0", "commit": None},
        "options": {
            "profile": "standard",
            "budget_s": 60.0,
            "rounds": None,
            "mechanisms": [],
            "scenarios": [],
            "cpu": "auto",
            "block_ns": 20_000_000,
            "pairs": [10, 2],
        },
        "started": started,
        "ended": None if fake.torn else started,
        "wall_ns": None if fake.torn else 60_000_000_000,
        "share_in_calls": None if fake.torn else 0.9,
        "cpus": {"subject": 1, "controller": 0, "allowed": 2},
        "true": "/usr/bin/true",
        "control": {"available": True, "reason": None},
        "machine_facts": {
            "cpu_model_name": "Example CPU",
            "kernel": "6.18.0",
            "platform": "Linux-6.18.0-x86_64-with-glibc2.36",
            "thp": "madvise",
        },
        "before": {"load_1min": 0.1, "steal_ticks": 0},
        "after": {"load_1min": 1.0, "steal_ticks": 0},
        "pythons": {
            label: INTERPRETER | {"version": label.partition("~")[0], "executable": f"~/python{label}"}
            for label in dict.fromkeys(cell.python for cell in fake.cells)
        },
        "unavailable": [],
        "certificate": None,
        "unfit": [],
    }
    return msgspec.convert(document | fake.document, RunDocument)


def _cell_row(number: int, cell: FakeCell) -> CellRow:
    return CellRow(
        cell=number,
        python=cell.python,
        mechanism=cell.mechanism,
        work=Work(cell.work),
        scenario=cell.scenario,
        level=cell.level,
        unit=cell.unit or None,
        control=cell.control or None,
        block_calls=cell.calls,
        control_calls=cell.calls if cell.control else 0,
        blocks=cell.blocks,
        path=Path(cell.path) if cell.path else None,
        subjects=cell.subjects,
    )


@dataclass(frozen=True)
class _FakeBlock:
    """One block: how long each of its calls took."""

    cell: int
    block: int
    role: Role
    times: list[int]
    subjects: int = 1

    @property
    def elapsed_ns(self) -> int:
        """How long it took: subjects that work at the same time have each their part of the calls."""
        return -(-sum(self.times) // self.subjects)


def _blocks(fake: FakeRun, dice: np.random.Generator, number: int, cell: int, drift: float) -> Iterator[_FakeBlock]:
    """All blocks of one cell in one round: the warm-up, then pairs of mechanism and control; none if it fails."""
    about, noise = fake.cells[cell], fake.noise
    if number in about.failing_rounds:
        return
    level = drift + dice.normal(0, noise.subject)
    ratio = dice.normal(0, noise.ratio)
    for block in range(-1, about.blocks):
        for role in list(Role) if about.control else [Role.MECHANISM]:
            mechanism = role is Role.MECHANISM
            true = about.total_ns if mechanism else about.control_ns
            logarithm = np.log(true) + level + (ratio if mechanism else 0.0)
            times = _times(fake, dice, about.calls, block, logarithm)
            yield _FakeBlock(cell, block, role, times, about.subjects or 1)


def _times(fake: FakeRun, dice: np.random.Generator, count: int, block: int, logarithm: float) -> list[int]:
    noise = fake.noise
    logarithms = logarithm + dice.normal(0, noise.block) + dice.normal(0, noise.call, count)
    logarithms += np.log(noise.slow_factor) * (dice.random(count) < noise.slow)
    if block < 0:
        logarithms += np.log(2)
    times: list[int] = np.maximum(1, np.rint(np.exp(logarithms))).astype(int).tolist()
    return times


def _write_round(store: Store, fake: FakeRun, number: int, blocks: Sequence[_FakeBlock], begin: int) -> int:
    """Write a round whose subjects all start at `begin`: their warm-ups, then the other blocks; when it ended."""
    now, order, set_up = begin, 0, begin
    for block in sorted(blocks, key=lambda block: block.block >= 0):
        warm_up = block.block < 0
        _write_block(store, fake, number, block, -1 if warm_up else order, now)
        now += block.elapsed_ns
        order += not warm_up
        set_up = now if warm_up else set_up
    store.add([_subject_row(number, cell, about, begin, set_up) for cell, about in enumerate(fake.cells)])
    return now


def _subject_row(number: int, cell: int, about: FakeCell, begin: int, set_up: int) -> SubjectRow:
    failed = number in about.failing_rounds
    return SubjectRow(
        round=number,
        cell=cell,
        status=SubjectStatus.ERROR if failed else SubjectStatus.OK,
        error="the child exited with status 1" if failed else None,
        start_ns=begin,
        setup_ns=set_up - begin,
        path=Path(about.path) if about.path else None,
        **(DOSE | {name: size + about.memory for name, size in BARE.items()} | about.doses),
    )


def _write_block(store: Store, fake: FakeRun, number: int, block: _FakeBlock, order: int, start: int) -> None:
    about, control = fake.cells[block.cell], block.role is Role.CONTROL
    faults = (12.0, 8.0) if control else (about.parent_faults, about.child_faults)
    block_row = BlockRow(
        cell=block.cell,
        round=number,
        block=block.block,
        order=order,
        role=block.role,
        calls=len(block.times),
        start_ns=start,
        elapsed_ns=block.elapsed_ns,
        parent_faults=faults[0],
        child_faults=faults[1],
        **USAGE,
    )
    store.add([block_row])
    ready = None if about.ready_share is None or control else about.ready_share
    store.add(
        [
            SampleRow(
                cell=block.cell,
                round=number,
                block=block.block,
                role=block.role,
                warmup=int(block.block < 0),
                total_ns=total,
                call_ns=max(1, round(total * about.call_share)),
                ready_ns=None if ready is None else max(1, round(total * ready)),
            )
            for total in block.times
        ]
    )


def _close(store: Store, fake: FakeRun, in_calls_ns: int) -> None:
    """Say in run.json how long the run took, of which it spent `in_calls_ns` in calls."""
    document = store.document
    if not in_calls_ns and document.share_in_calls:
        document.share_in_calls = 0.0
    elif document.share_in_calls:  # one that was killed has none
        document.wall_ns = round(in_calls_ns / document.share_in_calls)
