"""Turns a made run of 10 million calls into ratios: our summary over `pandas.read_csv` of its samples, and its checks.

    python -m tests.bench_summary [--calls N] [--repeat N] [--plain] [--keep DIRECTORY]

Both run in fresh processes in turn, so that neither finds the other's memory or warm caches; times are those of
the work itself without imports, memory is the highest resident size of the whole process. The share of the checks is
one of the CPU time of the same process: from one process to the next, times change by more than that. Exit status 1
where the ratio, the memory or the share is above its bound.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench import schema
from tests import ROOT
from tests.fake_run import CELLS, FakeRun, write_run

MOST_RATIO = 3.0
# What holding the files against each other may take of all.
MOST_CHECKS = 0.1
MOST_BYTES = 2 << 30
ROUNDS = 20
BLOCKS = 4

_TIMED = (
    "import sys, time; spent = []; start, cpu = time.perf_counter(), time.process_time(); {work}; "
    "print(time.perf_counter() - start, sum(spent) / (time.process_time() - cpu))"
)
READ_ALONE = "import pandas\n" + _TIMED.format(work="pandas.read_csv(sys.argv[1])")
SUMMARY = """
import time
import analysis.read.run as reading
from analysis.summary.cells import summarise
def timed(check):
    def checked(*words):
        began = time.process_time()
        check(*words)
        spent.append(time.process_time() - began)
    return checked
reading.check_tables, reading.check_calls = timed(reading.check_tables), timed(reading.check_calls)
""" + _TIMED.format(work="summarise(reading.load_run(sys.argv[1]))")


class Cost(NamedTuple):
    """What one process took: wall time of its work in seconds, the share of checks in its CPU time, highest resident
    size in bytes.
    """

    seconds: float
    checks: float
    peak: int


def make_run(results: Path, calls: int, plain: bool) -> Path:
    """Write a run of about `calls` calls, spread over the cells, rounds, blocks and roles of a real one."""
    roles = sum(2 if cell.control else 1 for cell in CELLS)
    each = max(1, round(calls / (roles * ROUNDS * (BLOCKS + 1))))
    cells = [replace(cell, calls=each, blocks=BLOCKS) for cell in CELLS]
    # Only the calls of a complete run are compressed; a partial one is what plain files are read from.
    document = {"status": schema.RunStatus.PARTIAL} if plain else {}
    return write_run(results, FakeRun(cells=cells, rounds=ROUNDS, document=document))


def cost(code: str, path: Path) -> Cost:
    """Run `code` with `path` as its argument in a fresh interpreter; raises where it fails."""
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        times = process.stdout.read().split()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    seconds, checks = map(float, times)
    return Cost(seconds, checks, usage.ru_maxrss * 1024)  # Linux counts KiB: getrusage(2)


def samples_file(run: Path) -> Path:
    """The file with the calls of `run`, compressed or not."""
    return next(run.glob(f"{schema.SAMPLES.file}*"))


def compare(run: Path, repeat: int) -> int:
    """Print what both cost on `run`, each measured `repeat` times; 1 if a bound is not held."""
    file = samples_file(run)
    alone, ours = [], []
    for _ in range(repeat):
        alone.append(cost(READ_ALONE, file))
        ours.append(cost(SUMMARY, run))
    rows = (("pandas.read_csv alone", alone), ("load and summarise", ours))
    print(f"{file.name}: {file.stat().st_size / 1e6:.0f} MB; median of {repeat} in turn")
    for name, costs in rows:
        print(f"{name:22} {_seconds(costs):7.2f} s {max(each.peak for each in costs) / 2**30:6.2f} GiB")
    ratio = _seconds(ours) / _seconds(alone)
    peak = max(each.peak for each in ours)
    checks = statistics.median(each.checks for each in ours)
    held = ratio <= MOST_RATIO and peak <= MOST_BYTES and checks <= MOST_CHECKS
    print(f"ratio {ratio:.2f} (at most {MOST_RATIO:g}), peak {peak / 2**30:.2f} GiB (at most {MOST_BYTES / 2**30:g})")
    print(f"checks of the files: {100 * checks:.1f} % of its CPU time (at most {100 * MOST_CHECKS:g} %)")
    print("held" if held else "NOT held")
    return 0 if held else 1


def _seconds(costs: Sequence[Cost]) -> float:
    return statistics.median(each.seconds for each in costs)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the run, or take the one that is kept, and compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_summary", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000_000, help="calls in the run (default: 10 million)")
    parser.add_argument("--repeat", type=int, default=3, help="measurements of each (default: 3)")
    parser.add_argument("--plain", action="store_true", help="an uncompressed samples file, as in a partial run")
    parser.add_argument("--keep", type=Path, help="make the run here and leave it, or take the one that is here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        results = args.keep or Path(scratch)
        kept = sorted(results.glob(f"*/*/{schema.RUN_FILE}"))
        run = kept[0].parent if kept else make_run(results, args.calls, args.plain)
        return compare(run, args.repeat)


if __name__ == "__main__":
    sys.exit(main())
