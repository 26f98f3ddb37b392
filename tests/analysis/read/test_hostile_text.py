"""Text that somebody else wrote into the files of a run: it is harmless as soon as it has been read."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from analysis.read.run import load_run
from tests.hostile_run import harmful, hostile_run


def test_a_run_that_was_read_holds_no_harmful_character(tmp_path: Path) -> None:
    """Texts of run.json and of every table are visible, keys included, and cells still find their interpreter."""
    run = load_run(hostile_run(tmp_path))
    tables = [table.to_csv() for table in (run.cells, run.subjects)]
    assert not harmful([json.dumps(msgspec.to_builtins(run.document), ensure_ascii=False), *tables])
    assert set(run.cells["python"]) == set(run.document.pythons)
    assert run.document.unfit[0].endswith(r"\ud800")
