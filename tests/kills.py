"""Kills real runs with -9 at random moments, looks what is left, and lets each go on until it is complete.

``python -m tests.kills [--kills 200] [--seed 1]`` prints how many blocks were lost (their end was reported, and they
are in no file), how many runs could not be read, how many processes and temporary directories were left two seconds
later, and how many runs became complete. Exit status 1: any of them is not as it should be.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from analysis.errors import LoadError
from analysis.read.run import load_run
from bench.driver import only_run
from bench.schema import RunStatus
from tests import ROOT

_LONGEST_S = 3.0  # a run takes about so long
_GONE_WITHIN_S = 2.0
_PATIENCE_S = 120.0
# Prints the place of every block as soon as its end is reported.
_MEASURE = """
import sys
from pathlib import Path
from bench.measure import resumption
from bench.measure.run import execute
from bench.options import Options

class Reporter:
    def __init__(self): self.run = None
    def message(self, text): print(text, file=sys.stderr)
    def close(self): pass
    def update(self, cell, number, left, medians):
        if number >= 0:
            print(number, cell, flush=True)

where, again = Path(sys.argv[1]), sys.argv[2:]
if again:
    found = resumption.read(Path(again[0]))
    run = execute(found.options, Reporter(), found)
else:
    options = Options(where, rounds=6, mechanisms=("os_fork", "mp_forkserver"), certificate=False, core_pairs=3,
                      block_ns=4_000_000)
    run = execute(options, Reporter())
print("done", run.directory)
"""


def main() -> int:
    """Kill, look, resume, and print the sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments (default: 1)")
    arguments = parser.parse_args()
    os.environ[only_run.VARIABLE] = only_run.WhenBusy.IGNORE
    dice, sums = random.Random(arguments.seed), Counter[str]()
    for number in range(arguments.kills):
        with tempfile.TemporaryDirectory(prefix="kills-", dir="/tmp") as folder:
            sums += _one(Path(folder), dice.uniform(0, _LONGEST_S))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {arguments.kills}", end="", file=sys.stderr)
    print(
        f"{arguments.kills} kills (seed {arguments.seed}), {sums['killed before there was a run']} before there was a "
        f"run; "
        f"{sums['blocks']} blocks reported, {sums['lost']} lost; {sums['unreadable']} runs unreadable; "
        f"{sums['processes']} processes and {sums['directories']} temporary directories left; "
        f"{sums['resumed']} of {sums['runs']} runs resumed to a complete run"
    )
    wrong = sums["lost"] + sums["unreadable"] + sums["processes"] + sums["directories"]
    return int(wrong > 0 or sums["resumed"] < sums["runs"])


def _one(folder: Path, moment_s: float) -> Counter[str]:
    """One run, killed and resumed; what there was to count."""
    found: Counter[str] = Counter()
    reported, family = _killed(folder, moment_s)
    time.sleep(_GONE_WITHIN_S)
    found["processes"] = sum(_lives(process) for process in family)
    found["directories"] = len(list((folder / "tmp").iterdir()))
    runs = [file.parent for file in folder.glob("results/*/*/run.json")]
    if not runs:
        found["killed before there was a run"] = 1
        return found
    (run,) = runs
    found["runs"] = 1
    found["blocks"] = len(reported)
    with open(run / "blocks.csv", newline="") as stream:
        kept = Counter(row["round"] for row in csv.DictReader(stream) if row["order"] != "-1")
    found["lost"] = sum(max(0, count - kept[number]) for number, count in Counter(reported).items())
    try:
        load_run(run).samples  # noqa: B018
    except LoadError as error:
        print(error, file=sys.stderr)
        found["unreadable"] = 1
    found["resumed"] = int(_resumed(folder, run))
    return found


def _killed(folder: Path, moment_s: float) -> tuple[list[str], Sequence[psutil.Process]]:
    """Rounds of the blocks that were reported until the kill, and the processes that there were then."""
    with _started(folder) as controller:
        assert controller.stdout is not None
        try:
            controller.wait(moment_s)
        except subprocess.TimeoutExpired:
            pass
        try:
            family = psutil.Process(controller.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        controller.send_signal(signal.SIGKILL)
        lines = controller.stdout.read().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("done")], family


def _started(folder: Path, *again: str) -> subprocess.Popen[str]:
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", _MEASURE, str(folder / "results"), *again],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _resumed(folder: Path, run: Path) -> bool:
    """Whether the run is complete once it went on; one that had just ended is."""
    if load_run(run).document.status is RunStatus.PARTIAL:
        with _started(folder, str(run)) as controller:
            controller.communicate(timeout=_PATIENCE_S)
    after = load_run(run)
    return after.document.status is RunStatus.COMPLETE and after.rounds == 6 and len(after.samples) > 0


if __name__ == "__main__":
    sys.exit(main())
