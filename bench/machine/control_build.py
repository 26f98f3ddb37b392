"""Turns C sources into the control that subjects load and the program that tells when it began, or says why it cannot.

Both are optional: without the control the suite runs, and the relative columns stay empty.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "subject" / "control.c"
EXTENSION_NAME = "_control.abi3.so"
# What programs run where children tell when they began (scenario `phases`): `true` that tells first.
TELLER_SOURCE = SOURCE.with_name("tell.c")
TELLER_NAME = "_tell"
BUILD_TIMEOUT_S = 120.0
_NO_COMPILER = "no C compiler found; install gcc or clang (Debian: apt-get install gcc), or name one in CC"


@dataclass(frozen=True)
class Control:
    """The folder of the built control. Where there is none, it is empty, and `problem` says why in one line."""

    folder: str
    problem: str


@dataclass(frozen=True)
class Teller:
    """The path of the program that tells when it began. Where there is none, it is empty, and `problem` says why."""

    program: str
    problem: str


class ControlError(Exception):
    """The control cannot be built here. The text says what is missing and how to get it."""


def compiler() -> list[str] | None:
    """The C compiler's command ($CC, else cc, gcc or clang), or None."""
    named_compiler = os.environ.get("CC")
    if named_compiler:
        words = shlex.split(named_compiler)
        return words if words and shutil.which(words[0]) else None
    return next(([name] for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


def compiler_problem() -> str | None:
    """Why the control cannot be built here, with the remedy in the same line; None: it can be built."""
    if sys.platform == "win32":
        return "the control needs fork and posix_spawn, which Windows does not have"
    if compiler() is None:
        return _NO_COMPILER
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        return "Python.h not found; install Python's headers (Debian: apt-get install python3-dev)"
    return None


def ensure() -> Path:
    """Build the control if it is missing or older than its source, and return its folder.

    Raises `ControlError`. Where the suite's own folder cannot be written, the control is in a temporary folder,
    which this process removes at its end.
    """
    if sys.platform == "win32":
        raise ControlError("the control needs fork and posix_spawn, which Windows does not have")
    if not _is_built(SOURCE, EXTENSION_NAME) and (problem := compiler_problem()):
        raise ControlError(problem)
    flags = ["-fPIC", "-shared", f"-I{sysconfig.get_path('include')}"]
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    return _ensure(SOURCE, EXTENSION_NAME, flags).parent


def find() -> Control:
    """The control, or the reason why there is none."""
    try:
        return Control(str(ensure()), "")
    except ControlError as error:
        return Control("", str(error))


def find_teller() -> Teller:
    """The program that tells when it began, or the reason why there is none."""
    if sys.platform != "linux":
        return Teller("", "only on Linux is the clock of a C program known to be that of Python")
    try:
        if not _is_built(TELLER_SOURCE, TELLER_NAME) and compiler() is None:
            raise ControlError(_NO_COMPILER)
        return Teller(str(_ensure(TELLER_SOURCE, TELLER_NAME, [])), "")
    except ControlError as error:
        return Teller("", str(error))


def _is_built(source: Path, name: str) -> bool:
    """Whether there is a file of this name beside its source, and not an older one."""
    built = source.with_name(name)
    return built.is_file() and built.stat().st_mtime_ns >= source.stat().st_mtime_ns


def _ensure(source: Path, name: str, flags: list[str]) -> Path:
    """The built file: that beside its source, or one in a temporary folder where that folder cannot be written."""
    built = source.with_name(name)
    if _is_built(source, name):
        return built
    folder = built.parent if os.access(built.parent, os.W_OK) else _temporary_folder()
    _build(source, folder / name, flags)
    return folder / name


def _temporary_folder() -> Path:
    import atexit

    folder = tempfile.mkdtemp(prefix="forkbench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _build(source: Path, target: Path, flags: list[str]) -> None:
    command = compiler()
    assert command is not None
    new_file = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        compilation = subprocess.run(
            [*command, "-O2", "-Wall", "-Wextra", *flags, "-o", str(new_file), str(source)],
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
        )
        if compilation.returncode != 0:
            first_error = next(
                (line for line in compilation.stderr.splitlines() if "error" in line), compilation.stderr[:200].strip()
            )
            raise ControlError(f"{source.name} does not compile with {command[0]}: {first_error}")
        os.replace(new_file, target)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ControlError(f"{command[0]} could not be run: {error}") from None
    finally:
        new_file.unlink(missing_ok=True)
