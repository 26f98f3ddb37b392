"""Makes three hosts of this machine, network namespaces with a worker each, and lets `bench fleet` measure on them.

``python -m tests.fleet_hosts [--budget 3] [--hosts 3] [--wheels DIR]`` needs root, `ip` and `distributed`. It prints
how many runs came back, how many pairs of runs measured at once on one CPU, and how many files are not as the host
wrote them. Exit status 1: any of them is not as it should be. With --wheels each host makes an environment of its own,
as hosts do; without, all use that of this checkout.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.fleet import host, suite
from bench.fleet.host.places import CACHE_VARIABLE
from tests import ROOT

_NET = "10.213.77"
_BRIDGE = "fbench0"
_PORT = 18787
_PATIENCE_S = 900.0
_FILES = ("run.json", "cells.csv", "subjects.csv", "blocks.csv", "samples.csv.gz")
# On a worker: what it is told to forget is moved aside, so that it can be compared.
_KEEP = """
import pathlib, shutil
remove = shutil.rmtree
def rmtree(path, *words, **options):
    path = pathlib.Path(path)
    if path.parent.name == "jobs" and path.is_dir():
        (path.parent.parent / "kept").mkdir(exist_ok=True)
        path.rename(path.parent.parent / "kept" / path.name)
    else:
        remove(path, *words, **options)
shutil.rmtree = rmtree
"""


@dataclass(frozen=True)
class Span:
    """When a run measured, in text that sorts, and where: the CPU of its subjects (None: any)."""

    run: str
    began: str
    ended: str
    cpu: int | None


def main() -> int:
    """Make the hosts, measure, compare, and remove all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet_hosts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=3.0, metavar="SECONDS", help="of each run (default: 3)")
    parser.add_argument("--hosts", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="packages, for an environment on each host")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("tests.fleet_hosts: needs root and the program ip, for network namespaces", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fleet-hosts-", dir="/tmp") as text:
        folder = Path(text)
        with _network(arguments.hosts), _cluster(folder, arguments.hosts, not arguments.wheels):
            status = _measure(folder / "results", arguments.budget, arguments.wheels)
        return _judge(folder, arguments.hosts, status)


@contextmanager
def _network(hosts: int) -> Iterator[None]:
    """A bridge, and namespaces that are joined to it."""
    _remove_network(hosts)
    try:
        _ip(f"link add {_BRIDGE} type bridge")
        _ip(f"addr add {_NET}.1/24 dev {_BRIDGE}")
        _ip(f"link set {_BRIDGE} up")
        for number in range(hosts):
            name, inside = f"fbench{number}", f"-n fbench{number}"
            _ip(f"netns add {name}")
            _ip(f"link add fbv{number} type veth peer name eth0 netns {name}")
            _ip(f"link set fbv{number} master {_BRIDGE} up")
            _ip(f"{inside} addr add {_NET}.{10 + number}/24 dev eth0")
            _ip(f"{inside} link set eth0 up")
            _ip(f"{inside} link set lo up")
        yield
    finally:
        _remove_network(hosts)


def _remove_network(hosts: int) -> None:
    for number in range(hosts):
        _ip(f"netns del fbench{number}", True)
    _ip(f"link del {_BRIDGE}", True)


def _ip(words: str, may_fail: bool = False) -> None:
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
    if done.returncode and not may_fail:
        raise SystemExit(f"tests.fleet_hosts: ip {words}: {done.stderr.strip()}")


@contextmanager
def _cluster(folder: Path, hosts: int, set_up: bool) -> Iterator[None]:
    """A scheduler outside of the namespaces, and a worker in each, with a host name and a cache of its own."""
    (folder / "keep.py").write_text(_KEEP)
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    processes = [_start([*dask, "--host", f"{_NET}.1", "--port", str(_PORT), "--no-dashboard"], folder / "scheduler")]
    for number in range(hosts):
        cache = folder / f"cache{number}"
        if set_up:
            _set_up(cache)
        worker = f"{sys.executable} -m distributed.cli.dask_worker tcp://{_NET}.1:{_PORT} --nworkers 1 --nthreads 1"
        worker += f" --resources forkbench=1 --no-nanny --no-dashboard --preload {folder}/keep.py"
        command = f"hostname host{number}; exec {worker} --local-directory {folder}/scratch{number}"
        inside = ["ip", "netns", "exec", f"fbench{number}", "unshare", "--uts", "sh", "-c", command]
        processes.append(_start(inside, folder / f"worker{number}", {CACHE_VARIABLE: str(cache)}))
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _start(command: list[str], log: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    with open(log.with_suffix(".log"), "wb") as stream:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def _set_up(cache: Path) -> None:
    """What a host does before its first job, but with the packages of this checkout."""
    os.environ[CACHE_VARIABLE] = str(cache)
    sent = suite.pack(ROOT)
    host.set_up(sent.version, sent.archive, python=sys.executable)
    del os.environ[CACHE_VARIABLE]


def _measure(results: Path, budget: float, wheels: Path | None) -> int:
    command = [sys.executable, "-m", "bench", "fleet", "--scheduler", f"tcp://{_NET}.1:{_PORT}", "--profile", "quick"]
    command += ["--budget", str(budget), "--results", str(results)]
    command += ["--wheels", str(wheels)] if wheels else []
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=_PATIENCE_S).returncode


def _judge(folder: Path, hosts: int, status: int) -> int:
    """Print the sums, and return 1 if one of them is not as it should be."""
    runs = sorted(file.parent for file in (folder / "results").glob("*/*/run.json"))
    written = {
        _hash(file.parent / "blocks.csv"): file.parent for file in folder.glob("cache*/kept/*/results/*/*/run.json")
    }
    files = differing = 0
    for run in runs:
        original = written.get(_hash(run / "blocks.csv"))
        for name in _FILES:
            files += 1
            differing += original is None or _hash(run / name) != _hash(original / name)
    spans = [_span(run) for run in runs]
    together = sum(_at_once(*pair) for pair in itertools.combinations(spans, 2))
    for span in spans:
        print(f"{span.run}: {span.began} to {span.ended} on CPU {span.cpu}")
    print(
        f"{len(runs)} of {hosts} runs came back (exit status {status}); {together} pairs measured at once; "
        f"{differing} of {files} files are not as the host wrote them"
    )
    return 0 if (len(runs), status, together, differing) == (hosts, 0, 0, 0) else 1


def _span(run: Path) -> Span:
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return Span(run.name, document["started"], document["ended"], document["cpus"]["subject"])


def _at_once(one: Span, other: Span) -> bool:
    """Whether two runs of this machine overlap in time; even on two CPUs they would, as each uses a second one."""
    return one.began < other.ended and other.began < one.ended


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
