"""The command `validate`: formats, exit statuses, which runs a path names, and that committed runs are valid."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.validate import check
from analysis.validate.check import runs_below
from tests import ROOT
from tests.analysis.validate.conftest import edit


def test_a_valid_run_ends_with_0(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run with nothing wrong is called valid, alone or below results, and stays as it is."""
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert main(["validate", str(run.parent.parent)]) == 0
    assert capsys.readouterr().out == f"{run}: valid\n"
    assert {*runs_below(run), *runs_below(run / "run.json"), *runs_below(run.parent)} == {run}
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_committed_runs_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with any run under results/; that reports follow from them is held where they are made."""
    monkeypatch.setattr(check, "check_derived", lambda *_: None)
    runs = check.runs_below(ROOT / "results")
    assert len(runs) >= 2
    assert {run: check.check_run(run) for run in runs} == {run: [] for run in runs}


def test_findings_in_all_formats(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings end with status 1, and are escaped for what they are printed as."""
    monkeypatch.setattr(check, "check_derived", lambda *_: None)
    edit(run, lambda document: document.update(label="<img src=x>|`"))
    found = {}
    for form in ("table", "markdown", "csv", "json"):
        assert main(["validate", str(run), "--format", form]) == 1
        found[form] = capsys.readouterr().out
    assert "label: holds markup (<img src=x>)" in found["table"]
    assert "<img" not in found["markdown"].replace("\\<", "")
    rows = list(csv.DictReader(io.StringIO(found["csv"])))
    (said,) = [row for row in json.loads(found["json"])["runs"][0]["findings"] if row["file"] == "run.json"]
    assert said["what"] == "label: holds markup (<img src=x>); no text of a run has any"
    assert (rows[-1]["file"], rows[-1]["line"], rows[-1]["what"]) == ("run.json", str(said["line"]), said["what"])
    assert '"label"' in (run / "run.json").read_text().splitlines()[said["line"] - 1]


def test_a_directory_without_document_is_a_finding(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that lacks run.json is found at its place below results."""
    (run / "run.json").unlink()
    assert main(["validate", str(run.parent.parent)]) == 1
    assert f"{run}/run.json: missing" in capsys.readouterr().out


def test_no_run_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that holds no run, or is not there, ends with status 2 and one line."""
    for path in (tmp_path, tmp_path / "nowhere"):
        assert main(["validate", str(path)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"analysis validate: {path}: ")
        assert said.err.count("\n") == 1
