"""Prints what a page of memory adds to a fork in a subject, beside the same sweep by a small C program, in turn.

``python -m tests.bench_slope [--rounds 20]``: in every round each size has a fresh subject (scenario `rss`, the fork in
C) and a fresh C program, in random order. Goal: the slopes differ by at most 5 %; exit status 1 where they do not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from bench.driver import pinning
from bench.driver.process import Subject
from bench.plan.levels import parse_scenarios
from bench.schema import Role
from tests.engine import CONTROL, PATIENCE_S, TESTS, settings

SIZES_MIB = (0, 16, 64, 256)
CALLS = 12
GOAL = 0.05
MIB = 1 << 20
PAGE = 4096


def main() -> int:
    """Measure, print both slopes with intervals over rounds, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_slope", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="default: 20")
    rounds: int = parser.parse_args().rounds
    compiler = shutil.which("cc")
    if not compiler or not CONTROL:
        print("needs a C compiler and the control", file=sys.stderr)
        return 2
    pins, dice = pinning.choose("auto"), random.Random(1)
    medians: dict[tuple[str, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "plain_fork"
        subprocess.run([compiler, "-O2", "-o", str(program), str(TESTS / "plain_fork.c")], check=True)
        for _ in range(rounds):
            order = [(kind, size) for kind in ("subject", "program") for size in SIZES_MIB]
            dice.shuffle(order)
            for kind, size in order:
                calls = _subject(size, pins) if kind == "subject" else _program(program, size, pins)
                medians[kind, size].append(statistics.median(calls[2:]))  # the first calls of a process are slow
    slopes = {kind: _slopes(medians, kind) for kind in ("subject", "program")}
    for kind, values in slopes.items():
        at = ", ".join(f"{size} MiB {statistics.median(medians[kind, size]) / 1e3:.0f} us" for size in SIZES_MIB)
        print(f"{kind}: {statistics.median(values):.2f} ns a page of {PAGE} bytes ({at})")
    ratios = slopes["subject"] / slopes["program"]
    ratio = float(np.median(ratios))
    spread = 1.57 * float(np.subtract(*np.percentile(ratios, [75, 25]))) / len(ratios) ** 0.5
    print(f"subject / program: {ratio:.3f} (+- {spread:.3f}), goal within {GOAL:.0%}: {abs(ratio - 1) <= GOAL}")
    return int(abs(ratio - 1) > GOAL)


def _slopes(medians: dict[tuple[str, int], list[float]], kind: str) -> np.ndarray:
    """ns a page in each round: the line through its sizes by least squares."""
    pages = np.array(SIZES_MIB) * (MIB / PAGE)
    times = np.array([medians[kind, size] for size in SIZES_MIB])
    return np.asarray(np.polyfit(pages, times, 1)[0])


def _subject(size_mib: int, pins: pinning.Pinning) -> list[float]:
    """Times of forks in C, in ns, in a subject that holds so much."""
    (level,) = parse_scenarios([f"rss={size_mib}MiB"])
    words = settings("native_fork", scenarios=level.words, control_folder=CONTROL, cpu=pins.subject_cpu)
    with Subject(words) as subject:
        subject.ready(PATIENCE_S)
        return list(map(float, subject.block(Role.MECHANISM, CALLS, PATIENCE_S).stamps[0::3]))


def _program(program: Path, size_mib: int, pins: pinning.Pinning) -> list[float]:
    """Times of forks, in ns, of the C program with so much memory, on the subject's CPU."""
    allowed = (pins.subject_cpu,) if pins.subject_cpu is not None else ()
    with pinning.inherited_affinity(allowed):
        done = subprocess.run(
            [str(program), str(size_mib * MIB), str(CALLS)],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    return list(map(float, done.stdout.split()))


if __name__ == "__main__":
    sys.exit(main())
