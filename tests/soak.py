"""Measures the core mechanisms for many rounds, and watches what the controller holds meanwhile.

``python -m tests.soak [--rounds 500]`` prints memory and descriptors of the controller in the first and the last tenth
of the rounds, and how often it had a zombie that was there at two looks in a row. Exit status 1: it grew by more than a
descriptor or 640 bytes a block (what the certificate keeps of a block), or left a zombie.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from analysis.read.run import load_run
from bench.driver import only_run
from tests.engine import command

_LOOK_S = 0.05
# `bench.measure.round.Measured`: seven numbers and the list that holds them.
_BYTES_OF_A_BLOCK = 640


@dataclass(frozen=True)
class Look:
    """What the controller held at one moment."""

    rss_bytes: int
    descriptors: int
    zombies: frozenset[int]


def main() -> int:
    """Run, watch, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=500, metavar="N", help="default: 500")
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        words = ("run", "--profile", "quick", "--rounds", str(rounds), "--no-progress", "--results", folder)
        environment = {**os.environ, only_run.VARIABLE: only_run.WhenBusy.WAIT}
        with subprocess.Popen(
            command(*words, "--pairs", "1,1"), stdout=subprocess.PIPE, text=True, env=environment
        ) as run:
            looks = _watch(run)
            assert run.stdout is not None
            directory = Path(run.stdout.read().split()[-1])
        blocks = len(load_run(directory).blocks)
    tenth = max(1, len(looks) // 10)
    # Beside the first tenth: loading and calibrating are over.
    first, last = looks[tenth : 2 * tenth], looks[-tenth:]
    memory = [statistics.median(look.rss_bytes for look in part) for part in (first, last)]
    descriptors = [min(look.descriptors for look in part) for part in (first, last)]
    lasting = sum(bool(one.zombies & two.zombies) for one, two in itertools.pairwise(looks))
    allowed = _BYTES_OF_A_BLOCK * blocks
    print(
        f"{rounds} rounds, {blocks} blocks, {len(looks)} looks: memory {memory[0] / 2**20:.1f} and "
        f"{memory[1] / 2**20:.1f} MiB, descriptors {descriptors[0]} and {descriptors[1]}, "
        f"{lasting} looks with a zombie of the look before; exit status {run.returncode}"
    )
    grew = memory[1] - memory[0] > allowed or descriptors[1] > descriptors[0]
    return int(grew or lasting > 0 or run.returncode != 0)


def _watch(run: subprocess.Popen[str]) -> list[Look]:
    """Look at the controller until it ends."""
    controller, looks = psutil.Process(run.pid), []
    while run.poll() is None:
        try:
            children = controller.children()
            zombies = frozenset(child.pid for child in children if child.status() == psutil.STATUS_ZOMBIE)
            looks.append(Look(controller.memory_info().rss, controller.num_fds(), zombies))
        except psutil.NoSuchProcess:
            pass
        time.sleep(_LOOK_S)
    return looks


if __name__ == "__main__":
    sys.exit(main())
