"""Turns small fake runs into what arrives, and shares the reader's process, which takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.fleet.receive import Receiver
from tests.bench.fleet.packed import sent
from tests.fake_run import FakeCell, FakeRun, write_run

SMALL = (FakeCell(calls=5, blocks=2), FakeCell("posix_spawn", 177e3, 165e3, "exec", "native_spawn", calls=5, blocks=2))


@pytest.fixture(scope="session")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run as a host has it; not to be changed."""
    return write_run(tmp_path_factory.mktemp("host"), FakeRun(SMALL, rounds=7))


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `receiver` places runs; each test has machines of its own there."""
    return tmp_path_factory.mktemp("gathered") / "results"


@pytest.fixture(scope="session")
def receiver(arrived: Path, results: Path) -> Iterator[Receiver]:
    """A receiver whose reader runs already, so that no test starts a process that stays."""
    with Receiver(results, 1) as made:
        made.place(sent(arrived), "first-{machine}")
        yield made
