"""Prints what the model of a run predicts for programs that it does not know, beside what their forks really take.

``python -m tests.bench_model [RUN] [--rounds N]``: each program in ``tests/parents/`` is started, read as ``analysis
predict`` reads a pid, and then forks. Without RUN, `SWEEP` is measured first. Exit status 1: an error is beyond
`GOALS`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import BAD_INPUT
from analysis.model.cost_model import CostModel
from analysis.model.stored import model_of
from analysis.predict.prediction import Prediction, predict
from analysis.predict.process import read_process
from analysis.text.units import time_text
from bench.driver import pinning
from bench.machine import control_build
from tests import ROOT

PARENTS = ROOT / "tests" / "parents"
# The largest median and the largest error of all, as parts, for the control and for `os_fork`.
GOALS = {"control": (0.08, 0.20), "os_fork": (0.12, 0.25)}
BLOCK_NS, MOST_CALLS, WARM_UP = 10_000_000, 60, 5
SWEEP = (
    "parent=bare,equal",
    "rss=4MiB,16MiB,64MiB,256MiB,512MiB",
    "thp=64MiB,512MiB",
    "shared=256MiB",
    "file_clean=64MiB",
    "file_dirty=16MiB,64MiB",
    "vmas=200,1000,4000",
    "vmas_private=200,1000,4000",
    "fds=100,1000",
    "threads=8,32,128",
    "objects=1e5,1e6,4e6",
    "imports=subprocess,asyncio,threading,random,json,logging,numpy,pandas",
    "rss=64MiB+threads=8",
    "rss=256MiB+vmas=1000",
    "thp=256MiB+rss=64MiB",
    "rss=16MiB+fds=1000+vmas_private=200",
    "imports=pandas+rss=64MiB",
)


@dataclass
class Parent:
    """A program that waits to fork on request: its medians by role, a block each, in ns."""

    name: str
    process: subprocess.Popen[str]
    prediction: Prediction | None = None
    calls: dict[str, int] = field(default_factory=dict)
    medians: dict[str, list[float]] = field(default_factory=lambda: {"control": [], "os_fork": []})

    def ask(self, role: str, calls: int) -> list[int]:
        """Times of so many calls, ns."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{role} {calls}\n")
        self.process.stdin.flush()
        return [int(word) for word in self.read().split()]

    def read(self) -> str:
        """The next line of the program. Raises `RuntimeError` if it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: ended with status {self.process.wait()}")
        return line

    def calibrate(self) -> None:
        """Find how many calls fill a block."""
        for role in self.medians:
            rough = statistics.median(self.ask(role, WARM_UP))
            self.calls[role] = max(1, min(MOST_CALLS, round(BLOCK_NS / rough)))

    def measure(self) -> None:
        """A block of each role, in random order; as in a run, the first of four or more calls does not count."""
        for role in random.sample(list(self.medians), 2):
            times = self.ask(role, self.calls[role])
            self.medians[role].append(statistics.median(times[1:] if len(times) >= 4 else times))


@contextlib.contextmanager
def started(programs: Sequence[Path], folder: str, cpu: int | None, python: str) -> Iterator[list[Parent]]:
    """The programs side by side, each ready and pinned as subjects of a run are; all end with the block."""
    stub = str(PARENTS / "stub.py")
    parents: list[Parent] = []
    with contextlib.ExitStack() as stack:
        for program in programs:
            process = stack.enter_context(
                subprocess.Popen(
                    [python, stub, str(program), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            stack.callback(process.kill)
            parents.append(Parent(program.stem, process))
        for parent in parents:
            parent.read()
            if cpu is not None:
                for thread in os.listdir(f"/proc/{parent.process.pid}/task"):
                    os.sched_setaffinity(int(thread), {cpu})
        yield parents


def programs() -> list[Path]:
    """Every program whose modules this Python has."""
    return [path for path in sorted(PARENTS.glob("*.py")) if path.name not in ("stub.py", "__init__.py")]


def measure_sweep(folder: str) -> Path:
    """Measure `SWEEP` and return the run's directory."""
    words = [f"--scenario={word}" for word in SWEEP]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "run", "--python", sys.executable, "--results", folder),
            *("--rounds", "8", "--mechanism", "os_fork", "--block-ms", "6", "--pairs", "3,3", *words),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(done.stdout.splitlines()[-1])


def errors(parents: Sequence[Parent], drift: Mapping[str, float] | None = None) -> dict[str, list[float]]:
    """By which part each prediction is off, for each role; measured times are divided by `drift` first."""
    found: dict[str, list[float]] = {"control": [], "os_fork": []}
    for parent in parents:
        for role, guess in predicted(parent).items():
            measured = statistics.median(parent.medians[role]) / (drift[role] if drift else 1.0)
            found[role].append(guess / measured - 1)
    return found


def predicted(parent: Parent) -> dict[str, float]:
    """What the model says of a parent, ns."""
    assert parent.prediction is not None
    known = {"control": parent.prediction.control.ns}
    return known | ({"os_fork": parent.prediction.os_fork.ns} if parent.prediction.os_fork else {})


def print_table(parents: Sequence[Parent]) -> None:
    """One line a program: predicted, measured and error, of a fork in C and of os.fork."""
    print(f"{'program':<18} {'role':<8} {'predicted':>10} {'measured':>10} {'error':>7}  interval holds it")
    for parent in parents:
        assert parent.prediction is not None
        for role, guess in predicted(parent).items():
            measured = statistics.median(parent.medians[role])
            whole = parent.prediction.control if role == "control" else parent.prediction.os_fork
            assert whole is not None
            holds = "yes" if whole.lo_ns <= measured <= whole.hi_ns else "no"
            print(
                f"{parent.name:<18} {role:<8} {time_text(guess):>10} {time_text(measured):>10} "
                f"{guess / measured - 1:>+7.1%}  {holds}"
            )


def judge(found: Mapping[str, Sequence[float]], what: str) -> bool:
    """Print median and worst error of each role; whether all are within `GOALS`."""
    good = True
    for role, values in found.items():
        if not values:
            continue
        sizes = [abs(value) for value in values]
        middle, worst = statistics.median(sizes), max(sizes)
        most_middle, most = GOALS[role]
        good = good and middle <= most_middle and worst <= most
        print(
            f"{role}{what}: median {middle:.1%} (goal {most_middle:.0%}), worst {worst:.1%} (goal {most:.0%}), "
            f"{len(sizes)} programs"
        )
    return good


def main() -> int:
    """Print the table and the sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_model", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="default: measure one, some two minutes")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="blocks of each kind (default: 12)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = model_of(arguments.run or measure_sweep(folder), None)
        except BAD_INPUT as error:
            parser.error(str(error))
    parents = compare(model, arguments.rounds)
    print_table(parents)
    drift = {role: statistics.median(1 / (1 + value) for value in values) for role, values in errors(parents).items()}
    for role, factor in drift.items():
        print(f"{role}: measured times are {factor:.2f} of the predicted ones at the median")
    judge(errors(parents, drift), ", this factor taken out")
    return 0 if judge(errors(parents), "") else 1


def compare(model: CostModel, rounds: int) -> list[Parent]:
    """Every program with its prediction and its medians."""
    control = control_build.find()
    if not control.folder:
        raise SystemExit(f"no control: {control.problem}")
    pins = pinning.choose("auto")
    with started(programs(), control.folder, pins.subject_cpu, sys.executable) as parents:
        for parent in parents:
            parent.calibrate()  # what the first forks leave behind is part of the process
            parent.prediction = predict(model, read_process(str(parent.process.pid)))
        pinning.apply(pins)
        try:
            for _ in range(rounds):
                for parent in random.sample(parents, len(parents)):
                    parent.measure()
        finally:
            pinning.undo(pins)
    return parents


if __name__ == "__main__":
    sys.exit(main())
