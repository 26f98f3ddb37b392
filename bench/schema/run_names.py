"""Turns what somebody calls a run (`latest`, the beginning of a name) into the directory of that run."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from bench.schema.run_document import RUN_FILE

LATEST = "latest"
MOST_SHOWN = 8
_LIKE = 0.6


class RunNameError(ValueError):
    """The name fits no run, or several. The text is one line that says which there are."""


def all_runs(results: Path) -> list[Path]:
    """Directories of the runs under `results`, ``MACHINE/RUN``, oldest first: names begin with their time in UTC."""
    return sorted(
        (file.parent for file in results.glob(f"*/*/{RUN_FILE}")), key=lambda run: (run.name, run.parent.name)
    )


def find_run(text: str | Path, results: Path) -> Path:
    """The directory of the run that `text` means.

    In this order: a path that is there; ``latest`` or ``MACHINE/latest``; the whole name of a run; the beginning of the
    name of a run, of a machine, or of both (``MACHINE/RUN``), where only one run fits. What is like no run at all comes
    back as it was. Raises `RunNameError` where several runs fit, or none and one has a name near to it.
    """
    path, wanted = Path(text), str(text)
    if path.exists() or wanted in ("", "."):
        return path
    runs = all_runs(results)
    name = wanted.removeprefix(f"{results}/").rstrip("/")
    machine, slash, beginning = name.rpartition("/")
    if beginning == LATEST:
        return _latest(name, [run for run in runs if run.parent.name.startswith(machine)], results)
    fitting = [run for run in runs if _whole(run) == name or run.name == name]
    if not fitting and slash:
        fitting = [run for run in runs if run.parent.name.startswith(machine) and run.name.startswith(beginning)]
    elif not fitting:
        fitting = [run for run in runs if run.name.startswith(name) or run.parent.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RunNameError(f"{wanted}: fits {len(fitting)} runs; name one: {listed(fitting)}")
    return _nothing_fits(wanted, name, runs)


def run_words(results: Path) -> list[str]:
    """All that names one run under `results`: for completion."""
    runs = all_runs(results)
    return [LATEST, *(run.name for run in runs), *(_whole(run) for run in runs)] if runs else []


def listed(runs: Sequence[Path]) -> str:
    """The newest of `runs` by their names, and how many there are more."""
    names = [_whole(run) for run in reversed(runs)]
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _whole(run: Path) -> str:
    return f"{run.parent.name}/{run.name}"


def _latest(name: str, runs: Sequence[Path], results: Path) -> Path:
    if not runs:
        where = f"{results} of such a machine" if name != LATEST else str(results)
        raise RunNameError(f"{name}: no run under {where}; make one first with: make bench")
    return runs[-1]


def _nothing_fits(wanted: str, name: str, runs: Sequence[Path]) -> Path:
    """The path as it is, whose reader says what is missing, unless a run has nearly this name."""
    names = {key: run for run in runs for key in (run.parent.name, run.name, _whole(run))}
    if near := difflib.get_close_matches(name, [*names, LATEST], 1, _LIKE):
        nearest = near[0] if near[0] == LATEST else _whole(names[near[0]])
        raise RunNameError(f"{wanted}: no such run, the nearest is {nearest}; `python -m analysis runs` lists them all")
    return Path(wanted)
