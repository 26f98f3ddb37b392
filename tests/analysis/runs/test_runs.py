"""The list of runs tells what each is by run.json alone, and names what cannot be read without hiding the rest."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.runs.listing import list_runs
from tests.fake_run import FakeRun, write_run

OLD, NEW = "20260101T000000Z", "20260201T000000Z-x"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one machine."""
    folder = tmp_path_factory.mktemp("results")
    for name in (NEW, OLD):
        write_run(folder, replace(FakeRun(rounds=6), run=name))
    return folder


def test_every_run_is_a_record(results: Path) -> None:
    """Runs come oldest first, with interpreters, rounds, certificate, state, and the bytes of all their files."""
    (old, new), problems = list_runs(results)
    assert (problems, old.run, new.run, old.machine) == ([], OLD, NEW, "fake-2cpu")
    assert (new.rounds, new.python, new.certificate, new.status) == (6, "3.11.7", "none", "complete")
    folder = results / new.machine / new.run
    assert new.bytes == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_formats(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal gets a block for each machine, within 80 columns; CSV and JSON have bytes."""
    assert main(["runs", "--results", str(results)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["fake-2cpu", "run", OLD, NEW]
    assert max(map(len, lines)) <= 80
    assert main(["runs", "--results", str(results), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["runs", "--results", str(results), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["bytes"] for row in rows] == [str(run["bytes"]) for run in found]
    assert main(["runs", "--results", str(results), "--format", "markdown"]) == 0
    assert f"| fake-2cpu | {OLD} |" in capsys.readouterr().out


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[]", b'{"schema": 99}', b'{"schema": 3, "run": "../x"}'])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes) -> None:
    """A damaged run.json is named in one line with status 1, and the other run is listed."""
    run = write_run(tmp_path, replace(FakeRun(rounds=6), run=NEW))
    bad = run.parent / "a\x1b[0m"
    bad.mkdir()
    (bad / "run.json").write_bytes(text)
    assert main(["runs", "--results", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert NEW in said.out
    assert said.err.count("\n") == 1
    assert r"a\x1b[0m/run.json" in said.err


def test_a_name_works_where_a_run_is_asked_for(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`summary` and `compare` take names under --results, and a name that fits several is answered with them."""
    where = ["--results", str(results)]
    assert main(["summary", "latest", *where]) == 0
    assert capsys.readouterr().out.startswith(f"{NEW} on fake-2cpu")
    assert main(["compare", "202601", "fake/202602", *where]) == 0
    assert OLD in capsys.readouterr().out
    assert main(["compare", "--base", "202601", "--new", "latest", *where]) == 0
    capsys.readouterr()
    assert main(["report", "fake", *where]) == 2
    assert capsys.readouterr().err == (
        f"analysis report: fake: fits 2 runs; name one: fake-2cpu/{NEW}, fake-2cpu/{OLD}\n"
    )


def test_no_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no run, how to make one is said, and a directory that is not there is wrong usage."""
    assert main(["runs", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().err == f"no run under {tmp_path}; make one with: make bench\n"
    assert main(["runs", "--results", str(tmp_path / "x")]) == 2
