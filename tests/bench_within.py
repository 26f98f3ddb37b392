"""Prints how often a run of two interpreters calls identical code different, and finds a known delay of 1 %.

``python -m tests.bench_within [--runs N] [--budget SECONDS]`` makes N real runs of each kind in turn: the same Python
by two paths, and the same with one of them 1 % slower. Exit status 1: one of the identical pairs was called different,
or less than 90 % of the slower ones were called slower.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from analysis.compare.rows import ComparisonRow
from analysis.compare.within import compare_within
from analysis.read.run import load_run
from analysis.stats.ratio import Verdict
from bench.plan import registry
from bench.plan.registry import Mechanism
from bench.schema import Work
from tests.engine import Watcher, measure

MORE = 0.01
_FORK = Mechanism("delayed_fork", Work.FORK, "native_fork", (), "delayed:delayed_fork", "os_fork, or a little more")


def main() -> int:
    """Measure, print a line a run, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_within", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=30, metavar="N", help="runs of each kind (default: 30)")
    parser.add_argument("--budget", type=float, default=30.0, metavar="SECONDS", help="of one run (default: 30)")
    arguments = parser.parse_args()
    mechanisms: Mapping[str, Mechanism] = {**registry.mechanisms(), _FORK.name: _FORK}
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(registry, "mechanisms", return_value=mechanisms):
        base, same = (_link(Path(folder), name) for name in ("base", "same"))
        first = _compared(Path(folder) / "first", 5.0, 0, (base, same))
        slower = _link(Path(folder), f"slower-{round(MORE * first.base_ns)}")
        found: dict[str, list[ComparisonRow]] = {"identical": [], "1 % more": []}
        for number in range(arguments.runs):
            for kind, other in (("identical", same), ("1 % more", slower)):
                results = Path(folder) / f"{kind}-{number}".replace(" ", "")
                row = _compared(results, arguments.budget, number, (base, other))
                found[kind].append(row)
                print(
                    f"{kind:<10} {row.ratio:.4f} ({row.ratio_lo:.4f} to {row.ratio_hi:.4f}) {row.verdict}", flush=True
                )
    return _judge(found["identical"], found["1 % more"])


def _link(folder: Path, name: str) -> Path:
    """The interpreter that runs this, by another path."""
    link = folder / name
    link.symlink_to(os.path.realpath(sys.executable))
    return link


def _compared(results: Path, budget_s: float, seed: int, pythons: Sequence[Path]) -> ComparisonRow:
    run = measure(
        results,
        Watcher(),
        rounds=None,
        budget_s=budget_s,
        seed=seed,
        mechanisms=(_FORK.name,),
        pythons=tuple(map(str, pythons)),
        block_ns=12_000_000,
        core_pairs=10,
        other_pairs=2,
        certificate=True,
    )
    (row,) = compare_within(load_run(run.directory), "python").rows
    return row


def _judge(identical: Sequence[ComparisonRow], slower: Sequence[ComparisonRow]) -> int:
    different = sum(row.verdict in (Verdict.FASTER, Verdict.SLOWER) for row in identical)
    called = sum(row.verdict is Verdict.SLOWER for row in slower)
    scatter = statistics.stdev(math.log(row.ratio) for row in identical)
    half = statistics.median(math.log(row.ratio_hi / row.ratio_lo) / 2 for row in identical)
    print(
        f"identical: {different} of {len(identical)} called different; ratios scatter by {100 * scatter:.2f} % "
        f"(standard deviation), intervals are ±{100 * half:.2f} % (median)"
    )
    print(f"1 % more: {called} of {len(slower)} called slower")
    return int(different > 0 or called < 0.9 * len(slower))


if __name__ == "__main__":
    sys.exit(main())
