"""Turns known latencies and a seeded noise model into the files of a run, through the store that real runs use.

The noise is nested as in real runs: every round has a fresh subject (its effect is common to mechanism and
control, but for a part of their ratio), blocks differ within it, and calls within blocks. The machine's drift
is common to all cells of a round and to both roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench import schema
from bench.files.store import Store, create_run_directory

PYTHON = "3.11.7"


@dataclass(frozen=True)
class FakeCell:
    """One cell and what is true of it: median latency of its calls and of its control's, in ns.

    `memory` are bytes that its subjects hold beside what a bare one does.
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
    failing_rounds: tuple[int, ...] = ()


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

BARE = {"rss_bytes": 9_000_000, "pss_bytes": 8_000_000, "private_bytes": 7_000_000}
DOSE: dict[str, object] = {
    "setup_ns": 10**7,
    "huge_bytes": 0,
    "pte_bytes": 100_000,
    "vmas": 80,
    "fds": 3,
    "threads": 1,
    "cpus": 1,
    "modules": 40,
}
"""What every subject has; a column that is not here stays empty."""

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


def write_run(results: Path, fake: FakeRun = FakeRun()) -> Path:
    """Write `fake` under `results` and return the run's directory."""
    directory = create_run_directory(results, fake.machine, fake.run)
    # A fake run need not survive a power failure, and the disk may keep a writer waiting for a minute.
    with patch("os.fsync"), Store(directory, _document(fake)) as store:
        store.add(schema.CELLS, [_cell_row(number, cell) for number, cell in enumerate(fake.cells)])
        dice = np.random.default_rng(fake.seed)
        drift = 0.0
        for number in range(fake.rounds + fake.torn):
            drift += dice.normal(0, fake.noise.drift)
            for cell in range(len(fake.cells)):
                _write_subject(store, fake, dice, number, cell, drift)
    if fake.torn:
        samples = directory / schema.SAMPLES.file
        samples.write_bytes(samples.read_bytes()[:-7])
    return directory


def _document(fake: FakeRun) -> dict[str, Any]:
    started = f"{fake.run[0:4]}-{fake.run[4:6]}-{fake.run[6:8]}T{fake.run[9:11]}:{fake.run[11:13]}:{fake.run[13:15]}Z"
    document: dict[str, Any] = {
        "schema": schema.SCHEMA_VERSION,
        "run": fake.run,
        "machine": fake.machine,
        "label": fake.run.partition("-")[2] or None,
        "status": schema.PARTIAL if fake.torn else schema.COMPLETE,
        "rounds": fake.rounds,
        "seed": fake.seed,
        "suite": {"version": "0.1.0", "commit": None},
        "options": {"profile": "standard", "budget_s": 60.0, "rounds": None, "cpu": "auto", "block_ns": 20_000_000},
        "started": started,
        "ended": None if fake.torn else started,
        "wall_ns": 60_000_000_000,
        "share_in_calls": 0.9,
        "cpus": {"subject": 1, "controller": 0},
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
            label: {"version": label.partition("~")[0], "implementation": "cpython", "executable": f"~/python{label}"}
            for label in dict.fromkeys(cell.python for cell in fake.cells)
        },
        "unavailable": [],
        "certificate": None,
        "unfit": [],
    }
    return document | fake.document


def _in_order(table: schema.Table, values: dict[str, object]) -> tuple[object, ...]:
    """A row of `table`; columns that have no value are empty."""
    return tuple(values.get(name) for name in table.header)


def _cell_row(number: int, cell: FakeCell) -> tuple[object, ...]:
    names = (cell.python, cell.mechanism, cell.work, cell.scenario, cell.level, cell.unit, cell.control)
    return (number, *names, cell.calls, cell.calls if cell.control else 0, cell.blocks, cell.path)


def _write_subject(
    store: Store, fake: FakeRun, dice: np.random.Generator, number: int, cell: int, drift: float
) -> None:
    """All blocks of one cell in one round: the warm-up, then pairs of mechanism and control."""
    about, noise = fake.cells[cell], fake.noise
    failed = number in about.failing_rounds
    status, error = (schema.ERROR, "the child exited with status 1") if failed else (schema.OK, None)
    row: dict[str, object] = {
        "round": number,
        "cell": cell,
        "status": status,
        "error": error,
        "start_ns": number * 10**9,
    }
    dose = DOSE | {name: BARE[name] + about.memory for name in BARE} | {"path": about.path}
    store.add(schema.SUBJECTS, [_in_order(schema.SUBJECTS, row | dose)])
    if failed:
        return
    level = drift + dice.normal(0, noise.subject)
    ratio = dice.normal(0, noise.ratio)
    for block in range(-1, about.blocks):
        roles = schema.ROLES if about.control else (schema.MECHANISM,)
        for role in roles:
            mechanism = role == schema.MECHANISM
            true = about.total_ns if mechanism else about.control_ns
            logarithm = np.log(true) + level + (ratio if mechanism else 0.0)
            _write_block(store, fake, dice, (cell, number, block, role), logarithm)


def _write_block(
    store: Store, fake: FakeRun, dice: np.random.Generator, key: tuple[int, int, int, str], logarithm: float
) -> None:
    cell, number, block, role = key
    about, noise, count = fake.cells[cell], fake.noise, fake.cells[cell].calls
    logarithms = logarithm + dice.normal(0, noise.block) + dice.normal(0, noise.call, count)
    logarithms += np.log(noise.slow_factor) * (dice.random(count) < noise.slow)
    if block < 0:
        logarithms += np.log(2)
    times = np.maximum(1, np.rint(np.exp(logarithms))).astype(int).tolist()
    order = -1 if block < 0 else (cell * about.blocks + block) * 2 + (role == schema.CONTROL)
    start = number * 10**9 + (order + 1) * 10**6
    faults = (about.parent_faults, about.child_faults) if role == schema.MECHANISM else (12.0, 8.0)
    usage = (*faults, 20_000.0, 30_000.0, 10_000.0, 40_000.0, 1.0, 1.0)
    store.add(schema.BLOCKS, [(cell, number, block, order, role, count, start, sum(times), *usage)])
    ready = None if about.ready_share is None else about.ready_share
    warmup = int(block < 0)
    rows: list[tuple[object, ...]] = [
        (
            *(cell, number, block, role, warmup, total, max(1, round(total * about.call_share))),
            None if ready is None or role == schema.CONTROL else max(1, round(total * ready)),
        )
        for total in times
    ]
    store.add(schema.SAMPLES, rows)
