"""Measures what a connected worker adds: the same run under a worker and without one, on this host, in turn.

``python -m tests.bench_fleet [--pairs 12] [--budget 20]`` prints, for `os_fork` and `subprocess_run`, what they take
under a worker over what they take without one: relative latency, median and p99, each the median of the pairs with its
interval. Without one is `bench run` with no process of the engine; under a worker is `bench fleet` with a scheduler and
a worker as docs/fleet.md starts them. Scheduler and controller would be on another host, and stay off the measured CPU
here. Needs `distributed`. Exit status 1: relative latency moves by more than 1 %, the median by 2 %, or p99 by 10 %.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.stats.interval import median_interval
from bench.fleet import host, suite
from bench.fleet.host.places import CACHE_VARIABLE
from tests import ROOT

MECHANISMS = ("os_fork", "subprocess_run")
# The column of a summary, what it is called, and by how much it may move: down and up, or up alone.
FIGURES = (
    ("rel_p50", "relative latency", 0.99, 1.01),
    ("p50_ns", "median", 0.0, 1.02),
    ("p99_ns", "p99", 0.0, 1.10),
)
_PATIENCE_S = 60.0


def main() -> int:
    """Measure pairs, and print their ratios."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_fleet", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=12, metavar="K", help="default: 12")
    parser.add_argument("--budget", type=float, default=20.0, metavar="SECONDS", help="of each run (default: 20)")
    arguments = parser.parse_args()
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bench-fleet-", dir="/tmp") as text:
        folder = Path(text)
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        sent = suite.pack(ROOT)
        host.set_up(sent.version, sent.archive, python=sys.executable)
        for number in range(arguments.pairs):
            order = (False, True) if number % 2 else (True, False)
            found = {under: _figures(_measure(folder, arguments.budget, under)) for under in order}
            for key in found[True].keys() & found[False].keys():
                ratios[key].append(found[True][key] / found[False][key])
            print(f"pair {number + 1} of {arguments.pairs}", file=sys.stderr, flush=True)
    return _tell(ratios, arguments.pairs)


def _measure(folder: Path, budget: float, under_worker: bool) -> Path:
    """Make one run, and return its directory."""
    words = [word for name in MECHANISMS for word in ("--mechanism", name)]
    words += ["--budget", str(budget), "--results", str(folder / "results"), "--no-progress"]
    bench = [sys.executable, "-m", "bench"]
    if not under_worker:
        return _last_line([*bench, "run", *words, "--when-busy", "wait"])
    with _cluster(folder) as address, _off_the_measured_cpu():
        return _last_line([*bench, "fleet", "--scheduler", address, *words])


def _last_line(command: list[str]) -> Path:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"tests.bench_fleet: exit status {done.returncode} of {' '.join(command[2:5])}")
    return Path(done.stdout.splitlines()[-1])


@contextmanager
def _off_the_measured_cpu() -> Iterator[None]:
    """What starts inside the block leaves the last CPU alone, where there is another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {max(before)} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """A scheduler and one worker with its nanny, which has joined."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    module = [sys.executable, "-m"]
    with _off_the_measured_cpu():
        started = [
            _start([*module, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)], folder)
        ]
    words = ["--nworkers", "1", "--nthreads", "1", "--resources", "forkbench=1", "--local-directory", str(folder)]
    started.append(_start([*module, "distributed.cli.dask_worker", address, *words], folder))
    try:
        _wait_for_worker(address)
        yield address
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with open(folder / "log", "ab") as log:
        return subprocess.Popen(
            [*command, "--no-dashboard"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_for_worker(address: str) -> None:
    from distributed import Client

    limit = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with Client(address, timeout=2, set_as_default=False) as client:
                client.wait_for_workers(1, timeout=_PATIENCE_S)
                return
        except OSError:
            if time.monotonic() > limit:
                raise


def _figures(run: Path) -> dict[tuple[str, str], float]:
    """The figures of each mechanism, as the summary has them."""
    command = [sys.executable, "-m", "analysis", "summary", str(run), "--format", "json"]
    (found,) = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return {
        (cell["mechanism"], column): cell[column]
        for cell in found["cells"]
        for column, *_ in FIGURES
        if cell["mechanism"] in MECHANISMS and cell[column] is not None
    }


def _tell(ratios: dict[tuple[str, str], list[float]], pairs: int) -> int:
    """Print each ratio, and return 1 if one is not as it should be, or is not there."""
    status = 0
    print(f"under a connected worker over without one, median of {pairs} pairs (95 % interval)")
    for mechanism in MECHANISMS:
        for column, name, least, most in FIGURES:
            values = ratios.get((mechanism, column), [])
            if not values:
                print(f"{mechanism:<16} {name:<17} too few calls; raise --budget")
                status = 1
                continue
            found = median_interval(values)
            is_good = least <= found.center <= most
            status = status if is_good else 1
            bound = f"{least:g} to {most:g}" if least else f"at most {most:g}"
            print(
                f"{mechanism:<16} {name:<17} {found.center:.3f} ({found.lo:.3f} to {found.hi:.3f})  "
                f"{bound}: {'yes' if is_good else 'NO'}"
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
