"""Runs the engine for tests: the command line as a user does, a run inside this process, and what is left after it."""

from __future__ import annotations

import csv
import ctypes
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import schema
from bench.__main__ import main
from bench.driver import reaping
from bench.driver.launch import Settings
from bench.machine import control_build
from bench.measure.run import execute
from bench.measure.run_state import Run
from bench.options import Options
from bench.plan import interpreters, registry
from bench.plan.registry import Mechanism
from bench.progress import Medians
from tests import ROOT, faulty

TESTS = Path(__file__).resolve().parent
PYTHON = interpreters.default()
_BUILT = control_build.find()
CONTROL, NO_CONTROL = _BUILT.folder, _BUILT.problem
PATIENCE_S = 120.0  # only for what hangs
HAS_PROC = Path("/proc/self/fd").is_dir()

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
needs_control = pytest.mark.skipif(not CONTROL, reason=f"no C control here: {NO_CONTROL}")
needs_proc = pytest.mark.skipif(not HAS_PROC, reason="needs Linux's /proc")


def command(*words: str, program: str = "bench") -> list[str]:
    """The command line of the suite with these words, or of `tests.quick_bench`."""
    return [sys.executable, "-m", program, *words]


def bench_cli(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python -m bench WORDS`` from the checkout and return how it ended."""
    return subprocess.run(
        command(*words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
        **options,
    )


def status(*words: str) -> int:
    """The exit status of ``python -m bench WORDS``, carried out in this process, which stays as it was."""
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        with unchanged():
            return main(words)
    except SystemExit as ended:  # by the parser
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)


class Watcher:
    """A progress that remembers what it was told, and may do something at each update."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.updates: list[tuple[str, int]] = []
        self.closed = False

    def message(self, text: str) -> None:
        """Remember the line."""
        self.messages.append(text)

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Remember what is being measured, and in which round."""
        self.updates.append((cell_name, round_number))

    def close(self) -> None:
        """Remember that it was called."""
        self.closed = True


def options(results: Path, **changes: Any) -> Options:
    """Options of the shortest run that measures something: one round of one mechanism, tiny blocks."""
    short: dict[str, Any] = {
        "results": results,
        "machine": "here",
        "rounds": 1,
        "mechanisms": ("os_fork",),
        "certificate": False,
        "block_ns": 500_000,
        "core_pairs": 1,
        "other_pairs": 1,
        "deadline_s": 20.0,
        "module_path": str(TESTS),
    }
    return Options(**{**short, **changes})


def measure(results: Path, watcher: Watcher | None = None, **changes: Any) -> Run:
    """Execute `options` in this process, and leave the process as it was."""
    with unchanged():
        return execute(options(results, **changes), watcher or Watcher())


def rows(directory: Path, table: schema.Table) -> list[dict[str, str]]:
    """The rows of one table of a run as they stand in the file."""
    packed = directory / f"{table.file}.gz"
    opened = gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else open(directory / table.file)
    with opened as stream:
        return list(csv.DictReader(stream))


def document(one: Run) -> dict[str, Any]:
    """run.json of a run."""
    found: dict[str, Any] = json.loads((one.directory / "run.json").read_text(encoding="utf-8"))
    return found


def settings(mechanism: str, scenario: str = "", level: str = "", **changes: Any) -> Settings:
    """How a subject with a known or a faulty mechanism is started, in the state of one scenario or in none."""
    registered = registry.mechanisms()
    entry_point = registered[mechanism].entry_point if mechanism in registered else f"faulty:{mechanism}"
    scenarios = (f"{scenario}={level}",) if scenario else ()
    return Settings(
        PYTHON,
        entry_point,
        **{"scenarios": scenarios, "module_path": str(TESTS), "true_program": "/bin/true", **changes},
    )


def register_faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the faulty mechanisms known to the engine, for this test."""
    more = {
        name: Mechanism(name, schema.Work.FORK, "native_fork", (), f"faulty:{name}", (make.__doc__ or "").strip())
        for name, make in faulty.ALL.items()
    }
    both: Mapping[str, Mechanism] = {**registry.mechanisms(), **more}
    monkeypatch.setattr(registry, "mechanisms", lambda: both)


def descriptors() -> list[str]:
    """What this process has open; empty where that cannot be told."""
    if not HAS_PROC:
        return []
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the directory's own
            continue
    return sorted(found)


def alive(group: int) -> bool:
    """Whether a process of this group is there, ended ones that nobody reaped included."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def unchanged() -> Iterator[None]:
    """Hold that the block leaves no child, descriptor or pin behind; orphans are adopted meanwhile, as in a run."""
    _adopt(True)
    children, opened = reaping.children(), descriptors()
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    try:
        yield
    finally:
        _adopt(False)
    assert reaping.children() == children
    assert descriptors() == opened
    if hasattr(os, "sched_getaffinity"):
        assert os.sched_getaffinity(0) == cpus


def _adopt(orphans: bool) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, int(orphans), 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, <linux/prctl.h>
