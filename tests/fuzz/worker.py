"""Turns a number of inputs into what a reader made of them, in a process that may die or hang."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.readers import LOADED, READERS, REFUSED

MOST_BYTES = 2 << 30
MOST_S = 20.0
# Building the valid files and loading pandas comes before the first input.
_START_S = 120.0
_LOOK_S = 0.1
# A worker holds nothing of what this process has loaded.
CONTEXT = "spawn"
# A file system in memory, where there is one: every input is written to a file.
_SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass
class Result:
    """What became of the inputs of one reader; each failure names its input."""

    inputs: int = 0
    loads: int = 0
    refusals: int = 0
    tracebacks: int = 0
    hangs: int = 0
    peak: int = 0
    failures: list[str] = field(default_factory=list)

    def take(self, number: int, outcome: str) -> None:
        """Count one input."""
        self.inputs += 1
        self.loads += outcome == LOADED
        self.refusals += outcome == REFUSED
        if outcome not in (LOADED, REFUSED):
            self.tracebacks += 1
            self.failures.append(f"input {number}: {outcome}")


def read_inputs(reader: str, seed: int, numbers: range, folder: str, progress: Any, results: Any) -> None:
    """What a worker does: read inputs `numbers`, say at which one it is, and send what became of them."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    made = READERS[reader](Path(folder))
    for number in numbers:
        progress[0] = number
        outcome = made.outcome(seed, number)
        progress[1] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB: getrusage(2)
        results.send((number, outcome))


def fuzz(reader: str, inputs: int, seed: int, most_s: float = MOST_S) -> Result:
    """Read `inputs` inputs and count; one at which the worker dies or takes longer than `most_s` is passed over."""
    context: Any = multiprocessing.get_context(CONTEXT)
    found = Result()
    first = 0
    while first < inputs:
        progress = context.RawArray("q", [-1, 0])
        receive, send = context.Pipe(duplex=False)
        with tempfile.TemporaryDirectory(dir=_SCRATCH) as folder:
            work = (reader, seed, range(first, inputs), folder, progress, send)
            worker = context.Process(target=read_inputs, args=work)
            worker.start()
            send.close()
            hung = _follow(worker, receive, progress, found, most_s)
            worker.join()
            found.peak = max(found.peak, progress[1])
        number = int(progress[0])
        if number < first:
            raise RuntimeError(f"the worker did not come to input {first} (exit status {worker.exitcode})")
        if found.inputs <= number and found.inputs < inputs:  # it ended within an input
            found.inputs += 1
            found.hangs += hung
            found.tracebacks += not hung
            what = f"no end within {most_s:g} s" if hung else f"the process died ({worker.exitcode})"
            found.failures.append(f"input {number}: {what}")
        first = found.inputs
    return found


def _follow(worker: Any, receive: Any, progress: Any, found: Result, most_s: float) -> bool:
    """Take results until the worker ends; kills it and returns true where it stays at one input for too long."""
    at, since = -1, time.monotonic()
    while True:
        try:
            while receive.poll(_LOOK_S):
                found.take(*receive.recv())
        except EOFError:
            return False
        now = time.monotonic()
        if progress[0] != at:
            at, since = progress[0], now
        elif now - since > (_START_S if at < 0 else most_s):
            worker.kill()
            worker.join()
            return True
