"""Turns the path of an interpreter into its facts, a label, and what it cannot do."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.driver import launch

PROBE_TIMEOUT_S = 30.0
OLDEST_VERSION = (3, 8)
# Modules come first: what tells of importable ones imports more.
_TELL_STATE = """
import sys
modules = sorted(sys.modules)
def has(name):
    from importlib.util import find_spec
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False
missing = [name for name in sys.argv[1:] if not has(name)]
packages = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
print(repr({"modules": modules, "missing": missing, "site_path": packages}))
"""


class InterpreterError(Exception):
    """The path leads to no interpreter that can be measured. The text is one line."""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter to measure. `missing` maps each need of a mechanism that it does not meet to the reason.

    `site_path` holds its folders of installed packages, joined as in ``PYTHONPATH``.
    """

    label: str
    executable: str
    facts: dict[str, Any]
    missing: dict[str, str]
    site_path: str = ""

    @property
    def control_problem(self) -> str:
        """Why it cannot load the C control, or an empty string."""
        return next((reason for need, reason in self.missing.items() if need.startswith("control:")), "")


def default() -> str:
    """The interpreter behind this virtual environment: packages installed for the suite must not be measured."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def find(paths: Sequence[str], needs: Iterable[str], modules: Iterable[str] = ()) -> list[Interpreter]:
    """Probe each interpreter. Its label is its version; a repeated label gets ``~2``, ``~3`` and so on.

    `modules` are names that it should be able to import; the need of one is ``module:NAME``.

    Raises `InterpreterError` for the first path that is no interpreter.
    """
    interpreters: list[Interpreter] = []
    labels: dict[str, int] = {}
    for path in paths:
        facts, missing = _probe(path, sorted(set(needs)))
        label = _label(facts)
        labels[label] = labels.get(label, 0) + 1
        if labels[label] > 1:
            label = f"{label}~{labels[label]}"
        # The given path runs, unless it is a wrapper script that starts another program: then every start
        # would pay for the wrapper.
        executable = _executable(path, facts["executable"])
        facts["executable"] = tilde(executable)
        facts["configure"] = _without_paths(facts.get("configure", ""))
        with_site = _state(executable, *sorted(modules))
        facts.update(_site_facts(executable, with_site))
        missing |= {f"module:{name}": f"this Python has no module {name}" for name in with_site.missing}
        interpreters.append(Interpreter(label, executable, facts, missing, os.pathsep.join(with_site.site_path)))
    return interpreters


def tilde(path: str) -> str:
    """`path` with ``~`` for the home directory, so that it names no person."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if home != "/" and path.startswith(home + os.sep) else path


def _without_paths(options: str) -> str:
    """The options of ./configure, without those that name a directory: it may name a person."""
    return " ".join(word for word in shlex.split(options) if "/" not in word)


def _label(facts: dict[str, Any]) -> str:
    name = facts["version"] if facts["implementation"] == "cpython" else f"{facts['implementation']}-{facts['version']}"
    return name + ("t" if facts["free_threaded"] else "") + ("d" if facts["debug"] else "")


def _executable(path: str, reported: str) -> str:
    given = shutil.which(path) or path
    try:
        with open(given, "rb") as stream:
            is_script = stream.read(2) == b"#!"
    except OSError:
        is_script = False
    return reported if is_script and reported else str(Path(given).absolute())


def ask(path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter at `path` in the environment of a subject, and return what it said.

    Raises `InterpreterError` where it cannot be started, `subprocess.TimeoutExpired` after `PROBE_TIMEOUT_S`.
    """
    try:
        return subprocess.run(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            env=launch.environment(),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InterpreterError(f"{path}: cannot be started ({reason}); give --python an interpreter's path") from None


def _output(path: str, *arguments: str) -> str:
    try:
        done = ask(path, *arguments)
    except subprocess.TimeoutExpired:
        raise InterpreterError(f"{path}: did not answer within {PROBE_TIMEOUT_S:g} s; is it a Python?") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        last_line = f": {lines[-1][:200]}" if lines else ""
        raise InterpreterError(
            f"{path}: is not a Python that can be measured (exit status {done.returncode}{last_line})"
        )
    return done.stdout


def _probe(path: str, needs: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    answer = _output(path, *launch.INTERPRETER_FLAGS, str(launch.SUBJECT_FOLDER / "probe.py"), *needs)
    try:
        facts = ast.literal_eval(answer)
        version = tuple(int(part) for part in facts["version"].split(".")[:2])
        missing = facts.pop("missing")
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError):
        raise InterpreterError(f"{path}: is not a Python (it did not answer as one)") from None
    if version < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise InterpreterError(f"{path}: is Python {facts['version']}; {oldest} is the oldest that can be measured")
    return facts, missing


@dataclass(frozen=True)
class _State:
    """An interpreter when it has started: its `modules`, those asked for that it misses, and where packages lie."""

    modules: list[str]
    missing: list[str]
    site_path: list[str]


def _site_facts(executable: str, with_site: _State) -> dict[str, Any]:
    """What `site` loads. Every child started with ``python -c`` pays for it, the measured parents do not."""
    extra = set(with_site.modules) - set(_state(executable, flags=launch.INTERPRETER_FLAGS).modules)
    top = sorted(name for name in extra if "." not in name)
    return {"site_modules": len(extra), "site_loads": " ".join(top[:40])}


def _state(executable: str, *modules: str, flags: Sequence[str] = ()) -> _State:
    lines = _output(executable, *flags, "-c", _TELL_STATE, *modules).splitlines()
    try:
        return _State(**ast.literal_eval(lines[-1]))  # files that site runs may print lines before it
    except (IndexError, ValueError, SyntaxError, TypeError):
        raise InterpreterError(f"{executable}: is not a Python (it did not answer as one)") from None
