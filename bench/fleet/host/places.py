"""Turns versions of the suite and ids of jobs into directories in this host's cache, locked while they are used."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, which `set_up` refuses
    pass

CACHE_VARIABLE = "FORKBENCH_CACHE"
_SUITES_KEPT = 3
_JOBS_KEPT_S = 7 * 86400.0
_VERSION = re.compile(r"[0-9a-f]{16}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class HostError(Exception):
    """This host cannot do what it is asked for. The text is one line: what, where, what to do."""


def cache() -> Path:
    """Where this host keeps suites and jobs: $FORKBENCH_CACHE, else a directory of the user."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")).absolute() / "forkbench"


def suite_folder(version: str) -> Path:
    """Where the suite `version` is; hosts of other kinds that share this directory have it beside."""
    if not _VERSION.fullmatch(version):
        raise HostError(f"{version!r}: no version of a suite")
    return cache() / f"{version}-{sys.implementation.cache_tag}-{platform.machine()}"


def job_folder(name: str) -> Path:
    """Where the job is. Raises `HostError` for what can be no directory of its own."""
    if not _ID.fullmatch(name):
        raise HostError(f"{name!r}: no id of a job")
    return cache() / "jobs" / name


def no_room(error: OSError) -> str:
    """An error of the system in one line."""
    where = error.filename or cache()
    return f"{where}: {error.strerror}; free some room there, or set {CACHE_VARIABLE} to another directory"


def own_environment() -> dict[str, str]:
    """The environment without what is meant for the worker's Python: PYTHONPATH would bring other packages in."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Have the lock on `file`, alone among all processes, inside the block."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_held(file: Path) -> bool:
    """Whether a process has the lock on `file`; not, where there is no such file."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # two who look at once do not see each other
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def state_of(job: Path) -> dict[str, Any]:
    """What the process of the job said last; empty: it said nothing yet."""
    try:
        return dict(json.loads((job / "state").read_bytes()))
    except (OSError, ValueError):
        return {}


def tidy(used: Path) -> None:
    """Remove suites but `used` and the newest, and jobs that nobody has asked about for a week; none that runs."""
    jobs = {job: is_held(job / "running") for job in (cache() / "jobs").glob("*")}
    for job, runs in jobs.items():
        with suppress(OSError):
            if not runs and time.time() - job.stat().st_mtime > _JOBS_KEPT_S:
                shutil.rmtree(job, ignore_errors=True)
    if any(jobs.values()):
        return
    ready = sorted(cache().glob("*/ready.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in ready[_SUITES_KEPT:]:
        if file.parent != used and _VERSION.match(file.parent.name):
            shutil.rmtree(file.parent, ignore_errors=True)
