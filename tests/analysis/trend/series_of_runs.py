"""Turns known latencies, one a run, into quiet runs a day apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

CONTROL_NS = 100_000.0
# What runs scatter around what is true of them, in no order: the mean is 1.
SCATTER = (1.001, 0.999, 1.002, 0.998, 1.0, 1.0015, 0.9985, 1.0005, 0.9995, 1.002, 0.999, 0.9995)

Trended = Callable[..., dict[str, Any]]


def name_of(day: int) -> str:
    """The name of the run of a day, from 0."""
    return f"202611{day + 1:02}T040000Z"


def write_series(results: Path, relative: Sequence[float | None], **about: Any) -> list[Path]:
    """A run a day whose forks take so many times as long as their control; None: one without such a cell."""
    spawn = FakeCell(
        "posix_spawn", 177e3, 165e3, "exec", "native_spawn", calls=3, blocks=1, path="posix_spawn", ready_share=None
    )
    paths = []
    for day, value in enumerate(relative):
        fork = FakeCell(total_ns=(value or 0) * CONTROL_NS, control_ns=CONTROL_NS, calls=3, blocks=1)
        fields: dict[str, Any] = {"rounds": 6, "noise": QUIET, "run": name_of(day)}
        fields |= {key: make(day) if callable(make) else make for key, make in about.items()}
        paths.append(write_run(results, FakeRun(cells=[spawn] if value is None else [fork, spawn], **fields)))
    return paths
