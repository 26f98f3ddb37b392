"""Turns modules and the tests nearest to them into the share of mutations that these tests let through.

``make mutation`` runs it in an environment that has cosmic-ray (see requirements.lock beside this file). The working
tree is never changed: every job mutates a copy of its own.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests import ROOT
from tests.mutation.mutations import Spot, sample, worth_testing

HERE = Path(__file__).resolve().parent
MOST_SURVIVORS = 0.10
# A mutant that makes its tests this much slower than the unchanged code hangs.
TIMEOUT_FACTOR, TIMEOUT_S = 4.0, 20.0
# What the tests of a copy print goes into this file of it.
OUTPUT = "output-of-tests.txt"


@dataclass(frozen=True)
class Target:
    """A module whose mutations are tried, and the tests that are nearest to it."""

    module: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Survivor:
    """A mutation that no test noticed: where it is, the line before and after, and why it is accepted, if it is."""

    spot: Spot
    before: str
    after: str
    reason: str


def main(argv: Sequence[str] | None = None) -> int:
    """Print the share that survives for each module and in all; 1 if it is more than `MOST_SURVIVORS`."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--module", action="append", default=[], metavar="PATH", help="only this one (repeatable)")
    parser.add_argument("--share", type=float, default=1.0, metavar="SHARE", help="try a random part, 0 to 1")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random part (default: 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="default: all CPUs")
    arguments = parser.parse_args(argv)
    targets = [target for target in read_targets() if not arguments.module or target.module in arguments.module]
    if not targets:
        parser.error(f"--module: choose of {', '.join(target.module for target in read_targets())}")
    there = tried = survived = unexplained = 0
    with tempfile.TemporaryDirectory(prefix="forkbench-mutation-") as folder:
        copies = [copy_of_checkout(Path(folder) / str(number)) for number in range(arguments.jobs)]
        for target in targets:
            every_spot = spots_of(target.module, copies[0])
            spots = sample(every_spot, arguments.share, arguments.seed)
            there += len(every_spot)
            survivors = try_all(target, spots, copies)
            tried, survived = tried + len(spots), survived + len(survivors)
            unexplained += sum(not survivor.reason for survivor in survivors)
            print(f"{target.module}: {len(survivors)} of {len(spots)} survive", flush=True)
            for survivor in survivors:
                print(describe(survivor), flush=True)
    if not tried:
        print("no mutation to try")
        return 0
    print(
        f"in all: {survived} of {tried} mutations survive ({100 * survived / tried:.1f} %), {unexplained} unexplained; "
        f"there are {there}"
    )
    return 0 if survived <= MOST_SURVIVORS * tried else 1


def read_targets() -> list[Target]:
    """The modules that decide figures, from targets.toml."""
    data = tomllib.loads((HERE / "targets.toml").read_text(encoding="utf-8"))
    return [Target(target["module"], tuple(target["tests"])) for target in data["target"]]


def copy_of_checkout(folder: Path) -> Path:
    """Copy all that a test may need; the environment is shared."""
    left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*.so", ".*_cache", ".hypothesis", "plots")
    shutil.copytree(ROOT, folder, ignore=left_out)
    for built in (ROOT / "bench" / "subject").glob("*.so"):
        shutil.copy2(built, folder / "bench" / "subject")
    return folder


def spots_of(module: str, copy: Path) -> list[Spot]:
    """Every mutation of a module that is worth a test run, from `copy`: the working tree may change meanwhile."""
    from cosmic_ray.commands.init import init
    from cosmic_ray.work_db import WorkDB

    with tempfile.TemporaryDirectory() as folder:
        session = WorkDB(Path(folder) / "session.sqlite", WorkDB.Mode.create)
        init([copy / module], session, {})
        specs = [item.mutations[0] for item in session.work_items]
        session.close()
    spots = [Spot(module, spec.operator_name, spec.occurrence, *spec.start_pos) for spec in specs]
    return worth_testing(spots, (copy / module).read_text(encoding="utf-8"))


def try_all(target: Target, spots: Sequence[Spot], copies: Sequence[Path]) -> list[Survivor]:
    """Run the target's tests on every mutation, one at a time in each copy; return those that pass them all."""
    began = time.monotonic()
    if not passes(target, copies[0], None):
        output = (copies[0] / OUTPUT).read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{output}\n{target.module}: its tests fail without any mutation: {' '.join(target.tests)}")
    timeout_s = TIMEOUT_FACTOR * (time.monotonic() - began) + TIMEOUT_S
    free: queue.Queue[Path] = queue.Queue()
    for copy in copies:
        free.put(copy)

    def attempt(spot: Spot) -> Survivor | None:
        copy = free.get()
        try:
            return _attempt(target, spot, copy, timeout_s)
        finally:
            free.put(copy)

    with concurrent.futures.ThreadPoolExecutor(len(copies)) as jobs:
        return [survivor for survivor in jobs.map(attempt, spots) if survivor is not None]


def _attempt(target: Target, spot: Spot, copy: Path, timeout_s: float) -> Survivor | None:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    file = copy / spot.module
    source = file.read_text(encoding="utf-8")
    mutated = mutate_code(source, get_operator(spot.operator)(), spot.occurrence)
    if mutated is None or mutated == source:
        return None
    try:
        file.write_text(mutated, encoding="utf-8")
        if not passes(target, copy, timeout_s):
            return None
    finally:
        file.write_text(source, encoding="utf-8")
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    before, after = next(((old.strip(), new.strip()) for old, new in pairs if old != new), ("", ""))
    return Survivor(spot, before, after, reason_for(spot, before, after, copy))


def passes(target: Target, copy: Path, timeout_s: float | None) -> bool:
    """Whether the tests pass in `copy`; what hangs is ended with all that it started, and does not pass."""
    python = ROOT / ".venv" / "bin" / "python"
    command = [str(python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *target.tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # old bytecode would hide a change of equal length
    with (
        open(copy / OUTPUT, "wb") as output,
        subprocess.Popen(
            command, cwd=copy, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        ) as tests,
    ):
        try:
            return tests.wait(timeout_s) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if tests.returncode is None:
                os.killpg(tests.pid, signal.SIGKILL)
                end_subjects(copy)


def end_subjects(copy: Path) -> None:
    """Kill the measured processes that killed tests left: each has a session of its own, and names its copy's files."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may have ended
            if str(copy).encode() in command.read_bytes():
                os.kill(int(command.parent.name), signal.SIGKILL)


def reason_for(spot: Spot, before: str, after: str, copy: Path) -> str:
    """Why a survivor is accepted, from accepted.toml of `copy`; empty: nobody has looked at it."""
    data = tomllib.loads((copy / "tests" / "mutation" / "accepted.toml").read_text(encoding="utf-8"))
    for entry in data.get("accepted", []):
        if (entry["module"], entry["before"], entry["after"]) == (spot.module, before, after):
            return str(entry["reason"])
    return ""


def describe(survivor: Survivor) -> str:
    """One survivor in two or three lines."""
    reason = f"accepted: {survivor.reason}" if survivor.reason else "UNEXPLAINED"
    place = f"{survivor.spot.module}:{survivor.spot.line}"
    return f"  {place}: {reason}\n    - {survivor.before}\n    + {survivor.after}"


if __name__ == "__main__":
    sys.exit(main())
