"""The words that stand in the files of a run, each kind an enumeration."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a block measures: the mechanism, or the C control in the same subject."""

    MECHANISM = "mechanism"
    CONTROL = "control"


class SubjectStatus(StrEnum):
    """How a subject ended."""

    OK = "ok"
    ERROR = "error"


class RunStatus(StrEnum):
    """Whether a run came to its end."""

    COMPLETE = "complete"
    PARTIAL = "partial"


class Work(StrEnum):
    """What the child of a mechanism does. Only rows of one work are ranked together."""

    CONTROL = "control"
    BASELINE = "baseline"
    FORK = "fork"
    EXEC = "exec"
    PYTHON_START = "python_start"
    PYTHON_CALL = "python_call"
    REUSE = "reuse"
    FIRST_WRITE = "first_write"
    WORKERS = "workers"
    KNOWN = "known"
    IMPORTED = "imported"


class Path(StrEnum):
    """The system call family that a mechanism was seen to use."""

    FORK = "fork"
    VFORK = "vfork"
    POSIX_SPAWN = "posix_spawn"
    THREAD = "thread"
    NONE = "none"


class Direction(StrEnum):
    """On which side of its bound a check of the certificate passes."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


class CheckState(StrEnum):
    """How a check of the certificate ended. One that could not be measured does not pass."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MEASURED = "not_measured"


def state_name(scenario: str, level: str) -> str:
    """A parent's state as it is written behind --scenario: ``rss=64MiB``, or ``rss=64MiB+threads=8`` for a combination.

    `scenario` and `level` are the columns of cells.csv; those of a combination are joined by ``+``.
    """
    names, levels = scenario.split("+"), level.split("+")
    if len(names) != len(levels):  # a level may hold a plus itself
        return f"{scenario}={level}"
    return "+".join(f"{name}={part}" for name, part in zip(names, levels, strict=True))


# The mechanisms that most answers rest on, in the order in which they are shown.
CORE = ("os_fork", "posix_spawn", "subprocess_run", "mp_forkserver", "mp_spawn")
