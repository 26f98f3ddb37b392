"""Turns many simulated hosts into gathered runs, and prints what that takes of time, memory and bytes.

    python -m tests.bench_gather [--hosts N] [--profile quick|standard] [--direct] [--table]

All that `bench fleet` does at this end is done: schedule, screen, receiving, the reader's check, the table. The runs
are variations of a committed one: of its size, or cut to the size of a run of `quick`. They come from worker
processes of one Dask scheduler on this machine, which act as so many hosts; --direct, or where `distributed` is
missing, from this process. Exit status 1 where 1,000 hosts would take longer than `MOST_S`, or more than `MOST_BYTES`
of memory in this process.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from bench import schema
from bench.fleet.arrival.unpack import RAW_FILES
from bench.fleet.control import command
from bench.fleet.control.conduct import Conduct
from bench.fleet.control.events import Ended, Event, Present, Ready
from bench.fleet.control.schedule import Schedule
from bench.fleet.control.screen import Lines
from bench.fleet.control.shares import Wanted
from bench.fleet.receive import Placed, Receiver
from bench.fleet.records import HostFacts, Job, Outcome
from tests import ROOT

MOST_S = 120.0
MOST_BYTES = 1 << 30
TEMPLATE = ROOT / "results" / "intel-xeon-2cpu-kvm-docker-4eb259" / "20261124T084933Z"
VARIATIONS = 4
WORKERS = 2
# Rounds of a run of `quick`: its five mechanisms are measured in ten seconds.
QUICK_ROUNDS = 8
_SCALED = ("total_ns", "call_ns", "ready_ns", "start_ns", "elapsed_ns", "setup_ns")


class TimedReceiver(Receiver):
    """A receiver that adds up the seconds of its parts, over all threads."""

    def __init__(self, results: Path) -> None:
        super().__init__(results)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._adding = Lock()

    def place(self, outcome: Outcome, machine: str | None = None) -> Placed:
        """Place one run, and add the time of all that it takes."""
        with self.timed("placing"):
            return super().place(outcome, machine)

    def _check(self, directory: Path) -> None:
        with self.timed("the reader's check"):
            super()._check(directory)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the time that the block takes to `what`."""
        begun = time.perf_counter()
        yield
        with self._adding:
            self.seconds[what] += time.perf_counter() - begun


def write_variation(folder: Path, number: int, quick: bool) -> Path:
    """A run like the committed one whose times are all 1 % longer for each `number`."""
    tables = {table.name: pd.read_csv(_file(table), keep_default_na=False) for table in schema.RAW_TABLES}
    document = json.loads((TEMPLATE / schema.RUN_FILE).read_text(encoding="utf-8"))
    in_blocks = float(tables["blocks"]["elapsed_ns"].sum())
    if quick:
        chosen = tables["cells"]["mechanism"].isin(schema.CORE) & (tables["cells"]["level"] == "bare")
        kept = set(tables["cells"]["cell"][chosen])
        tables = {name: table[table["cell"].isin(kept)] for name, table in tables.items()}
        for name in ("subjects", "blocks", "samples"):
            tables[name] = tables[name][tables[name]["round"] < QUICK_ROUNDS]
        document["options"]["profile"] = "quick"
        document["rounds"] = min(QUICK_ROUNDS, document["rounds"])
    factor = 1 + number / 100
    for table in tables.values():
        for column in set(_SCALED) & set(table.columns):
            values = pd.to_numeric(table[column])
            table[column] = (values * factor).floordiv(1).astype("Int64")
    document["wall_ns"] = int(document["wall_ns"] * factor)
    document["share_in_calls"] *= float(tables["blocks"]["elapsed_ns"].sum()) / in_blocks / factor
    folder.mkdir(parents=True)
    for name, table in tables.items():
        options: dict[str, Any] = {"compression": {"method": "gzip", "mtime": 0}} if name == "samples" else {}
        table.to_csv(folder / f"{name}.csv{'.gz' if options else ''}", index=False, lineterminator="\n", **options)
    (folder / schema.RUN_FILE).write_text(json.dumps(document), encoding="utf-8")
    return folder


def _file(table: schema.Table) -> Path:
    return next(path for path in (TEMPLATE / table.file, TEMPLATE / f"{table.file}.gz") if path.is_file())


def send(folder: str, number: int) -> dict[str, Any]:
    """What host `number` sends, as a host does: one of the variations, with a name and a state of its own."""
    run = Path(folder) / str(number % VARIATIONS)
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    # Four kinds of hardware, and so many hosts start in each second: equal names are the rule.
    document |= {"machine": f"simulated-{number % 4}", "run": document["run"]}
    document["after"] |= {"steal_ticks": document["after"]["steal_ticks"] + number}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in RAW_FILES:
            if name == "run.json" or (run / name).is_file():
                content = json.dumps(document).encode() if name == "run.json" else (run / name).read_bytes()
                about = tarfile.TarInfo(name)
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
    archive = stream.getvalue()
    return {"host": f"host{number}", "archive": archive, "digest": hashlib.sha256(archive).hexdigest()}


@contextmanager
def engine(direct: bool) -> Iterator[Any]:
    """A client of a scheduler with `WORKERS` processes, all of which end with it; ``None``: there is none."""
    try:
        if direct:
            raise ImportError
        distributed = importlib.import_module("distributed")
    except ImportError:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "scheduler.json")
        dask = [sys.executable, "-m", "dask"]
        words = [["scheduler", "--port", "0", "--no-dashboard"]]
        words += [["worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]] * WORKERS
        started = [
            subprocess.Popen(
                [*dask, *each, "--scheduler-file", file], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for each in words
        ]
        try:
            with distributed.Client(scheduler_file=file, timeout=60) as client:
                client.wait_for_workers(WORKERS, timeout=60)
                yield client
        finally:
            for process in reversed(started):  # a worker whose scheduler is gone waits for it before it ends
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Simulated:
    """An engine of so many hosts, each with a machine of its own, that all end their runs in the same second."""

    def __init__(self, client: Any, receiver: TimedReceiver, folder: Path, hosts: int) -> None:
        self.size = 0
        self._client, self._receiver, self._folder = client, receiver, str(folder)
        facts = [HostFacts(f"{number:04}", f"{number:04}", f"host{number}", (0, 1), "", "") for number in range(hosts)]
        self._news: deque[Event] = deque([Present(tuple(facts))])
        self._asked: deque[tuple[str, str, Any]] = deque()

    def set_up(self, identity: str) -> None:
        """It is set up."""
        self._news.append(Ready(identity))

    def measure(self, identity: str, job: Job) -> None:
        """Let a worker pack what the host sends."""
        future = self._client and self._client.submit(send, self._folder, int(identity), pure=False)
        self._asked.append((identity, job.id, future))

    def events(self, timeout_s: float, room: int) -> list[Event]:
        """The first news, and what the next hosts sent, as much as there is room for."""
        found = list(self._news)
        self._news.clear()
        for _ in range(min(room, len(self._asked))):
            identity, job, future = self._asked.popleft()
            with self._receiver.timed("coming here"):
                got = future.result() if future else send(self._folder, int(identity))
            self.size += len(got["archive"])
            answer = {"ending": "complete", "archive": got["archive"], "digest": got["digest"]}
            found.append(Ended.of(job, identity, answer))
        if not found:
            time.sleep(timeout_s)
        return found

    def forget(self, identity: str, job: str) -> None:
        """Nothing is kept."""

    def stop(self, jobs: Sequence[str]) -> None:
        """Nothing goes on."""

    def close(self, at_once: bool = False) -> None:
        """Nothing is open."""


def gather(client: Any, receiver: TimedReceiver, folder: Path, hosts: int) -> tuple[int, dict[Path, str]]:
    """Lead a fleet of simulated hosts to its end; return the bytes that came, and the runs."""
    engine = Simulated(client, receiver, folder, hosts)
    schedule = Schedule(Wanted("fleet", Job("", "", (), 60.0), None, 1, 0), time.monotonic())
    screen = Lines()
    screen.message = lambda text: None  # type: ignore[method-assign]  # a line for each run
    conduct = Conduct(engine, schedule, receiver, screen)
    conduct.lead()
    assert not schedule.missing(), schedule.missing()[:3]
    return engine.size, conduct.runs


def main() -> int:
    """Gather all hosts, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--profile", choices=("quick", "standard"), default="quick")
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--table", action="store_true", help="print the table of hosts, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(VARIATIONS):
            write_variation(folder / "sent" / str(number), number, options.profile == "quick")
        with engine(options.direct) as client, TimedReceiver(folder / "results") as receiver:
            before = _peak()
            begun = time.perf_counter()
            size, runs = gather(client, receiver, folder / "sent", options.hosts)
            seconds = time.perf_counter() - begun
        found = len(list((folder / "results").glob("*/*/run.json")))
        assert found == options.hosts, found
        if options.table:
            command.tell_hosts(runs)
    return _tell(options, client is not None, seconds, size, before, receiver.seconds)


def _tell(
    options: argparse.Namespace, cluster: bool, seconds: float, size: int, before: int, parts: dict[str, float]
) -> int:
    way = "through one scheduler" if cluster else "from this process"
    peak, children = _peak(), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{options.hosts} hosts of profile {options.profile} {way}: {seconds:.1f} s, {size / 1e6:.0f} MB moved")
    print(f"memory of this process: {peak / 2**20:.0f} MiB at the most, {before / 2**20:.0f} MiB before the first run")
    print(f"largest other process: {children.ru_maxrss / 1024:.0f} MiB; CPU time of all: {children.ru_utime:.0f} s")
    total = sum(parts[what] for what in ("coming here", "placing"))
    for what, spent in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"  {what}: {spent / options.hosts * 1e3:.0f} ms a run, {spent / total:.0%} of what threads waited for")
    per_thousand = seconds / options.hosts * 1000
    print(f"1,000 hosts: {per_thousand:.0f} s (at most {MOST_S:.0f} s)")
    return 1 if per_thousand > MOST_S or peak > MOST_BYTES else 0


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
