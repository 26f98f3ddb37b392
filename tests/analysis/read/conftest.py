"""Turns the cells of `tests.analysis.read.edge` into a run that a test changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.read.edge import CELLS, ROUNDS, Edge
from tests.fake_run import QUIET, FakeRun, write_run
from tests.run_tables import RunTables, read_tables


@pytest.fixture(scope="module")
def quiet_run(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    """A run without noise, as text."""
    return read_tables(write_run(tmp_path_factory.mktemp("source"), FakeRun(CELLS, ROUNDS, QUIET)))


@pytest.fixture
def edge(quiet_run: RunTables, tmp_path: Path) -> Edge:
    """That run, to be changed."""
    return Edge(quiet_run.copy(), tmp_path)
