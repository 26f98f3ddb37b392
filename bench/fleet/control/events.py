"""Holds what is asked of an engine and what it tells, whichever engine reaches the hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bench.fleet.records import Ending, HostFacts, Job, Outcome


class EngineError(Exception):
    """The engine cannot be reached, or is not there. The text is one line: what, where, what to do."""


@dataclass(frozen=True)
class Present:
    """The hosts that can be reached now."""

    hosts: tuple[HostFacts, ...]


@dataclass(frozen=True)
class Ready:
    """The host at `identity` has the suite; or never will, for the reason in `error`.

    `no_control` is why it has no control in C, and so no relative latency.
    """

    identity: str
    error: str = ""
    no_control: str = ""


@dataclass(frozen=True)
class Said:
    """How far a job is. `round` counts from 1, while it calibrates it is 0; `left_s` are seconds; None: unknown."""

    job: str
    state: str
    round: int | None = None
    left_s: float | None = None
    text: str = ""

    @classmethod
    def of(cls, progress: Mapping[str, Any]) -> Said:
        """What a host says of a job, whatever it may be."""
        number, left_s = progress.get("round"), progress.get("left_s")
        return cls(
            str(progress.get("job")),
            str(progress.get("state")),
            number if isinstance(number, int) else None,
            left_s if isinstance(left_s, int | float) and left_s else None,
            str(progress.get("text", "")),
        )


@dataclass(frozen=True)
class Ended:
    """A job has ended on its host. `others` are tasks of other people that its worker had meanwhile."""

    outcome: Outcome
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, job: str, identity: str, answer: Mapping[str, Any], others: Iterable[str] = ()) -> Ended:
        """What `host.measure` answered for this job on that host, whatever the answer calls them."""
        outcome = Outcome(**{**answer, "job": job, "host": identity, "ending": Ending(answer["ending"])})
        return cls(outcome, tuple(map(str, others)))


@dataclass(frozen=True)
class Lost:
    """What was asked of the host at `identity` will not be answered: `job`, or to be set up where that is empty.

    `reason` is one line. The job's own fault is only what `counts`; a lost connection of ours is not.
    """

    identity: str
    job: str
    reason: str
    counts: bool = True


@dataclass(frozen=True)
class Note:
    """A line for the user."""

    text: str


Event = Present | Ready | Said | Ended | Lost | Note


@dataclass(frozen=True)
class SetUp:
    """To do: bring the suite to the host."""

    identity: str


@dataclass(frozen=True)
class Measure:
    """To do: have the host see to the job."""

    identity: str
    job: Job


class Engine(Protocol):
    """Reaches hosts. Nothing here waits but `events`, `stop` and `close`; answers come as events."""

    def set_up(self, identity: str) -> None:
        """Bring the suite to a host: `Ready` or `Lost` follows."""

    def measure(self, identity: str, job: Job) -> None:
        """See to it that a job is done: `Ended` or `Lost` follows, however often the same job is asked for."""

    def forget(self, identity: str, job: str) -> None:
        """Remove a job from its host, which has come back whole."""

    def stop(self, jobs: list[str]) -> None:
        """Have these jobs, and all set-ups, end within seconds; what was measured still comes back."""

    def events(self, timeout_s: float, room: int) -> list[Event]:
        """What has happened since it was last asked, after at most `timeout_s` seconds. Raises `EngineError`.

        No more than `room` jobs have ended: what the others left stays on its host until it is asked for.
        """

    def close(self, at_once: bool = False) -> None:
        """Let go of all hosts; `at_once`: what goes on there is not waited for."""


def facts_of(answer: Mapping[str, Any]) -> HostFacts:
    """What `host.describe` answered."""
    return HostFacts(**{**answer, "cpus": tuple(answer["cpus"])})
