"""Turns a fake run into one that can be published: with facts, certificate and derived files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from tests.fake_run import CHECK, QUIET, FakeCell, FakeRun, write_run
from tests.few_figures import few_figures

FACTS = {"architecture": "x86_64", "cpu_count": 2, "kernel": "6.1", "platform": "Linux-6.1", "system": "Linux"}

DRAWN = ("mechanisms", "calls")


@pytest.fixture(autouse=True)
def _few_figures() -> Iterator[None]:
    """A report is whole with two figures, which is what `published` has."""
    with few_figures(*DRAWN):
        yield


def edit(run: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Apply `change` to run.json of `run`; gives `run`."""
    path = run / "run.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=1, sort_keys=True))
    return run


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without findings; not to be changed."""
    cells = [
        FakeCell(calls=5, blocks=2),
        FakeCell("posix_spawn", 177e3, 165e3, "exec", "native_spawn", calls=5, blocks=2),
    ]
    run = write_run(tmp_path_factory.mktemp("published"), FakeRun(cells, rounds=7, noise=QUIET))

    def complete(document: dict[str, Any]) -> None:
        document["certificate"] = {"checks": [CHECK], "passed": True}
        document["machine_facts"] |= FACTS

    with few_figures(*DRAWN):
        assert main(["report", str(edit(run, complete))]) == 0
    return run


@pytest.fixture
def run(published: Path, tmp_path: Path) -> Path:
    """A copy of `published` to be spoiled."""
    copy = tmp_path / "results" / published.parent.name / published.name
    shutil.copytree(published, copy)
    return copy
