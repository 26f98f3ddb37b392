"""Holds what a fleet knows of its hosts, and which runs are wanted of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bench.fleet.records import HostFacts, Job


class State(StrEnum):
    """What a host does."""

    WAITING = "waiting"
    """For its turn: another host of the same machine is at work, or there is nothing to do."""
    SETTING_UP = "setting up"
    LOCKED = "waits for the host"
    """Something else measures on it."""
    ASKED = "asked"
    """Its worker has not begun: it may have other tasks."""
    MEASURING = "measuring"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


@dataclass
class Place:
    """A host as the schedule knows it; `since` is when it came or went. `problem`: why nothing is asked of it."""

    facts: HostFacts
    since: float
    is_there: bool = True
    is_set_up: bool = False
    problem: str = ""
    set_ups_lost: int = 0
    doing: State = State.WAITING
    round: int | None = None
    left_s: float | None = None
    text: str = ""


@dataclass(eq=False)
class WantedRun:
    """One run that is wanted. `tries` counts those that failed; `attempt` is part of the job's name.

    It is over when it `is_done`, or when it is `missing` for the reason that stands there.
    """

    tries: int = 0
    attempt: int = 0
    is_done: bool = False
    missing: str = ""
    problem: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.is_done or bool(self.missing)


@dataclass
class Share:
    """The runs of one host: of that at `identity`, or of any where it is empty; `belongs`: of no other ever."""

    number: int
    runs: list[WantedRun]
    identity: str = ""
    belongs: bool = False
    had: set[str] = field(default_factory=set)
    """Hosts that failed with it."""

    def next_run(self) -> WantedRun | None:
        """The first run that is not over."""
        return next((run for run in self.runs if not run.is_over), None)


@dataclass(frozen=True)
class Wanted:
    """What the user wants: `hosts` of them (None: all that there are), and on each `repeat` runs like `job`.

    A run that fails is tried again up to `retries` times. `name` is the beginning of every job's name.
    """

    name: str
    job: Job
    hosts: int | None = None
    repeat: int = 1
    retries: int = 1
