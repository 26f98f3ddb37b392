"""Turns the suite that was sent into a directory and an interpreter that it can be run with, once a version."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fleet.host.places import HostError, locked, no_room, own_environment, suite_folder, tidy

OLDEST_PYTHON = (3, 11)
_ARCHIVE = "suite.tar"
_READY = "ready.json"
_VERSION_DIGITS = 16
_STEP_S = 900.0
# So often it is looked whether the set-up is still wanted.
_LOOK_S = 2.0
# Compiled here: else the first run would do it, and what a full disk cuts off then is never made again.
_PREPARE = """
import compileall, json, platform, sys
if not compileall.compile_dir("bench", quiet=2):
    sys.exit("ERROR: bench cannot be compiled; is the disk full?")
from bench.machine.control_build import find, find_teller
find_teller()
print(json.dumps({"version": platform.python_version(), "control": find().problem}))
"""


@dataclass
class _Making:
    """A set-up that goes on in this process: the step that it waits for, and whether it was told to end.

    `look` raises an exception where nobody wants it any more.
    """

    look: Callable[[], object]
    step: subprocess.Popen[str] | None = None
    is_stopped: bool = False


_under_way: dict[str, _Making] = {}


def needs(version: str) -> bool:
    """Whether this host lacks the suite `version`, or has it damaged."""
    return bool(problem(version))


def set_up(
    version: str,
    archive: bytes | None = None,
    wheels: bytes | None = None,
    python: str = "",
    look: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Make the suite ready, once a version and by one process at a time; raises `HostError`.

    `archive` may be left out where the host has it; with `wheels` no package index is asked; `python` is an interpreter
    with all packages, which is used instead of a new environment. `look` is called every two seconds: where it raises
    an exception, the step that goes on is killed, nothing of the set-up stays, and the exception goes on.
    Returned: `python`, what it took in `seconds`, and `control`, why there is no control in C here, and so no relative
    latency (empty: there is one).
    """
    began = time.monotonic()
    if sys.platform == "win32":
        raise HostError("Windows: jobs are carried out on Linux and macOS only")
    if sys.version_info < OLDEST_PYTHON:
        raise HostError(f"Python {platform.python_version()}: the suite needs 3.11; start the worker with a newer one")
    folder = suite_folder(version)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f"{folder.name}.lock")):
            if wrong := problem(version):
                if archive is None:
                    raise HostError(f"{folder}: {wrong}; send the suite again")
                _under_way[version] = _Making(look)
                try:
                    _make(folder, version, archive, wheels, python)
                finally:
                    del _under_way[version]
            os.utime(folder / _READY)
        tidy(folder)
        ready = interpreter(version)
    except OSError as error:
        raise HostError(no_room(error)) from None
    return {"python": ready["python"], "control": ready["control"], "seconds": time.monotonic() - began}


def stop_set_up(version: str) -> None:
    """End a set-up of this version that goes on in this process; nothing of it stays."""
    if making := _under_way.get(version):
        making.is_stopped = True
        if making.step:
            _kill(making.step)


def problem(version: str) -> str:
    """Why the suite cannot be used as it is here, in a few words; empty: it can."""
    folder = suite_folder(version)
    try:
        python = interpreter(version)["python"]
        archive = (folder / _ARCHIVE).read_bytes()
        if _version_of(archive) != version:
            return "its archive is damaged"
        for name, content in _files(archive):
            if (folder / name).read_bytes() != content:
                return f"{name} is not as it was sent"
    except (OSError, ValueError, KeyError):
        return "the suite is not set up"
    return "" if os.access(python, os.X_OK) else f"its interpreter {python} is gone"


def interpreter(version: str) -> dict[str, str]:
    """The `python` of the suite, its `version`, and `control`, as `set_up` has it."""
    return dict(json.loads((suite_folder(version) / _READY).read_text(encoding="utf-8")))


def _make(folder: Path, version: str, archive: bytes, wheels: bytes | None, python: str) -> None:
    """Make the directory beside its place, and rename it when all of it is there."""
    if _version_of(archive) != version:
        raise HostError("the suite arrived damaged; send it again")
    for left in folder.parent.glob(f"{folder.name}.new*"):
        shutil.rmtree(left, ignore_errors=True)
    # A name of its own: where a worker was killed, its pip may still be at work in the directory that it has.
    beside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new-", dir=folder.parent))
    try:
        _unpack(archive, beside)
        (beside / _ARCHIVE).write_bytes(archive)
        own = python or _environment(version, beside, wheels)
        found = json.loads(_said(version, [own, "-c", _PREPARE], beside))
        # The environment moves with its directory: nothing but its scripts, which nobody uses, knows the old place.
        ready = {"python": python or own.replace(str(beside), str(folder)), **found}
        (beside / _READY).write_text(json.dumps(ready), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _environment(version: str, folder: Path, wheels: bytes | None) -> str:
    """An interpreter with exactly what the lock has. No .pth file comes with it, which children would read."""
    own = folder / ".venv"
    python = str(own / "bin" / "python")
    _said(version, [sys.executable, "-m", "venv", "--without-pip", str(own)])
    install = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--require-hashes"]
    install += ["--only-binary", ":all:", "--retries", "1", "--requirement", str(folder / "requirements.lock")]
    if wheels is not None:
        _unpack(wheels, folder / "wheels")
        install += ["--no-index", "--find-links", str(folder / "wheels")]
    if importlib.util.find_spec("pip"):
        _said(version, [sys.executable, "-m", "pip", "--python", python, *install])
    elif importlib.util.find_spec("ensurepip"):
        _said(version, [python, "-m", "ensurepip"])
        _said(version, [python, "-m", "pip", *install])
        _said(
            version, [python, "-m", "pip", "uninstall", "--quiet", "--yes", "--disable-pip-version-check", "setuptools"]
        )
    else:
        raise HostError(f"{sys.executable}: has no pip; install it (Debian: apt-get install python3-venv)")
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    return python


def _said(version: str, command: list[str], folder: Path | None = None) -> str:
    """What the command, a step of the set-up, prints; where it fails, `HostError` with the line that says why."""
    making = _under_way[version]
    making.look()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=own_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as making.step:
        if making.is_stopped:
            _kill(making.step)
        try:
            said, complained = _output(making, command[0])
        except BaseException:
            _kill(making.step)
            raise
    if making.is_stopped:
        raise HostError("stopped while it was set up")
    if making.step.returncode == 0:
        return said
    lines = [line.strip() for line in (complained or said).splitlines() if line.strip()]
    why = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1] if lines else "no output")
    hint = "; where no package index is reached, send --wheels" if "pip" in command else ""
    raise HostError(f"the suite cannot be set up: {why}{hint}")


def _output(making: _Making, name: str) -> tuple[str, str]:
    """What the step prints until it ends, on its output and for errors; raises where it is not waited for any more."""
    assert making.step
    limit = time.monotonic() + _STEP_S
    while True:
        try:
            return making.step.communicate(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            making.look()
        if time.monotonic() > limit:
            raise HostError(f"{name}: not done after {_STEP_S:g} s; try again, or send --wheels")


def _kill(step: subprocess.Popen[str]) -> None:
    """Kill the step and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(step.pid, signal.SIGKILL)


def _version_of(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()[:_VERSION_DIGITS]


def _files(archive: bytes) -> list[tuple[str, bytes]]:
    """The regular files of a tar, with names that stay below a directory."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream and not member.name.startswith("/") and ".." not in member.name.split("/"):
                found.append((member.name, stream.read()))
    return found


def _unpack(archive: bytes, folder: Path) -> None:
    for name, content in _files(archive):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
