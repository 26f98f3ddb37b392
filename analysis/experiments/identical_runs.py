"""Turns many runs of identical code into the share of their pairs that is called different, here and by pyperf.

``python -m analysis.experiments.identical_runs DIR`` reads what ``python -m bench.experiments.identical_runs
--results DIR`` left there: this suite's runs, and pyperf's own files of the same statement, measured in turn.
Each tool judges its pairs as its own compare command does. Every pair called faster or slower is a false one,
since the code is the same.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyperf
from pyperf._compare import is_significant_benchs

from analysis.compare.between import Side, compare, open_side
from analysis.compare.pairs import RestsOn
from analysis.errors import CompareError, LoadError, PyperfError
from analysis.exchange.pyperf_read import read_suite
from analysis.read.run import find_runs
from analysis.stats.ratio import Verdict
from bench.schema import CORE
from bench.schema.visible import visible


@dataclass(frozen=True)
class ComparedCell:
    """A cell, and what its verdicts rest on."""

    mechanism: str
    scenario: str
    level: str
    python: str
    rests_on: RestsOn

    def __str__(self) -> str:
        return f"{self.mechanism} {self.scenario} {self.level} {self.python} ({self.rests_on})"


# How often each verdict was given; ``None``: no verdict.
Counts = Counter[Verdict | None]
Verdicts = dict[ComparedCell, Counts]


def main(argv: Sequence[str] | None = None) -> int:
    """Print how often each tool called identical code different; 1 if this suite did in more than 1 % of pairs."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.experiments.identical_runs", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what `python -m bench.experiments.identical_runs` measured into"
    )
    folder: Path = parser.parse_args(argv).folder
    try:
        sides = [open_side([path]) for path in find_runs(folder)]
        suites = [read_suite(file) for file in sorted(folder.glob("pyperf-*.json"))]
        if len(sides) < 2:
            raise CompareError(
                f"{folder}: {len(sides)} runs, a pair needs 2; measure with python -m bench.experiments.identical_runs"
            )
        verdicts = ours(sides)
    except (LoadError, CompareError, PyperfError) as error:
        print(visible(f"analysis.experiments.identical_runs: {error}"), file=sys.stderr)
        return 2
    lines, share = describe(len(sides), verdicts)
    if len(suites) > 1:
        lines += describe_pyperf(suites)
    print("\n".join(lines))
    return 0 if share <= 0.01 else 1


def ours(sides: Sequence[Side]) -> Verdicts:
    """How often each verdict was given for each core cell, over all pairs of runs; raises `CompareError`.

    A pair is one call of `compare`, as a user would make it: corrected for all cells of the runs.
    """
    verdicts: Verdicts = {}
    for base, new in itertools.combinations(sides, 2):
        for row in compare(base, new).rows:
            if row.mechanism in CORE:
                cell = ComparedCell(row.mechanism, row.scenario, row.level, row.python, row.rests_on)
                verdicts.setdefault(cell, Counter())[row.verdict] += 1
    return verdicts


def different(counts: Counts) -> int:
    """How many of these verdicts say that something changed."""
    return counts[Verdict.FASTER] + counts[Verdict.SLOWER]


def describe(runs: int, verdicts: Verdicts) -> tuple[list[str], float]:
    """The lines of text about this suite's runs, and the share (0 to 1) of the core cells' pairs called different."""
    total: Counts = sum(verdicts.values(), Counter())
    pairs = total.total()
    if not pairs:
        return [f"this suite: {runs} runs hold none of {', '.join(CORE)}"], 0.0
    share = different(total) / pairs
    lines = [f"this suite: {runs} runs, {_share(different(total), pairs)} of the core cells' pairs called different"]
    for cell, counts in verdicts.items():
        each = ", ".join(
            f"{counts[verdict]} {verdict or 'no verdict'}" for verdict in (*Verdict, None) if counts[verdict]
        )
        lines.append(f"  {cell}: {_share(different(counts), counts.total())} ({each})")
    if any(cell.rests_on is RestsOn.ABSOLUTE for cell in verdicts):
        lines.append("  absolute: no control that cancels the machine's drift, so a spread between runs is assumed")
    return lines, share


def describe_pyperf(suites: Sequence[pyperf.BenchmarkSuite]) -> list[str]:
    """The lines about pyperf's files: the test of its `compare_to` on every pair, and how far its means lie apart."""
    benchmarks = [suite.get_benchmarks()[0] for suite in suites]
    pairs = list(itertools.combinations(benchmarks, 2))
    significant = sum(bool(is_significant_benchs(base, new)[0]) for base, new in pairs)
    apart = [abs(new.mean() / base.mean() - 1) for base, new in pairs]
    return [
        f"pyperf: {len(benchmarks)} runs, {_share(significant, len(pairs))} of the pairs significant to its compare_to "
        f"(means up to {100 * max(apart):.1f} % apart)"
    ]


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({100 * count / total:.2f} %)"


if __name__ == "__main__":
    sys.exit(main())
