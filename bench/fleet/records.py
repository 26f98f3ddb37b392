"""Holds what passes between the controller and a host as plain records. A host sends their fields as a dict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How a job ended on its host."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Interrupted or killed: the rounds until then came back."""
    FAILED = "failed"
    """There is no run; `Outcome.error` says why."""


@dataclass(frozen=True)
class HostFacts:
    """What a host says of itself. `identity` tells hosts apart, `boot` machines: hosts of one boot share CPUs."""

    identity: str
    boot: str
    name: str
    cpus: tuple[int, ...]
    python: str
    distributed: str


@dataclass(frozen=True)
class SentFile:
    """A user's file; `name` is ``NUMBER/NAME``, with a number for each directory."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Job:
    """One run to be made on a host. `words` are options of `bench run`; `budget_s` is what the run takes, in seconds.

    The same `id` stands for the same run, however often it is asked for. `words` name `files` with `PLACE` of
    `bench.fleet.host.sent_files` for their directory.
    """

    id: str
    suite: str
    words: tuple[str, ...]
    budget_s: float
    files: tuple[SentFile, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a job left: `archive` is a tar of the run's files with the hex SHA-256 `digest`; both empty: no run."""

    job: str
    host: str
    ending: Ending
    error: str = ""
    run: str = ""
    archive: bytes = b""
    digest: str = ""
    seconds: float = 0.0
