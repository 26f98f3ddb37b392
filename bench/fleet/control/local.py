"""Turns this host alone into an engine: the code of a host, called in threads of this process, without a cluster."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from bench.fleet import host
from bench.fleet.control.events import Ended, Event, Lost, Present, Ready, Said, facts_of
from bench.fleet.records import Job
from bench.fleet.suite import Suite


class Local:
    """This host, whose suite uses the packages of this checkout instead of an environment of its own."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._heard.put(Present((facts_of(host.describe()),)))

    def set_up(self, identity: str) -> None:
        """Unpack the suite in this host's cache."""

        def act() -> Event:
            ready = host.set_up(self._suite.version, self._suite.archive, python=sys.executable)
            return Ready(identity, no_control=ready["control"])

        self._begin(act, lambda error: Ready(identity, error))

    def measure(self, identity: str, job: Job) -> None:
        """Have the job done by a process of its own."""

        def say(progress: dict[str, Any]) -> None:
            self._heard.put(Said.of(progress))

        self._begin(
            lambda: Ended.of(job.id, identity, host.measure(asdict(job), say)),
            lambda error: Lost(identity, job.id, error),
        )

    def forget(self, identity: str, job: str) -> None:
        """Remove it at once."""
        host.forget([job])

    def stop(self, jobs: Sequence[str]) -> None:
        """Tell the processes of these jobs to end, and a set-up."""
        host.stop_set_up(self._suite.version)
        host.stop(list(jobs))

    def events(self, timeout_s: float, room: int) -> list[Event]:
        """What the threads have put there; this host has one job at a time."""
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._heard.get(timeout=timeout_s))
            while True:
                found.append(self._heard.get_nowait())
        return found

    def close(self, at_once: bool = False) -> None:
        """Wait a little for the threads: they end with their jobs, which were stopped."""
        for thread in self._threads:
            thread.join(timeout=0.0 if at_once else 5.0)

    def _begin(self, act: Callable[[], Event], failed: Callable[[str], Event]) -> None:
        def carry_out() -> None:
            try:
                event = act()
            except Exception as error:
                event = failed(" ".join(str(error).split()))
            self._heard.put(event)

        self._threads.append(threading.Thread(target=carry_out, daemon=True))
        self._threads[-1].start()
