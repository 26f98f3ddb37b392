"""Turns ``FILE.py:function`` into a mechanism: the measured interpreter loads the file and says how it is marked."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from bench import own_file
from bench.driver import launch
from bench.errors import UsageError
from bench.plan import interpreters, registry
from bench.plan.registry import Mechanism
from bench.schema import Work

_EXAMPLE = (
    'write `from mechanisms import mechanism` and `@mechanism("fork", control="native_fork")` above it '
    '(CONTRIBUTING.md, "Measure your own program")'
)


def is_own(name: str) -> bool:
    """Whether a value of --mechanism names a function in a user's file, not one of the suite's mechanisms."""
    return ".py:" in name


def recorded(name: str) -> str:
    """A value of --mechanism as a run records it: a user's without its path. Raises `UsageError`."""
    if not is_own(name):
        return name
    path, _, function = name.rpartition(":")
    file = own_file.look_at(path)
    return f"{file.base}:{function}@{file.digest}"


def path_of(name: str) -> str:
    """The path in ``FILE.py:function``."""
    return name.rpartition(":")[0]


def find_all(names: Iterable[str], python: str) -> dict[str, Mechanism]:
    """The users' own mechanisms among `names`, by the name as it was given. Raises `UsageError`."""
    found: dict[str, Mechanism] = {}
    for name in filter(is_own, dict.fromkeys(names)):
        mechanism = find(name, python)
        for other, known in found.items():
            if known.name == mechanism.name:
                raise UsageError(f"{other} and {name}: have one name and one content; name only one of them")
        found[name] = mechanism
    return found


def find(name: str, python: str) -> Mechanism:
    """The mechanism ``FILE.py:function``, as the interpreter at `python` sees it.

    Raises `UsageError`, whose text shows what to write, and `InterpreterError`.
    """
    path, _, function = name.rpartition(":")
    file = own_file.look_at(path)
    short = f"{file.base}:{function}"
    if not file.base.endswith(".py") or "." in file.base[:-3] or not function.isidentifier():
        raise UsageError(f"{name}: write FILE.py:function, the name of a Python file and of a function in it")
    entry_point = f"{os.path.abspath(file.path)}:{function}"
    says = _look(entry_point, short, python)
    if "undecorated" in says:
        raise UsageError(f"{short}: is not marked as a mechanism; {_EXAMPLE}")
    if problem := _problem(says):
        raise UsageError(f"{short}: {problem}")
    return Mechanism(
        f"{short}@{file.digest}",
        Work(says["work"]),
        says["control"],
        says["needs"],
        entry_point,
        says["description"],
        file,
    )


def _problem(says: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of ``@mechanism``, or an empty string."""
    works = [str(work) for work in registry.WORKS]
    controls = [name for name, known in registry.mechanisms().items() if known.work is Work.CONTROL]
    if says["work"] not in works:
        return f"@mechanism({says['work']!r}): no such work; there is {', '.join(works)}"
    if says["control"] and says["control"] not in controls:
        return f"@mechanism(control={says['control']!r}): no such control; there is {', '.join(controls)}"
    if not all(isinstance(need, str) and need for need in says["needs"]):
        return '@mechanism(needs=...): is a tuple of words, as in needs=("os.fork",)'
    return ""


def _look(entry_point: str, short: str, python: str) -> dict[str, Any]:
    """What `bench/subject/look.py` says of a function; with site, so that it finds packages.

    Raises `UsageError`, and `InterpreterError` where there is no interpreter to ask.
    """
    try:
        done = interpreters.ask(shutil.which(python) or python, str(launch.SUBJECT_FOLDER / "look.py"), entry_point)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{short}: the file was not loaded within {interpreters.PROBE_TIMEOUT_S:g} s") from None
    try:
        says: dict[str, Any] = ast.literal_eval(done.stdout.splitlines()[-1])  # the file may print too
    except (IndexError, ValueError, SyntaxError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
        raise UsageError(
            f"{short}: Python ended with exit status {done.returncode} when it loaded the file: {last}"
        ) from None
    if "too_old" in says:
        raise UsageError(f"{python}: is Python {says['too_old']}; 3.8 is the oldest that can be measured")
    if "error" in says:
        raise UsageError(f"{short}: cannot be loaded: {says['error']}")
    return says
