"""Turns real runs into impossible and into other valid ones, and counts which of them readers refuse by name.

    python -m tests.impossible_runs [--changes N] [--seed S]

Each change is made to a copy of a committed run, which is cut to a few cells and rounds for speed. Exit status 1 where
less than 99 % of the impossible runs are named with file and line or key, or a valid one is refused.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from analysis.errors import LoadError
from analysis.read.run import find_runs, load_run
from tests import ROOT, impossible_times
from tests.impossible_kinds import IMPOSSIBLE, Change
from tests.run_tables import RunTables, cut, read_tables
from tests.valid_kinds import VALID

__all__ = ["IMPOSSIBLE", "NAMED", "complaint", "impossible_times"]  # whose kinds are in the list once it is loaded

LEAST_NAMED = 0.99
ROUNDS = 4
# One cell of each of these: cheap and dear calls, with and without a control, whole and single calls in a block.
MECHANISMS = ("native_spawn", "native_vfork", "os_fork", "posix_spawn", "python_isolated", "mp_forkserver")
NAMED = re.compile(r"(run\.json: [\w.]+|(cells|subjects|blocks|samples)\.csv(\.gz)?:\d+): \S")


def complaint(run: Path) -> str:
    """What reading all of `run` complains of, without its directory; empty: nothing."""
    try:
        _ = load_run(run).samples
    except LoadError as error:
        return str(error).replace(f"{run}/", "")
    return ""


@cache
def sources() -> list[RunTables]:
    """The committed runs, cut to what is quickly written and read; they are shared, so only copy them."""
    found = []
    for run in map(read_tables, find_runs(ROOT / "results")):
        first = run.cells.drop_duplicates("mechanism")
        found.append(cut(run, list(first["cell"][first["mechanism"].isin(MECHANISMS)]), ROUNDS))
    return found


def count(changes: int, seed: int, scratch: Path) -> tuple[Counter[str], Counter[str], dict[str, str]]:
    """How often each kind was tried and how often reading named a place; one complaint or silence that is wrong."""
    dice = random.Random(seed)
    runs = sources()
    tried: Counter[str] = Counter()
    named: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    kinds = [*IMPOSSIBLE.items(), *VALID.items()]
    for number in range(changes):
        name, change = kinds[number % len(kinds)]
        run = _changed(runs, change, dice)
        directory = run.write(scratch / str(number))
        said = complaint(directory)
        for file in directory.iterdir():
            file.unlink()
        tried[name] += 1
        named[name] += bool(NAMED.match(said))
        if bool(said) == (name in VALID) or (said and not NAMED.match(said)):
            wrong.setdefault(name, f"change {number}: {said or 'read without a word'}")
    return tried, named, wrong


def _changed(runs: Sequence[RunTables], change: Change, dice: random.Random) -> RunTables:
    """A copy of one of the runs, changed; a run that has nothing to change in this way is passed by."""
    for run in dice.sample(runs, len(runs)):
        copy = run.copy()
        try:
            change(copy, dice)
        except IndexError:  # `one` of no rows
            continue
        return copy
    raise LookupError("no committed run has what is to be changed")


def main(argv: Sequence[str] | None = None) -> int:
    """Count, print a line for each kind, and say whether both targets are met."""
    parser = argparse.ArgumentParser(prog="python -m tests.impossible_runs", description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=1000, help="runs to make, of all kinds in turn (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="what the changes follow from (default: 1)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        tried, named, wrong = count(args.changes, args.seed, Path(scratch))
    for title, kinds, told in (("impossible", IMPOSSIBLE, named), ("valid", VALID, named)):
        print(f"{title}: {'named' if kinds is IMPOSSIBLE else 'refused'} / tried")
        for name in kinds:
            print(f"  {told[name]:4} / {tried[name]:<4} {name}" + (f"  [{wrong[name]}]" if name in wrong else ""))
    found, made = sum(named[name] for name in IMPOSSIBLE), sum(tried[name] for name in IMPOSSIBLE)
    refused = len(VALID.keys() & wrong)
    print(f"named {found} of {made} (at least {LEAST_NAMED:.0%}); kinds of valid runs refused: {refused} (none)")
    return 0 if found >= LEAST_NAMED * made and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
