"""Prints how near the twins of real parents come to them: what a fork in C costs in both, in turn.

``python -m tests.bench_twin [--rounds N] [--parent NAME]`` starts each parent anew in every round, builds its twin
from the outside as `bench twin` does, and measures both in turn on one CPU. Exit status 1: the median of the errors
is above 5 %, or the worst above 12 %.
"""

from __future__ import annotations

import argparse
import array
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.driver.guard import GUARD
from bench.driver.process import BLOCK_DEADLINE_S, SET_UP_DEADLINE_S, Subject
from bench.plan.setup import Setup, prepare
from bench.schema import Role
from bench.twin.build import find_recipe, settings_of
from bench.twin.recipe import Recipe
from bench.twin.state import read_state

MOST_MEDIAN, MOST_WORST = 0.05, 0.12
BLOCK_NS = 12_000_000
PAIRS = 12
# Each is the program of a parent; what it names stays alive.
PARENTS = {
    "bare": "pass",
    "asyncio": "import asyncio, json, logging, ssl, http.server",
    "numpy": "import numpy",
    "scipy": "import scipy.stats, scipy.optimize",
    "pandas": "import pandas; frame = pandas.DataFrame({'a': range(1_000_000)})",
    "matplotlib": "import matplotlib.pyplot",
    "everything": "import pandas, matplotlib.pyplot, scipy.stats, asyncio, multiprocessing.pool",
    "array_64MiB": "import numpy; kept = numpy.ones(8 << 20)",
    "small_pages_64MiB": "kept = [bytearray(100_000) for _ in range(671)]",
    "large_256MiB": "kept = [bytearray(100_000) for _ in range(2684)]",
    "objects": "kept = [[None] for _ in range(1_000_000)]",
    "strings": "kept = {str(number): str(number) * 3 for number in range(300_000)}",
    "threads": """
import threading
for _ in range(64):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
""",
    "mappings": "import mmap; kept = [mmap.mmap(-1, 8192, prot=1 + number % 2 * 2) for number in range(2000)]",
    "private_mappings": """
import mmap
kept = []
for number in range(1000):
    kept.append(mmap.mmap(-1, 16384, flags=34))
    kept[-1].write(b'x' * 12000)
    kept.append(mmap.mmap(-1, 4096, flags=34, prot=1))
""",
    "sparse": """
import mmap
kept = mmap.mmap(-1, 512 << 20, flags=34)
kept.madvise(15)
for at in range(0, 512 << 20, 256 << 10):
    kept[at] = 1
""",
    "files": "import os; kept = [os.open('/dev/null', 0) for _ in range(500)]",
    "mixed": """
import threading, numpy, pandas
kept = [numpy.ones(2 << 20), [[None] for _ in range(200_000)], [bytearray(100_000) for _ in range(200)]]
for _ in range(16):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
""",
}
_HARNESS = """
import sys
folder, program = sys.argv[1:]
exec(program)
sys.path.insert(0, folder)
import _control
print("ready", flush=True)
for calls in sys.stdin:
    raw = _control.fork(int(calls))
    sys.stdout.buffer.write(raw)
    sys.stdout.flush()
"""


class Parent:
    """A running program that forks on request."""

    def __init__(self, program: str, setup: Setup) -> None:
        command = [sys.executable, "-c", _HARNESS, setup.control.folder, program]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._process.pid
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if self._answers.readline() != b"ready\n":
            self.end()
            raise SystemExit("bench_twin: the parent did not start; see above")
        if setup.pins.subject_cpu is not None:
            os.sched_setaffinity(self.pid, {setup.pins.subject_cpu})

    def forks(self, calls: int) -> float:
        """The median of what so many forks in C took, in ns; the first does not count."""
        self._requests.write(b"%d\n" % calls)
        self._requests.flush()
        return statistics.median(array.array("q", self._answers.read(24 * calls))[3::3])

    def end(self) -> None:
        """End it."""
        self._requests.close()
        self._answers.close()
        self._process.kill()
        self._process.wait()


@contextmanager
def running(program: str, setup: Setup) -> Iterator[Parent]:
    """A parent that lives as long as the block."""
    parent = Parent(program, setup)
    try:
        yield parent
    finally:
        parent.end()


@dataclass(frozen=True)
class Pair:
    """What a fork in C costs a parent and its twin, in ns: medians over rounds, and that of their ratios."""

    real_ns: float
    twin_ns: float
    ratio: float
    copied_mib: float
    mappings: int


def measure(program: str, rounds: int, setup: Setup) -> Pair:
    """Measure a parent and its twin in turn, each anew in every round; the recipe is that of the first parent."""
    real, twin, ratios = [], [], []
    recipe: Recipe | None = None
    for _ in range(rounds):
        with running(program, setup) as parent:
            calls = max(3, int(BLOCK_NS / parent.forks(20)))
            state = read_state(parent.pid)
            recipe = recipe or find_recipe(state, setup)
            with GUARD.on_watch(), Subject(settings_of(recipe, "parent", setup)) as subject:
                subject.ready(SET_UP_DEADLINE_S)
                blocks = [(parent.forks(calls), _forks(subject, calls)) for _ in range(PAIRS + 1)][1:]
        real.append(statistics.median(first for first, _ in blocks))
        twin.append(statistics.median(second for _, second in blocks))
        ratios.append(statistics.median(second / first for first, second in blocks))
    dose = state.dose
    return Pair(
        real_ns=statistics.median(real),
        twin_ns=statistics.median(twin),
        ratio=statistics.median(ratios),
        copied_mib=(dose.copied_bytes or 0) / (1 << 20),
        mappings=dose.vmas or 0,
    )


def _forks(subject: Subject, calls: int) -> float:
    return statistics.median(subject.block(Role.CONTROL, calls, BLOCK_DEADLINE_S).stamps[3::3])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a line a parent, and the median and the worst of the errors."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_twin", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, metavar="N", help="of each parent (default: 6)")
    parser.add_argument("--parent", action="append", choices=PARENTS, help="only this one")
    arguments = parser.parse_args(argv)
    setup = prepare()
    if setup.control.problem:
        parser.error(setup.control.problem)
    print(f"{'parent':<18} {'copied':>9} {'mappings':>8} {'real':>10} {'twin':>10} {'error':>7}")
    errors = []
    for name in arguments.parent or PARENTS:
        pair = measure(PARENTS[name], arguments.rounds, setup)
        errors.append(abs(pair.ratio - 1))
        print(
            f"{name:<18} {pair.copied_mib:>5.1f} MiB {pair.mappings:>8} {pair.real_ns / 1e3:>7.0f} µs "
            f"{pair.twin_ns / 1e3:>7.0f} µs {pair.ratio - 1:>+7.1%}",
            flush=True,
        )
    median, worst = statistics.median(errors), max(errors)
    print(f"median error {median:.1%} (at most {MOST_MEDIAN:.0%}), worst {worst:.1%} (at most {MOST_WORST:.0%})")
    return int(median > MOST_MEDIAN or worst > MOST_WORST)


if __name__ == "__main__":
    sys.exit(main())
