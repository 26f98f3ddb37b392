"""Turns the Pythons that are installed here into the oldest and the newest that can be measured."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.plan import availability, interpreters
from bench.plan.interpreters import Interpreter, InterpreterError
from tests.engine import CONTROL

OLDEST_MINOR, BEYOND_MINOR = 8, 20


def installed() -> dict[int, str]:
    """One interpreter of each minor version from 3.8 on, by that version; none was started, and some may not start."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found: dict[int, str] = {}
    for minor in range(OLDEST_MINOR, BEYOND_MINOR):
        of_system = shutil.which(f"python3.{minor}") or ""
        if of_system.startswith(str(root)):
            of_system = ""  # a shim of pyenv: it takes longer than Python, and may start none
        paths = [*map(str, sorted(root.glob(f"versions/3.{minor}.*/bin/python3"))), of_system]
        if paths[0]:
            found[minor] = paths[0]
    return found


@cache
def oldest_and_newest() -> list[Interpreter]:
    """Those at both ends that are not of the version of these tests: ways to start a process changed in between.

    The suite runs with the newest interpreter in `.ci/run` too.
    """
    others = {minor: path for minor, path in installed().items() if minor != sys.version_info[1]}
    ends = _first(others[minor] for minor in sorted(others)), _first(others[minor] for minor in sorted(others)[::-1])
    return list({one.executable: one for one in ends if one}.values())


def _first(paths: Iterable[str]) -> Interpreter | None:
    """The first of these that can be measured."""
    for path in paths:
        try:
            (one,) = interpreters.find([path], availability.needs(CONTROL))
        except InterpreterError:
            continue
        return one
    return None
