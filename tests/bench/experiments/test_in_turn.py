"""Two set-ups measured in turn, with real runs."""

from __future__ import annotations

import io
import itertools
import shlex
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analysis.__main__ import main as analyse
from analysis.compare.turns import Turn, turns
from analysis.read.run import load_run
from bench.experiments import in_turn
from bench.experiments.in_turn import SetUp, main, order_of
from bench.files import run_document
from tests.engine import status

SHORT = "--mechanism noop --rounds 6 --block-ms 0.5 --pairs 1,1"


def test_every_other_pair_begins_with_the_other_side() -> None:
    """Three pairs are base, new, new, base, base, new."""
    base, new = (SetUp(name, (), "") for name in ("base", "new"))
    assert [side.name for side in order_of(base, new, 3)] == ["base", "new", "new", "base", "base", "new"]


def in_this_process(command: str | list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """A run is made by its command line in this process; all else is started."""
    if isinstance(command, str):
        return subprocess.run(command, **options)
    assert command[:4] == [sys.executable, "-m", "bench", "run"]
    with redirect_stdout(io.StringIO()) as out:
        assert status(*command[3:]) == 0
    return subprocess.CompletedProcess(command, 0, out.getvalue())


@pytest.mark.usefixtures("short_runs")
def test_two_pairs_are_measured_and_the_printed_command_compares_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each side has its own runs, each after its own command, in turn; the last line is a comparison that works."""
    names = {name: getattr(subprocess, name) for name in ("PIPE", "DEVNULL", "CalledProcessError")}
    monkeypatch.setattr(in_turn, "subprocess", SimpleNamespace(run=in_this_process, **names))
    # A run is named by its second, and these take less.
    clock = itertools.count(1_700_000_000)
    monkeypatch.setattr(
        run_document, "_utc", lambda form="%Y-%m-%dT%H:%M:%SZ": time.strftime(form, time.gmtime(next(clock)))
    )
    log = tmp_path / "log"
    arguments = ["--pairs", "2", "--results", str(tmp_path / "runs"), "--base", SHORT, "--new", f"{SHORT} --seed 2"]
    before = [
        word for side in ("base", "new") for word in (f"--before-{side}", f"echo {side} >> {shlex.quote(str(log))}")
    ]
    assert main([*arguments, *before]) == 0
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert log.read_text().split() == ["base", "new", "new", "base"]
    assert command[:4] == ["python", "-m", "analysis", "compare"]
    assert analyse(command[3:]) == 0
    sides = [[load_run(run) for run in sorted(Path(command[place]).iterdir())] for place in (5, 7)]
    assert turns(*sides) == [Turn(0, 0), Turn(1, 1)]
    assert [run.document.seed for run in sides[1]] == [2, 2]
    assert "in turn" not in capsys.readouterr().out


def test_wrong_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No pair, a directory that holds something, and options that `bench run` refuses: one line each, status 2."""
    (tmp_path / "file").touch()
    for arguments, said in (
        (["--pairs", "0", "--results", str(tmp_path / "new")], "--pairs 0: must be at least 1"),
        (["--results", str(tmp_path)], "is not empty; name a new directory"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
    assert main(["--results", str(tmp_path / "new"), "--base", "--mechanism no_such"]) == 2
    assert "in_turn: the base side ended with status 2; see above" in capsys.readouterr().err
