"""Turns many runs with reports into a site, and prints the seconds of the first build and of one without a change.

    python -m tests.bench_site [--runs N] [--like RUN]

All runs are copies of one, with names of their own. Exit status 1 where the first build takes longer than `MOST_S`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from analysis.read.run import load_run
from analysis.report.write import write_report
from analysis.site.build import build
from analysis.site.command import DOCS
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import write_summary
from tests.fake_run import FakeRun, write_run

MOST_S = 60.0


def main() -> int:
    """Build twice and print both times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--like", type=Path, metavar="RUN", help="copy this run with its report (default: a fake one)")
    options = parser.parse_args()
    number = options.runs
    with tempfile.TemporaryDirectory() as folder:
        results, site = Path(folder) / "results", Path(folder) / "site"
        first = _first(results, options.like)
        for copy in range(1, number):
            _copy(first, results, copy)
        for what in ("first build", "no change"):
            begun = time.perf_counter()
            built = build(results, DOCS, site)
            seconds = time.perf_counter() - begun
            assert not built.problems, built.problems
            print(f"{what}: {number} runs, {seconds:.1f} s, {len(built.written)} files written")
            if seconds > MOST_S:
                return 1
    return 0


def _first(results: Path, like: Path | None) -> Path:
    """The run that the others are copies of."""
    if like is not None:
        return Path(shutil.copytree(like, results / like.resolve().parent.name / like.resolve().name))
    run = write_run(results, FakeRun(rounds=30))
    analysed = AnalysedRun(load_run(run))
    write_summary(analysed.run, analysed.summary)
    write_report(analysed)
    return run


def _copy(run: Path, results: Path, number: int) -> None:
    """A copy with another name, on one of five machines."""
    name, machine = f"20261124T{4 + number // 60:02}{number % 60:02}00Z", f"fake-{number % 5}"
    place = Path(shutil.copytree(run, results / machine / name))
    document = json.loads((place / "run.json").read_text(encoding="utf-8"))
    (place / "run.json").write_text(json.dumps(document | {"run": name, "machine": machine}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
