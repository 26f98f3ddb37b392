"""Stands in for `bench.fleet.host` on workers of tests: jobs take tenths of a second and leave lines in a log.

Who a worker is, and the directory of the log, its environment says. A file there named ``hold`` keeps jobs going, and
``hold-set-up`` a set-up.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class HostError(Exception):
    """As that of the host."""


def _folder() -> Path:
    return Path(os.environ["FAKE_FOLDER"])


def _log(text: str) -> None:
    with open(_folder() / "log", "a") as log:
        log.write(f"{text}\n")


def describe() -> dict[str, Any]:
    """The facts that the environment gives."""
    name = os.environ["FAKE_NAME"]
    facts = {"identity": f"id-{name}", "boot": os.environ["FAKE_BOOT"], "name": name, "cpus": [0]}
    return {**facts, "python": os.environ.get("FAKE_PYTHON", "3.11.7"), "distributed": "1.0"}


def needs(version: str) -> bool:
    """Whether it was set up before."""
    return not (_folder() / f"suite-{os.environ['FAKE_NAME']}").exists()


def set_up(version: str, archive: bytes | None, wheels: bytes | None, look: Callable[[], object]) -> dict[str, Any]:
    """Note that it is set up; one host cannot be."""
    if os.environ["FAKE_NAME"] == "old":
        raise HostError("Python 3.8: the suite needs 3.11")
    _log(f"set-up {os.environ['FAKE_NAME']} {archive!r}")
    try:
        while (_folder() / "hold-set-up").exists():
            look()
            time.sleep(0.02)
    except BaseException:
        _log(f"unwanted {os.environ['FAKE_NAME']}")
        raise
    (_folder() / f"suite-{os.environ['FAKE_NAME']}").touch()
    return {"python": "python", "seconds": 0.0}


def measure(job: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Say how far it is until it may end; the log gets when it began and ended."""
    name, folder = os.environ["FAKE_NAME"], _folder()
    _log(f"begin {name} {job['id']}")
    for _ in range(2000):
        say({"job": job["id"], "state": "measuring", "round": 3, "left_s": 7.0, "text": "round 3"})
        if (folder / f"stop-{job['id']}").exists() or not (folder / "hold").exists():
            break
        time.sleep(0.02)
    is_stopped = (folder / f"stop-{job['id']}").exists()
    _log(f"end {name} {job['id']}")
    archive = f"run of {job['id']}".encode()
    return {
        "job": job["id"],
        "host": name,
        "ending": "partial" if is_stopped else "complete",
        "error": "stopped" if is_stopped else "",
        "run": "20260101T000000Z",
        "archive": archive,
        "digest": hashlib.sha256(archive).hexdigest(),
        "seconds": 0.1,
    }


def stop(job_ids: list[str]) -> list[str]:
    """Let these jobs end."""
    for name in job_ids:
        (_folder() / f"stop-{name}").touch()
    return job_ids


def forget(job_ids: list[str]) -> None:
    """Note that they are forgotten."""
    for name in job_ids:
        _log(f"forget {os.environ['FAKE_NAME']} {name}")


def stop_set_up(version: str) -> None:
    """Nothing: a set-up takes no time."""
