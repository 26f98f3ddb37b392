"""Holds that any answer of `analysis predict` becomes a prediction, or one line that says why there is none."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from bench.twin.prediction import Prediction, parse, predict


def test_the_figures_are_taken_by_their_names() -> None:
    """Each time is a number of ns; whatever else the document holds is not looked at."""
    text = json.dumps({"pid": 7, "os_fork_ns": 11, "os_fork_lo_ns": 10.5, "causes": [{"ns": 3}]})
    assert parse(text) == Prediction({"os_fork_ns": 11.0, "os_fork_lo_ns": 10.5})


@pytest.mark.parametrize("value", ["null", '"5"', "true", "-1", "NaN", "Infinity", "[]", "{}"])
def test_what_is_no_time_is_unknown(value: str) -> None:
    """A key that is missing or holds no finite number is not known, and the others are."""
    assert parse(f'{{"os_fork_ns": {value}, "control_ns": 7}}') == Prediction({"control_ns": 7.0})


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "7", "[" * 100_000])
def test_what_is_no_object_is_a_problem(text: str) -> None:
    """Other output is named, and not shown."""
    assert parse(text) == Prediction(problem="`analysis predict` answered no JSON object")


def test_its_own_line_is_the_reason() -> None:
    """A run that is not there is what `analysis` says of it; the last line counts."""
    problem = predict("nowhere", 1).problem
    assert "nowhere" in problem or "predict" in problem


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Let the other program end so."""

    def run(command: list[str], **_: Any) -> Any:
        assert command[1:] == ["-m", "analysis", "predict", "MODEL", "--pid", "77", "--json"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(subprocess, "run", run)


def test_it_may_fail_hang_or_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of its errors, its status where it has none, and the time that it was given."""
    answering(monkeypatch, subprocess.CompletedProcess([], 2, b"", b"a warning\nMODEL: no model\n"))
    assert predict("MODEL", 77).problem == "MODEL: no model"
    answering(monkeypatch, subprocess.CompletedProcess([], 1, b"", b""))
    assert predict("MODEL", 77).problem == "it ended with status 1"
    answering(monkeypatch, subprocess.TimeoutExpired(["x"], 5))
    assert predict("MODEL", 77).problem.startswith("`analysis predict` did not answer: ")
    answering(monkeypatch, subprocess.CompletedProcess([], 0, b'{"control_ns": 5}', b"a warning"))
    assert predict("MODEL", 77) == Prediction({"control_ns": 5.0})
