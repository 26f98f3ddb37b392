"""Runs the same cells under different schedules in turn, so that their intervals can be compared at equal time.

``python -m bench.experiments.schedules`` measures; ``python -m analysis.experiments.schedule_widths DIR`` then
prints, for each schedule, how many rounds it reached and how wide the intervals of the core mechanisms are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Length of a block in ms; most pairs of blocks in a round for a core cell; the same for another cell.
SCHEDULES = ((10, 12, 2), (12, 2, 1), (12, 5, 1), (12, 10, 2), (15, 8, 2), (25, 5, 1))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure `--runs` runs of every schedule. The last line of output is their directory."""
    parser = argparse.ArgumentParser(prog="python -m bench.experiments.schedules", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2, metavar="N", help="runs of each schedule (default: 2)")
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="of one run (default: 60)")
    parser.add_argument("--profile", default="standard", metavar="NAME", help="default: standard")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="where the runs are kept")
    arguments = parser.parse_args(argv)
    for number in range(arguments.runs):
        for block_ms, core_pairs, other_pairs in SCHEDULES:
            label = f"{block_ms}ms-{core_pairs}-{other_pairs}"
            print(f"run {number + 1} of {arguments.runs}: {label}", file=sys.stderr)
            command = [sys.executable, "-m", "bench", "run", "--no-progress", "--profile", arguments.profile]
            command += ["--budget", f"{arguments.budget:g}", "--results", str(arguments.results), "--label", label]
            command += ["--block-ms", str(block_ms), "--pairs", f"{core_pairs},{other_pairs}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(arguments.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
