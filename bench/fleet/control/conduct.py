"""Turns a schedule into runs under results/: asks the engine, hears it, places what comes back, until all is over."""

from __future__ import annotations

import platform
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from bench.fleet.control.events import (
    Ended,
    Engine,
    EngineError,
    Event,
    Lost,
    Measure,
    Note,
    Present,
    Ready,
    Said,
)
from bench.fleet.control.schedule import PATIENCE_S, Schedule
from bench.fleet.control.screen import Row, Screen
from bench.fleet.receive import ReceiveError, Receiver
from bench.fleet.records import Ending, HostFacts, Outcome

# Each waits for a reader's check in a process; two keep both CPUs of a small machine busy.
RECEIVERS = 2
# Runs in this process's memory, each of 128 MiB at the most; the others stay on their hosts meanwhile.
MOST_HERE = 7
# What the loop waits for events at most; they wake it up.
_WAIT_S = 1.0
# Rows of a thousand hosts take some milliseconds, and events come faster than anyone reads.
_ROWS_S = 0.25
# Hosts are asked to stop, and have so long to send what they have.
STOP_S = 12.0
# So many hosts that go at once are named.
MOST_NAMED = 5
# A pause of the whole fleet that is worth a line.
_IDLE_S = 3.0


class Conduct:
    """Leads one fleet to its end. `runs` that came back have the name of their host; a signal sets `stop_asked`."""

    def __init__(
        self, engine: Engine, schedule: Schedule, receiver: Receiver, screen: Screen, machine: str | None = None
    ) -> None:
        self.runs: dict[Path, str] = {}
        self.stop_asked = False
        self._engine, self._schedule, self._receiver, self._screen = engine, schedule, receiver, screen
        self._machine = machine
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._placing = 0
        self._asked: dict[str, str] = {}
        self._told_idle = False
        self._next_rows = 0.0

    def lead(self) -> None:
        """Go on until every run is back or given up, or it was asked to stop and what there was has come.

        `KeyboardInterrupt` ends it at once: hosts are told to stop, and nobody waits for what they send.
        """
        self._pool = ThreadPoolExecutor(RECEIVERS)
        try:
            self._go_on_to_the_end()
            self._pool.shutdown()
        except BaseException:
            self._receiver.give_up()
            self._pool.shutdown(cancel_futures=True)
            self._engine.stop(self._schedule.active_jobs())
            raise
        self._take_placed()
        for job, identity in self._asked.items():
            self._engine.forget(identity, job)

    def rows(self) -> list[Row]:
        """Every host as it is shown."""
        schedule, found = self._schedule, []
        runs = {share.identity: share.runs for share in schedule.shares}
        for identity, place in schedule.places.items():
            own = runs.get(identity, [])
            done = sum(run.is_done for run in own)
            text = place.problem or place.text
            found.append(Row(schedule.name_of(identity), place.doing, done, len(own), place.round, place.left_s, text))
        return found

    def _go_on_to_the_end(self) -> None:
        limit = float("inf")
        while not self._schedule.is_over() and time.monotonic() < limit:
            if self.stop_asked and limit == float("inf"):
                limit = time.monotonic() + STOP_S
                self._stop()
            if not self._go_on():
                break

    def _go_on(self) -> bool:
        """One turn of the loop; false: the engine is lost for good."""
        for step in self._schedule.steps(time.monotonic()):
            if isinstance(step, Measure):
                self._asked[step.job.id] = step.identity
                self._engine.measure(step.identity, step.job)
            else:
                self._engine.set_up(step.identity)
        try:
            for event in self._engine.events(0.05 if self._placing else _WAIT_S, MOST_HERE - self._placing):
                self._hear(event)
        except EngineError as error:
            self._screen.message(str(error))
            return False
        self._take_placed()
        self._tell_idle()
        if time.monotonic() >= self._next_rows:
            self._next_rows = time.monotonic() + _ROWS_S
            self._screen.update(self.rows())
        return True

    def _stop(self) -> None:
        jobs = self._schedule.active_jobs()
        at_work = f"{len(jobs)} host{'s' * (len(jobs) != 1)} at work; what they have comes back, if it can"
        self._screen.message(f"stopping: {at_work if jobs else 'no host measures'}")
        self._engine.stop(jobs)
        self._schedule.stop()

    def _hear(self, event: Event) -> None:
        schedule, now = self._schedule, time.monotonic()
        if isinstance(event, Present):
            before = {identity for identity, place in schedule.places.items() if place.is_there}
            for identity in schedule.hear_present(event.hosts, now):
                self._tell_versions(schedule.places[identity].facts)
            self._tell_gone(before - {facts.identity for facts in event.hosts})
        elif isinstance(event, Ready):
            schedule.hear_ready(event)
            if event.error:
                self._tell(event.identity, event.error)
            if event.no_control:
                self._tell(event.identity, f"no relative latency: {event.no_control}")
        elif isinstance(event, Said):
            schedule.hear_said(event)
        elif isinstance(event, Lost):
            place = schedule.places.get(event.identity)
            if event.counts and place and place.is_there:  # one that is gone was named before
                self._tell(event.identity, event.reason)
            schedule.hear_lost(event)
        elif isinstance(event, Ended):
            self._take(event)
        elif isinstance(event, Note):
            self._screen.message(event.text)

    def _take(self, ended: Ended) -> None:
        """What a job left is placed in another thread, since the reader checks it first."""
        outcome, identity = ended.outcome, self._asked.get(ended.outcome.job, "")
        self._schedule.hear_ended(outcome)
        if ended.others:
            self._tell(identity, f"its worker had tasks of others meanwhile: {', '.join(ended.others)}")
        if not outcome.archive:
            self._came(outcome, None)
            return
        self._placing += 1
        name = self._schedule.name_of(identity)
        self._pool.submit(self._place, replace(outcome, host=name))

    def _place(self, outcome: Outcome) -> None:
        try:
            path = self._receiver.place(outcome, self._machine).path
        except ReceiveError as error:
            text = str(error)
            self._done.put(lambda: self._refused(outcome, text))
        except Exception as error:  # whatever a hostile run makes of the receiver, the others come back
            text = f"{outcome.host}: {type(error).__name__}: {error}"
            self._done.put(lambda: self._refused(outcome, text))
        else:
            self._done.put(lambda: self._came(outcome, path))

    def _take_placed(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._done.get_nowait()()

    def _came(self, outcome: Outcome, path: Path | None) -> None:
        """A job has ended: its run lies at `path`; None: it left none."""
        ending, identity = outcome.ending, self._asked.pop(outcome.job, "")
        if path:
            self._placing -= 1
            self.runs[path] = self._schedule.name_of(identity)
        if ending == Ending.COMPLETE:
            self._tell(identity, f"measured: {path}")
        else:
            kept = f"; what it measured is kept: {path}" if path else ""
            self._tell(identity, f"{outcome.error or 'its run is not complete'}{kept}")
        self._schedule.hear_placed(outcome.job, ending, outcome.error)
        self._engine.forget(identity, outcome.job)

    def _refused(self, outcome: Outcome, error: str) -> None:
        self._placing -= 1
        self._asked.pop(outcome.job, None)  # its host keeps it, whatever is wrong at this end
        self._screen.message(error)
        self._schedule.hear_refused(outcome.job, error.removeprefix(f"{outcome.host}: "))

    def _tell(self, identity: str, text: str) -> None:
        self._screen.message(f"{self._schedule.name_of(identity) or identity}: {text}")

    def _tell_gone(self, identities: set[str]) -> None:
        if len(identities) > MOST_NAMED:
            self._screen.message(f"{len(identities)} hosts are gone")
            return
        for identity in sorted(identities):
            self._tell(identity, "is gone")

    def _tell_versions(self, facts: HostFacts) -> None:
        """A host may have other versions than this one: it is used, and said."""
        try:
            distributed = metadata.version("distributed")
        except metadata.PackageNotFoundError:
            distributed = ""
        if facts.distributed != distributed and distributed:
            self._tell(
                facts.identity, f"has distributed {facts.distributed or 'none'}, not {distributed}, and may fail by it"
            )
        if facts.python != platform.python_version():
            self._tell(facts.identity, f"measures with Python {facts.python}, not {platform.python_version()}")

    def _tell_idle(self) -> None:
        idle_s = self._schedule.idle_s(time.monotonic())
        if idle_s > _IDLE_S and not self._told_idle:
            self._screen.message(f"waiting for hosts to join, or to come back: {PATIENCE_S:g} s at most")
        self._told_idle = idle_s > _IDLE_S
