"""Measures two set-ups in turn, so that a drift of the machine is in both, and their comparison is free of it.

``python -m bench.experiments.in_turn --results DIR --base OPTIONS --new OPTIONS`` makes base, new, new, base, … and
prints the command that compares them. OPTIONS are those of `bench run`, as one word. What no option can set (a
setting of the kernel, a mount) is set by the commands of ``--before-base`` and ``--before-new``. Interpreters are
better compared inside one run: ``bench run --python A --python B``.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SetUp:
    """One side: its `name`, the options of its runs, and the shell command to be run before each of them."""

    name: str
    options: Sequence[str]
    before: str


def main(argv: Sequence[str] | None = None) -> int:
    """Measure `--pairs` pairs of runs. The last line of output is the command that compares them."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.experiments.in_turn",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--pairs",
        type=int,
        default=4,
        metavar="N",
        help="runs of each side (default: 4, the fewest that measure the spread)",
    )
    add("--results", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    for name in ("base", "new"):
        add(f"--{name}", default="", metavar="OPTIONS", help=f"of `bench run` for the {name} side, as one word")
        add(f"--before-{name}", default="", metavar="COMMAND", help=f"shell command before each run of the {name} side")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.results
    if arguments.pairs < 1:
        parser.error(f"--pairs {arguments.pairs}: must be at least 1")
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder}: is not empty; name a new directory")
    base = SetUp("base", shlex.split(arguments.base), arguments.before_base)
    new = SetUp("new", shlex.split(arguments.new), arguments.before_new)
    machines: dict[str, Path] = {}
    try:
        for number, side in enumerate(order_of(base, new, arguments.pairs)):
            print(f"run {number + 1} of {2 * arguments.pairs}: {side.name}", file=sys.stderr)
            machines[side.name] = _measure(side, folder).parent
    except subprocess.CalledProcessError as error:
        print(f"in_turn: the {side.name} side ended with status {error.returncode}; see above", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; the runs so far are in {folder}", file=sys.stderr)
        return 130
    sides = shlex.join(["--base", str(machines["base"]), "--new", str(machines["new"])])
    print(f"python -m analysis compare {sides}")
    return 0


def order_of(base: SetUp, new: SetUp, pairs: int) -> list[SetUp]:
    """Base first in every other pair: a drift that goes one way then favours neither side."""
    return [side for pair in range(pairs) for side in ((base, new) if pair % 2 == 0 else (new, base))]


def _measure(side: SetUp, folder: Path) -> Path:
    """One run of a side; returns its directory."""
    if side.before:
        subprocess.run(side.before, shell=True, check=True, stdout=subprocess.DEVNULL)
    command = [sys.executable, "-m", "bench", "run", "--no-progress", *side.options]
    command += ["--results", str(folder / side.name)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
