"""Turns small fake runs into one site for all tests that only look, and into a copy for those that change it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.__main__ import main
from tests.analysis.site.small_sites import FIRST, OTHER, SECOND, publish, small_figures, small_run
from tests.hostile_run import hostile_run


@pytest.fixture(scope="module", autouse=True)
def _small_figures() -> Iterator[None]:
    """Nothing is drawn in these tests."""
    with small_figures():
        yield


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a machine, one of another, and a hostile one, with their reports; copy before a change."""
    folder = tmp_path_factory.mktemp("results")
    with small_figures():
        drawn = small_run(folder, FIRST)
        for run in (drawn, hostile_run(folder)):
            assert main(["report", str(run)]) == 0
    for place in (SECOND, OTHER):
        shutil.copytree(drawn / "report", small_run(folder, place) / "report")
    return folder


@pytest.fixture(scope="session")
def looked_at(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of these runs; copy before a change."""
    site = tmp_path_factory.mktemp("site") / "site"
    with small_figures():
        assert publish(results, site) == 0
    return site


@pytest.fixture
def site(looked_at: Path, tmp_path: Path) -> Path:
    """A site of these runs, to change."""
    return Path(shutil.copytree(looked_at, tmp_path / "site"))
