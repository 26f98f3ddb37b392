"""The command that makes impossible runs, tried on a small number of them."""

from __future__ import annotations

import pytest

from tests import impossible_runs
from tests.impossible_runs import IMPOSSIBLE, main
from tests.valid_kinds import VALID


def test_every_kind_made_of_a_real_run_is_told_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Once each, real runs made impossible are named, and real runs changed as happens are read."""
    kinds = len(IMPOSSIBLE) + len(VALID)
    assert main(["--changes", str(kinds)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"named {len(IMPOSSIBLE)} of {len(IMPOSSIBLE)} (at least 99%); kinds of valid runs refused: 0 (none)"


def test_what_readers_miss_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An impossible run that is read without a word is told with its number, and the exit status is 1."""
    monkeypatch.setattr(impossible_runs, "IMPOSSIBLE", {"nothing": lambda run, dice: None})
    monkeypatch.setattr(impossible_runs, "VALID", {})
    assert main(["--changes", "1"]) == 1
    assert "0 / 1    nothing  [change 0: read without a word]" in capsys.readouterr().out


def test_what_readers_refuse_wrongly_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A valid run that is refused is told with the complaint, and the exit status is 1."""
    name = "The calls of one block are ten times as long"
    monkeypatch.setattr(impossible_runs, "VALID", {name: IMPOSSIBLE[name]})
    monkeypatch.setattr(impossible_runs, "IMPOSSIBLE", {})
    assert main(["--changes", "1"]) == 1
    assert f"1 / 1    {name}  [change 0: blocks.csv:" in capsys.readouterr().out
