"""Holds the command line as its users meet it: real processes, exit statuses, one line of error, signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import analysis.__main__
from bench import ask_analysis, schema
from bench.__main__ import main
from bench.machine import control_build
from bench.plan import registry
from tests import ROOT
from tests.engine import PATIENCE_S, PYTHON, bench_cli, command, needs_fork, rows, status

QUICK = "import resource, sys\nfrom bench.__main__ import main\nfrom tests.quick_bench import small_certificate\n"
SHORT = ("--mechanism", "os_fork", "--rounds", "1", "--block-ms", "0.5", "--pairs", "1,1", "--machine", "here")

# Words after `run`, and what the one line of error must hold; {file} is a file, {dir} a directory of the test.
BAD = {
    "mechanism": (
        ["--mechanism", "os_frok"],
        "os_frok: no such mechanism, the nearest is os_fork; `python -m bench list` shows them all",
    ),
    "scenario": (["--scenario", "moon=full"], "moon: no such scenario; there is vmas, vmas_private, "),
    "level": (["--scenario", "parent=fat"], "parent=fat: no such level; there is bare, equal"),
    "size": (["--scenario", "rss=64Mb!"], "rss=64Mb!: not a size"),
    "huge": (["--scenario", "rss=900000GiB"], "nothing can be measured here: rss=900000GiB: at most "),
    "profile": (["--profile", "slow"], "slow: no such profile; there is quick, standard, full"),
    "interpreter": (["--python", "{file}"], "{file}: cannot be started (Permission denied)"),
    "program": (["--python", shutil.which("true") or "true"], "is not a Python (it did not answer as one)"),
    "missing": (["--python", "{dir}/python"], "{dir}/python: cannot be started (No such file or directory)"),
    "results": (["--results", "{file}"], "{file}: cannot hold results"),
    "budget": (["--budget", "0"], "--budget 0: must be a number of seconds, more than 0"),
    "negative": (["--budget", "-5"], "--budget -5: must be"),
    "endless": (["--budget", "inf"], "--budget inf: must be"),
    "rounds": (["--rounds", "0"], "--rounds 0: must be at least 1"),
    "cpu": (["--cpu", "4711"], "--cpu 4711: "),
    "block": (["--block-ms", "nan"], "--block-ms "),
    "pairs": (["--pairs", "99,9"], "--pairs 99,9: "),
    "label": (["--label", "../x"], "--label '../x': "),
}


pytestmark = pytest.mark.usefixtures("short_runs")


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start ``python -m bench WORDS``."""
    usual: dict[str, Any] = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "text": True}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(*words), **{**usual, **piped, **options})


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_status_2(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing on standard output, one line on standard error that says what and where, nothing made or changed."""
    (tmp_path / "file").write_text("kept")
    names = {"file": str(tmp_path / "file"), "dir": str(tmp_path)}
    words, said = BAD[name]
    assert status("run", "--results", str(tmp_path / "results"), *(word.format(**names) for word in words)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("without the C control ")]
    assert len(lines) == 1, err
    assert lines[0].startswith("bench run: ")
    assert said.format(**names) in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    """Without permission the run is refused in one line."""
    (tmp_path / "closed").mkdir(mode=0o500)
    done = bench_cli("run", *SHORT, "--results", str(tmp_path / "closed"))
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"bench run: {tmp_path / 'closed'}: cannot hold results (Permission denied)")


@pytest.mark.parametrize("words", [["run", "--seed", "x"], ["run", "--no-such-option"], ["no-such-command"], []])
def test_words_that_the_parser_refuses(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong word ends with status 2 and says so on its last line, and on standard error alone."""
    assert status(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert ": error: " in err.splitlines()[-1]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list", "--help"], ["selftest", "--help"]])
def test_help_is_no_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` prints to standard output and ends with status 0."""
    assert status(*words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("usage: python -m bench")


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` of both programs prints what pyproject.toml says."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (main(["--version"]), analysis.__main__.main(["--version"])) == (0, 0)
    assert capsys.readouterr().out == f"forkbench {version}\n" * 2


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_loads_nothing_large(words: list[str]) -> None:
    """What only measuring needs is not loaded to print a help text."""
    code = (
        f"import sys\nfrom bench.__main__ import main\ntry: main({words})\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    loaded = set(done.stderr.split())
    assert "sys" in loaded
    assert not loaded & {"pyperf", "rich", "psutil", "numpy", "pandas", "scipy", "matplotlib"}


@needs_fork
def test_a_run_prints_its_directory_last(tmp_path: Path) -> None:
    """Standard output ends with the directory, which holds the run; progress goes to standard error, in plain lines."""
    done = bench_cli("run", *SHORT, "--results", str(tmp_path), "--label", "a-b")
    assert done.returncode == 0, done.stderr
    directory = Path(done.stdout.splitlines()[-1])
    assert directory.parent == tmp_path / "here"
    assert directory.name.endswith("-a-b")
    assert json.loads((directory / "run.json").read_text())["status"] == "complete"
    assert len(rows(directory, schema.CELLS)) == 1
    lines = done.stderr.splitlines()
    assert any(line.startswith("calibration, ") for line in lines)
    assert any(line.startswith("round 1, ") for line in lines)
    assert "\x1b" not in done.stderr


@needs_fork
def test_json_is_all_that_standard_output_gets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--format json`` prints the summary as one JSON text, and the directory on standard error."""
    asked = subprocess.CompletedProcess[bytes]
    monkeypatch.setattr(ask_analysis, "ask_analysis", lambda *words: asked(words, analysis.__main__.main(words)))
    assert status("run", *SHORT, "--results", str(tmp_path), "--format", "json", "--quiet") == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)
    assert [cell["mechanism"] for cell in found["cells"]][-1] == "os_fork"
    assert Path(err.splitlines()[-1]) == tmp_path / found["machine"] / found["run"]


@needs_fork
def test_a_budget_too_small_is_said_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One round is measured, kept, and said to be too few; without progress nothing but what stays is said."""
    assert status("run", *SHORT[:2], "--budget", "0.001", "--no-progress", "--results", str(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert "WARNING: only 1 complete rounds; an interval needs 6. Raise --budget (now 0.001 s)" in err
    assert "calibration" not in err
    assert not any(line.startswith("round ") for line in err.splitlines())
    assert len(out.splitlines()) == 1


@needs_fork
@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="needs pipes of POSIX")
def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """``bench list | head -1`` ends quietly."""
    for words in (["list"], ["--help"]):
        process = start(*words)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        text = process.stderr.read()
        process.stderr.close()
        process.wait(PATIENCE_S)
        assert "Traceback" not in text
        assert "Exception" not in text


def test_list_shows_everything_with_its_work(capsys: pytest.CaptureFixture[str]) -> None:
    """Every mechanism of the contract and every scenario is in the list, grouped by work, with a sentence each."""
    assert status("list", "--python", PYTHON) == 0
    out = capsys.readouterr().out
    for name, one in registry.mechanisms().items():
        assert (name in out.split()) == (one.work in registry.WORKS)
    for word in ("parent=bare|equal", "affinity=pinned|free", "rss=64MiB"):
        assert word in out


def test_list_says_what_is_unavailable_and_why(tmp_path: Path) -> None:
    """Without compiler and without `true`: each mechanism that needs them has its reason below it."""
    environment = {**os.environ, "PATH": str(tmp_path), "CC": "no-such-compiler"}
    code = (
        "import sys, pathlib\nfrom bench.machine import control_build\nfrom bench.__main__ import main\n"
        f"control_build.SOURCE = pathlib.Path({str(tmp_path / control_build.SOURCE.name)!r})\nsys.exit(main(['list']))"
    )
    shutil.copy(control_build.SOURCE, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name, reason in (("native_fork", "no C control: no C compiler found"), ("posix_spawn", "no program `true`")):
        place = next(number for number, line in enumerate(lines) if line.split()[:1] == [name])
        assert lines[place + 1].strip().startswith(f"UNAVAILABLE: {reason}")
    noop = next(number for number, line in enumerate(lines) if line.split()[:1] == ["noop"])
    assert "UNAVAILABLE" not in lines[noop + 1]


def test_list_refuses_what_is_no_interpreter(capsys: pytest.CaptureFixture[str]) -> None:
    """As for a run: one line, status 2."""
    assert status("list", "--python", "/nowhere/python") == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("bench list: /nowhere/python: cannot be started (No such file or directory)")


@needs_fork
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a system with limits on files")
def test_a_disk_that_fills_up_is_one_line(tmp_path: Path) -> None:
    """A run whose files cannot grow ends with one line that names its directory; what was measured is kept."""
    words = ["run", "--mechanism", "noop", "--rounds", "3", "--results", str(tmp_path)]
    code = (
        f"{QUICK}resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        f"with small_certificate(): sys.exit(main({words}))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"bench run: {tmp_path}")
    assert "cannot be written (File too large); what was measured until then is kept there" in last
    assert "Traceback" not in done.stderr
    (directory,) = next(iter(tmp_path.iterdir())).iterdir()
    assert json.loads((directory / "run.json").read_text())["status"] == "partial"


@needs_fork
@pytest.mark.parametrize(("limit", "statuses"), [(8, (2,)), (10, (1, 2)), (12, (1, 2)), (24, (0,))])
def test_too_few_file_descriptors_are_an_error_and_no_traceback(
    tmp_path: Path, limit: int, statuses: tuple[int, ...]
) -> None:
    """Where not all subjects can be started, those that cannot are error rows with the reason, and the run goes on."""
    words = [
        "run",
        "--profile",
        "quick",
        "--scenario",
        "parent=bare,equal",
        "--rounds",
        "1",
        "--results",
        str(tmp_path),
    ]
    code = (
        f"{QUICK}resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n"
        f"with small_certificate(): sys.exit(main({words}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert "Traceback" not in done.stderr
    assert "Too many open files" in done.stderr
    assert done.returncode in statuses


def test_an_error_names_a_hostile_place_safely(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an error on standard error spells out what a path may hold."""
    assert main(["list", "--python", "no\x1b[2J\u202eplace"]) == 2
    said = capsys.readouterr().err
    assert r"no\x1b[2J\u202eplace" in said
    assert "\x1b" not in said
