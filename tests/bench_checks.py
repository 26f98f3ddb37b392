"""Turns a real run into the CPU time that its checks took while it measured, as a share of its wall time.

    python -m tests.bench_checks [--budget SECONDS]

Counted is what only holds that figures can be believed and nothing is left: judging the dose, parsing the
answers of subjects, rows that can be written, a suspended machine, files that are still there, process groups that are
empty, the watcher, and what the certificate reads from blocks. It is CPU time: a subject that has just started may take
the CPU in the middle of a check, and that is no cost of the check. Reading the dose is shown and not counted: its
columns are data, which the model of cost is fitted to. Exit status 1: it was 1 % or more.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from bench.driver import dose, only_run, process
from bench.driver.guard import Guard
from bench.files.store import Store
from bench.machine import suspension
from bench.measure import certificate
from bench.measure import round as one_round
from bench.schema import tables
from tests.engine import Watcher, measure

MOST_SHARE = 0.01
# None of them calls another.
CHECKS: tuple[tuple[Any, str], ...] = (
    (dose, "read"),
    (one_round, "dose_warning"),
    (ast, "literal_eval"),
    (process, "group_lives"),
    (Guard, "_tell"),
    (Store, "ends"),
    (suspension, "asleep_ns"),
    (tables, "writable"),
    (certificate, "of_run"),
)


DATA = "read"


def main() -> int:
    """Measure a run with every check timed, and print what they took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_checks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=20.0, metavar="SECONDS", help="of the run (default: 20)")
    budget_s: float = parser.parse_args().budget
    os.environ.setdefault(only_run.VARIABLE, only_run.WhenBusy.WAIT)
    spent_ns, calls = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        for owner, name in CHECKS:
            timed = _timed(getattr(owner, name), name, spent_ns, calls)
            patches.enter_context(mock.patch.object(owner, name, timed))
        run = measure(
            Path(folder), Watcher(), profile="quick", mechanisms=(), rounds=None, budget_s=budget_s,
            certificate=True, block_ns=12_000_000, core_pairs=10, other_pairs=2, module_path="",
        )  # fmt: skip
        wall_ns = run.wall_ns()
    for name, took_ns in spent_ns.most_common():
        print(f"{name:14} {calls[name]:6} times {took_ns / 1e6:8.1f} ms {100 * took_ns / wall_ns:7.3f} %")
    share = sum(took_ns for name, took_ns in spent_ns.items() if name != DATA) / wall_ns
    print(
        f"checks while measuring: {100 * share:.2f} % of {wall_ns / 1e9:.1f} s, {run.rounds} rounds "
        f"(less than {100 * MOST_SHARE:g} %)"
    )
    return int(share >= MOST_SHARE or run.rounds == 0)


def _timed(check: Callable[..., Any], name: str, spent_ns: Counter[str], calls: Counter[str]) -> Callable[..., Any]:
    def timed(*words: Any, **more: Any) -> Any:
        began = time.thread_time_ns()
        try:
            return check(*words, **more)
        finally:
            spent_ns[name] += time.thread_time_ns() - began
            calls[name] += 1

    return timed


if __name__ == "__main__":
    sys.exit(main())
