"""Turns commands on standard input into real schedulers and workers, each a process, and lets tests give them.

One process loads `distributed`, which takes half a second, and forks the others.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import ROOT


class Starter:
    """The process that forks. Use it as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.fleet.fake_cluster"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, *words: object) -> int:
        """Give a command; its answer is a process id, or 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*words, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def __enter__(self) -> Starter:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


class FakeCluster:
    """A scheduler and workers, whose hosts are those of `fake_host.py`; when closed, all are killed.

    `folder` has the log of the hosts.
    """

    def __init__(self, starter: Starter, folder: Path) -> None:
        self.folder, self._starter = folder, starter
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"

    def scheduler(self) -> int:
        """Start a scheduler, and return its process id when it listens."""
        return self._starter.ask("scheduler", self._port)

    def worker(self, name: str, boot: str = "") -> int:
        """Start a worker of the host `name`, and return its process id when it has joined."""
        return self._starter.ask("worker", self._port, name, boot or name, self.folder)

    def log(self) -> list[list[str]]:
        """The lines that the hosts wrote: what, who, which job."""
        path = self.folder / "log"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def __enter__(self) -> FakeCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._starter.ask("end")


async def _run_scheduler(port: int, ready: int) -> None:
    from distributed import Scheduler

    async with Scheduler(host="127.0.0.1", port=port, dashboard=False, dashboard_address=":0") as scheduler:
        os.write(ready, b".")
        await scheduler.finished()


async def _run_worker(port: int, ready: int) -> None:
    from distributed import Worker

    folder = os.environ["FAKE_FOLDER"]
    async with Worker(
        f"tcp://127.0.0.1:{port}",
        nthreads=2 if os.environ["FAKE_NAME"] == "shared" else 1,
        resources={"forkbench": 1} if os.environ["FAKE_NAME"] != "shared" else None,
        local_directory=folder,
        dashboard=False,
    ) as worker:
        os.write(ready, b".")
        await worker.finished()


def _fork(words: list[str]) -> int:
    """Start one process, and return its id when it is ready."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(0)
            if words[0] == "scheduler":
                asyncio.run(_run_scheduler(int(words[1]), tell))
            else:
                os.environ["FAKE_NAME"], os.environ["FAKE_BOOT"], os.environ["FAKE_FOLDER"] = words[2:]
                asyncio.run(_run_worker(int(words[1]), tell))
        finally:
            os._exit(0)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    return pid


def main() -> None:
    """Start what is asked for; what was started is killed when that is asked for, and when standard input ends."""
    import distributed  # noqa: F401

    pids: list[int] = []
    for line in _lines():
        if line == "end":
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            pids = []
            print(0, flush=True)
        else:
            pids.append(_fork(line.split()))
            print(pids[-1], flush=True)


def _lines() -> Iterator[str]:
    for line in sys.stdin:
        yield line.strip()
    yield "end"


if __name__ == "__main__":
    main()
