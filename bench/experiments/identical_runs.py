"""Runs identical code many times, with this suite and with pyperf in turn: the data of an A/A comparison.

``python -m bench.experiments.identical_runs`` measures; ``python -m analysis.experiments.identical_runs DIR``
then counts how many pairs of identical runs each of the two calls different. `make aa` does both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The same work as os_fork, measured by pyperf as it does by default: its runner, calibration and number of processes.
PYPERF_SETUP = "import os"
PYPERF_STATEMENT = "pid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure `--runs` runs with each tool. The last line of output is their directory."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.experiments.identical_runs", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="runs of each tool (default: 20)")
    parser.add_argument("--budget", type=float, default=10.0, metavar="SECONDS", help="of one run (default: 10)")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.results
    if arguments.runs < 2:
        parser.error(f"--runs {arguments.runs}: a pair needs at least 2")
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder}: is not empty; runs that are already there would be counted too; name a new directory")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for number in range(arguments.runs):
            print(f"run {number + 1} of {arguments.runs}", file=sys.stderr)
            _this_suite(folder, arguments.budget, number)
            _pyperf(folder / f"pyperf-{number:03}.json", arguments.budget)
    except subprocess.CalledProcessError as error:
        print(
            f"identical_runs: `{' '.join(error.cmd[1:4])}` ended with status {error.returncode}; see above",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; the runs so far are in {folder}", file=sys.stderr)
        return 130
    print(folder)
    return 0


def _this_suite(folder: Path, budget_s: float, number: int) -> None:
    command = [sys.executable, "-m", "bench", "run", "--profile", "quick", "--no-progress"]
    command += ["--budget", f"{budget_s:g}", "--results", str(folder), "--seed", str(number), "--label", f"{number:03}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _pyperf(file: Path, budget_s: float) -> None:
    """One run of pyperf with its defaults, but with shorter values, so that it takes about `budget_s` seconds.

    The default is 20 processes, each with 1 warm-up and 3 values of 0.1 s: 8 s, and the starts of processes.
    """
    processes = 20
    value_s = budget_s * 0.8 / (processes * 4)
    command = [sys.executable, "-m", "pyperf", "timeit", "--quiet", "--output", str(file)]
    command += ["--processes", str(processes), "--min-time", f"{value_s:.3f}", "--name", "os_fork"]
    # Its workers import pyperf. So they run in the environment that has it, as they do for any user of pyperf.
    command += ["--setup", PYPERF_SETUP, PYPERF_STATEMENT]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
