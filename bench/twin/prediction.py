"""Turns a run with a cost model into what `analysis predict` says of a process, asked in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.ask_analysis import ask_analysis

# Loading pandas and fitting a model takes seconds.
_PATIENCE_S = 120.0
_ONE_LINE = 300


@dataclass(frozen=True)
class Prediction:
    """What a model says: times in ns under the names that `analysis predict --json` gives them, as ``os_fork_ns``.

    `problem` is why there is no prediction, in one line.
    """

    times: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


def predict(model: str, pid: int) -> Prediction:
    """Ask for the prediction of the model of run `model` for process `pid`."""
    try:
        done = ask_analysis("predict", model, "--pid", str(pid), "--json", capture_output=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Prediction(problem=f"`analysis predict` did not answer: {' '.join(str(error).split())[:_ONE_LINE]}")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else f"it ended with status {done.returncode}"
        return Prediction(problem=said[:_ONE_LINE])
    return parse(done.stdout.decode(errors="replace"))


def parse(text: str) -> Prediction:
    """The prediction in the JSON of `analysis predict --json`; a time that is no finite number is not known."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Prediction(problem="`analysis predict` answered no JSON object")
    return Prediction(
        {name: float(value) for name, value in document.items() if name.endswith("_ns") and _is_time(value)}
    )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
