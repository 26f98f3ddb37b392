"""A shell completes both programs: commands, options, and the names of mechanisms, scenarios and runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import analysis.__main__
from bench.__main__ import main
from bench.completion import SCRIPTS
from tests import ROOT
from tests.fake_run import FakeRun, write_run


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["se"], ["selftest"]),
        (["run", "--mech"], ["--mechanism"]),
        (["run", "--mechanism", "os_f"], ["os_fork"]),
        (["run", "--scenario", "rs"], ["rss="]),
        (["run", "--profile", "s"], ["standard", "sweep"]),
        (["completion", "z"], ["zsh"]),
        (["nothing", ""], [""]),
    ],
)
def test_words_of_bench(words: list[str], found: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The last word becomes a command, an option, or what that option takes."""
    assert main(["--complete", *words]) == 0
    assert set(found) <= set(capsys.readouterr().out.splitlines())


def test_runs_of_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a run is asked for, those under ``results`` are offered, and formats where a format is."""
    run = write_run(tmp_path / "results", FakeRun(rounds=1))
    monkeypatch.chdir(tmp_path)
    for words, found in ((["report", "la"], ["latest"]), (["summary", run.name[:4]], [run.name])):
        assert analysis.__main__.main(["--complete", *words]) == 0
        assert capsys.readouterr().out.splitlines() == found
    assert analysis.__main__.main(["--complete", "summary", "--format", "j"]) == 0
    assert capsys.readouterr().out == "json\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes(tmp_path: Path) -> None:
    """The script for bash asks the program of the line, and leaves other uses of Python alone."""
    script = tmp_path / "script"
    script.write_text(SCRIPTS["bash"])
    ask = f"""source {script}; compopt() {{ :; }}
    COMP_WORDS=({sys.executable} -m bench run --mechanism os_f) COMP_CWORD=5; _forkbench; echo "${{COMPREPLY[@]}}"
    COMP_WORDS=({sys.executable} -m pytest x) COMP_CWORD=3; _forkbench; echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["os_fork", ""])


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes() -> None:
    """The script for zsh offers what the program says, and files where it says nothing."""
    ask = f"""compdef() {{ : }}; compadd() {{ eval "print -l -- \\$$2" }}; _files() {{ print files }}
    {SCRIPTS["zsh"]}
    words=({sys.executable} -m bench run --mechanism os_f); CURRENT=6; _forkbench
    words=({sys.executable} x.py a); CURRENT=3; _forkbench
    """
    done = subprocess.run(["zsh", "-f", "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.stdout.split()) == ("", ["os_fork", "files"])


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes() -> None:
    """The script for fish offers what the program says as the word to complete."""
    python = Path(sys.executable)
    script = SCRIPTS["fish"].replace("complete -c python ", f"complete -c {python.name} ")
    line = f"{python.name} -m bench run --mechanism os_f"
    command = ["fish", "--no-config", "-c", f'set -x PATH {python.parent} $PATH\n{script}\ncomplete -C "{line}"']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["os_fork"]
