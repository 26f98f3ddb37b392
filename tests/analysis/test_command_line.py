"""The command line of the analysis: what each command prints and leaves, exit statuses, and errors of one line."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import analysis.__main__
import bench.__main__
from analysis.__main__ import main
from analysis.read.run import load_run
from bench import schema
from bench.files.store import Store
from tests import ROOT
from tests.fake_run import QUIET, FakeCell, FakeRun, fake_document, write_run
from tests.few_figures import few_figures

FORK = FakeCell(calls=8, blocks=2)
SPAWN = FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", calls=8, blocks=2)


def make(results: Path, number: int, factor: float = 1.0, **about: Any) -> Path:
    """A small run without noise whose `os_fork` takes `factor` times as long."""
    cells = [replace(FORK, total_ns=120_000.0 * factor), SPAWN]
    fields: dict[str, Any] = {"cells": cells, "rounds": 8, "noise": QUIET, "run": f"20261124T{number:02}0000Z"}
    return write_run(results, FakeRun(**(fields | about)))


def call(*arguments: object) -> int:
    """Exit status of a command."""
    return main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which a command refuses wrong usage, without its beginning."""
    assert call(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"analysis {arguments[0]}: ")
    assert said.err.count("\n") == 1
    return said.err.partition(": ")[2].rstrip("\n")


def run_python(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60, **options)


def test_help_loads_nothing() -> None:
    """`--help` names every command and what it does, and loads neither pandas nor any other module of the analysis."""
    code = (
        "import sys, analysis.__main__ as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "slow = {'pandas', 'numpy', 'scipy', 'matplotlib', 'rich', 'pyperf'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    for name in ("summary", "plot", "report", "compare", "export-pyperf", "import-pyperf"):
        assert f"\n  {name}" in done.stdout


def test_no_reader_loads_what_takes_longest_and_few_need() -> None:
    """What reads, reports, validates and publishes is loaded without scipy's statistics and its optimisers."""
    code = (
        "import sys, analysis.validate.check, analysis.validate.received, analysis.site.build, analysis.figures\n"
        "analysis.figures.kinds()\n"
        "slow = {'scipy.stats', 'scipy.optimize', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["summary"], ["plot"], ["compare", "--format", "pdf"]])
def test_wrong_usage(arguments: list[str]) -> None:
    """What the parser does not know ends with status 2."""
    with pytest.raises(SystemExit) as end:
        sys.exit(main(arguments))
    assert end.value.code == 2


def test_summary_table(fake_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`summary` prints a row a cell under its work, with intervals, tail and the parent's wait, and leaves its CSV."""
    run = tmp_path / "copy"
    shutil.copytree(fake_run, run)
    assert call("summary", run) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "20261124T040000Z on fake-2cpu: 10 rounds"
    assert lines[1] == "cell median (95 % interval) p99 relative to C (95 % interval) parent blocked"
    assert lines.index("control, in C") < lines.index("fork only") < lines.index("run a program")
    fork = lines[lines.index("fork only") + 1]
    assert fork.startswith("os_fork ")
    assert fork.count(" to ") == 3
    assert lines[lines.index("fork only") + 2].startswith("os_fork rss=64MiB ")
    table = list(csv.DictReader(io.StringIO((run / "summary.csv").read_text(encoding="utf-8"))))
    assert [row["mechanism"] for row in table][2] == "os_fork"


def test_summary_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV and JSON hold base units, Markdown a table; of several runs each row or object names its run."""
    one, two = make(tmp_path, 1), make(tmp_path, 2)
    call("summary", one, "--format", "csv")
    assert capsys.readouterr().out == (one / "summary.csv").read_text(encoding="utf-8")
    call("summary", one, two, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["run"], row["mechanism"], row["p50_ns"]) for row in rows][2] == (two.name, "os_fork", "120000")
    call("summary", one, two, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert [run["run"] for run in found] == [one.name, two.name]
    assert list(found[0]["cells"][0]) == list(schema.SUMMARY.header)
    assert (found[0]["cells"][0]["p50_ns"], found[0]["cells"][0]["p99_ns"]) == (120_000, None)
    call("summary", one, "--format", "markdown")
    text = capsys.readouterr().out
    assert "| `os_fork` | 120 µs (120 to 120) |" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_summary_says_what_is_wrong_with_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A partial, short run on an unfit machine, without a control and with errors, is shown with a line for each."""
    cell = replace(FORK, control="", failing_rounds=(1,))
    about = {"control": {"available": False, "reason": "no C compiler; install one"}, "unfit": ["load: 3 of 2 CPUs"]}
    run = write_run(tmp_path, FakeRun(cells=[cell], rounds=3, torn=True, document=about))
    assert call("summary", run) == 0
    text = capsys.readouterr().out
    assert "3 rounds, partial" in text
    for line in (
        "measured on an unfit machine: load: 3 of 2 CPUs",
        "no relative latency: no C compiler; install one",
        "an interval needs at least 6 rounds; measure longer (--budget)",
        "errors: subjects that failed; subjects.csv says of each what went wrong",
    ):
        assert line in text.splitlines()


def test_summary_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its table is shown all the same, as that of the next run; one line and status 1 say what was not written."""
    run, other = make(tmp_path, 1), make(tmp_path, 2)
    (run / "summary.csv").mkdir()
    assert call("summary", run, other) == 1
    said = capsys.readouterr()
    assert said.out.count("os_fork") == 2
    assert (other / "summary.csv").is_file()
    assert said.err == f"analysis summary: {run}: summary.csv not written (Is a directory)\n"


@pytest.mark.parametrize("program", [analysis.__main__, bench.__main__])
def test_a_program_without_memory_says_so(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the system grants no more memory, the end is one line and status 2."""
    command = next(iter(program.COMMANDS))
    monkeypatch.setattr(program, "_carry_out", lambda *_: bytearray(1 << 60))
    assert program.main([command]) == 2
    name = program.__name__.partition(".")[0]
    assert capsys.readouterr().err.startswith(f"{name} {command}: out of memory; ")


@few_figures("mechanisms", "calls")
def test_report_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`report` makes what is derived from a run and says where it begins, after table and answers if asked."""
    run = make(tmp_path, 1)
    assert call("report", run) == 0
    index = run / "report" / "index.html"
    assert capsys.readouterr().out == f"{index}\n"
    assert call("summary", run) == 0
    table = capsys.readouterr().out
    assert call("report", "--table", run) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{table}\nWhat is the cheapest way for each kind of work?\n")
    assert printed.endswith(f"\nreport: {index}\n")
    for name in ("report/index.html", "report/report.md", "summary.csv", "pyperf.json.gz"):
        assert (run / name).stat().st_size > 0
    assert call("plot", run, "--out", tmp_path / "figures") == 0
    written = capsys.readouterr().out.splitlines()
    assert written
    assert all(Path(name).parent == tmp_path / "figures" and Path(name).exists() for name in written)
    (tmp_path / "file").touch()
    assert "--out" in refused(capsys, "plot", run, "--out", tmp_path / "file")


def test_compare_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--fail-on-slower` ends with 1 for a change beyond it, names the cell, and with 0 for less or for faster."""
    base, slow = make(tmp_path, 1), make(tmp_path, 2, 1.10)
    assert call("compare", base, slow) == 0
    assert call("compare", base, slow, "--fail-on-slower", 20) == 0
    assert call("compare", slow, base, "--fail-on-slower", 0) == 0
    capsys.readouterr()
    assert call("compare", base, slow, "--fail-on-slower", 5) == 1
    said = capsys.readouterr()
    assert said.err == "os_fork Python 3.11.7: slower by 10 %, more than 5 %\n"
    assert "slower" in said.out
    assert call("compare", base, slow, "--fail-on-slower", 5, "--margin", 15) == 0


def test_compare_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every format has the verdicts under `verdict`; CSV keeps to rows and says all else on standard error."""
    base = make(tmp_path, 1)
    other = make(tmp_path, 2, 1.10, document={"machine_facts": {"kernel": "6.19.0"}})
    call("compare", base, other, "--format", "csv")
    said = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [(row["mechanism"], row["verdict"]) for row in rows] == [("os_fork", "slower"), ("posix_spawn", "same")]
    assert "differs: kernel: 6.18.0 → 6.19.0" in said.err.splitlines()
    call("compare", base, other, "--format", "json")
    assert [row["verdict"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["slower", "same"]
    call("compare", base, other, "--format", "markdown")
    assert "| **slower** |" in capsys.readouterr().out


def test_compare_pools_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several runs a side come by `--base` and `--new` or by their directory; `--plot` writes the forest plot."""
    base = [make(tmp_path / "base", number) for number in (1, 2)]
    new = [make(tmp_path / "new", number, 1.1) for number in (3, 4)]
    assert call("compare", "--base", *base, "--new", *new, "--format", "json", "--plot", tmp_path / "a.svg") == 0
    pooled = json.loads(capsys.readouterr().out)
    assert pooled["rows"][0]["base_rounds"] == 16
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert call("compare", base[0].parent, new[0].parent, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == pooled


def test_a_plot_as_pdf_is_the_same_each_time(tmp_path: Path) -> None:
    """A PDF holds neither date nor versions, so that two of the same comparison are equal."""
    run = make(tmp_path, 1)
    for name in "ab":
        assert call("compare", run, run, "--plot", tmp_path / f"{name}.pdf") == 0
    content = (tmp_path / "a.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content == (tmp_path / "b.pdf").read_bytes()
    assert not re.search(rb"CreationDate|Producer|matplotlib", content)


def test_compare_by_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--by` compares inside one run, from its first value or the one named with `--base`."""
    cells = [replace(FORK, python=python, total_ns=time) for python, time in (("3.9.1", 400_000), ("3.10.1", 200_000))]
    run = make(tmp_path, 1, cells=cells)
    assert call("compare", run, "--by", "python", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["base"], row["new"], row["verdict"], row["ratio"]) for row in rows] == [
        ("3.9.1", "3.10.1", "faster", "0.5")
    ]
    assert call("compare", run, "--by", "python", "--base", "3.10.1", "--fail-on-slower", 50) == 1
    assert call("compare", run.parent, "--by", "python") == 0
    make(tmp_path, 2)
    capsys.readouterr()
    assert "holds 2 runs" in refused(capsys, "compare", run.parent, "--by", "python")


def test_compare_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong numbers of runs, wrong percentages, unlike machines and what is no run: one line, nothing printed."""
    run, other = make(tmp_path, 1), make(tmp_path, 2, machine="other")
    assert "name two runs" in refused(capsys, "compare", run)
    assert "name two runs" in refused(capsys, "compare", run, run, "--base", run)
    assert "name one RUN" in refused(capsys, "compare", run, run, "--by", "python")
    assert "name one value" in refused(capsys, "compare", run, "--by", "python", "--base", "a", "b")
    assert refused(capsys, "compare", run, run, "--margin", "-1").startswith("--margin -1: must be")
    assert "--fail-on-slower nan" in refused(capsys, "compare", run, run, "--fail-on-slower", "nan")
    assert "--across-machines" in refused(capsys, "compare", run, other)
    assert "no run" in refused(capsys, "compare", run, tmp_path)
    assert "does not exist" in refused(capsys, "compare", run, tmp_path / "none")
    assert ".svg, .png or .pdf" in refused(capsys, "compare", run, run, "--plot", tmp_path / "a.gif")
    assert call("compare", run, other, "--across-machines") == 0


def test_damaged_and_newer_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad row is named by file and line, a newer schema by its version; every command refuses them alike."""
    run = make(tmp_path, 1)
    cells = run / "cells.csv"
    cells.write_text(cells.read_text(encoding="utf-8").replace("posix_spawn,exec", "posix_spawn"), encoding="utf-8")
    for command in (["summary", run], ["report", run], ["plot", run, "--out", tmp_path], ["export-pyperf", run]):
        assert "cells.csv:3: " in refused(capsys, *command)
    newer = make(tmp_path, 2)
    document = json.loads((newer / "run.json").read_text())
    (newer / "run.json").write_text(json.dumps(document | {"schema": 99}))
    assert "schema version 99" in refused(capsys, "compare", newer, newer)


def test_pyperf_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run goes to a pyperf file, whole or some cells of it, and comes back as a run that `compare` reads."""
    run = make(tmp_path, 1)
    file = tmp_path / "forks.json"
    assert call("export-pyperf", run, "--mechanism", "os_fork", "-o", file) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert call("import-pyperf", file, "--results", tmp_path / "imported", "--label", "back") == 0
    said = capsys.readouterr()
    back = Path(said.out.strip())
    assert (back / "run.json").is_file()
    assert "absolute" in said.err
    assert call("compare", back, back, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["rests_on"], row["base_ns"]) == ("absolute", 120_000)
    assert "--mechanism none: not in" in refused(capsys, "export-pyperf", run, "--mechanism", "none")
    assert "--cell 7: not in" in refused(capsys, "export-pyperf", run, "--cell", "7")
    assert call("export-pyperf", run, "--cell", "1") == 0
    assert capsys.readouterr().out == f"{run / 'pyperf.json.gz'}\n"
    file.write_text("{}", encoding="utf-8")
    refused(capsys, "import-pyperf", file, "--results", tmp_path / "imported")


def test_no_control_characters_in_a_pipe(tmp_path: Path) -> None:
    """In a pipe a table is plain text on whole lines, also where colours were asked of other programs."""
    run = make(tmp_path, 1)
    done = run_python("-m", "analysis", "compare", run, run, env={**os.environ, "COLUMNS": "20", "FORCE_COLOR": "1"})
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert any(line.startswith("os_fork") and line.rstrip().endswith("%") for line in done.stdout.splitlines())


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    """Output into a pipe that nobody reads ends quietly."""
    read, written = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "analysis", "summary", str(make(tmp_path, 1))]
    done = subprocess.run(command, cwd=ROOT, stdout=written, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(written)
    assert (done.returncode, done.stderr) == (0, "")


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a command works ends it with status 130 and no traceback."""

    def interrupt(path: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("analysis.read.run.load_run", interrupt)
    assert call("summary", tmp_path) == 130


@pytest.mark.parametrize("command", ["summary", "report", "export-pyperf"])
def test_a_run_that_was_killed_before_its_first_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """It is a partial run without rounds: readers say so, in a line or in a table without rows, and never trace."""
    directory = tmp_path / "machine" / "20261124T040000Z"
    directory.mkdir(parents=True)
    with Store(directory, fake_document(FakeRun(torn=True, rounds=0))):  # as it is on disk then
        run = load_run(directory)
        assert (run.partial, run.rounds, len(run.cells), len(run.samples)) == (True, 0, 0, 0)
        status = call(command, directory)
        printed = capsys.readouterr()
        assert status in (0, 2)
        assert len(printed.err.splitlines()) <= 1
