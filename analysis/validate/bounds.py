"""Turns a check of unknown length into one that ends: after a time, and before the memory is full."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from analysis.errors import LoadError
from analysis.validate.finding import Finding, Findings

SECONDS = 60.0
# Beside what the program itself has taken by then, about 200 MB.
MEMORY_BYTES = 768 << 20
_PAGE_BYTES = resource.getpagesize()


class TooLongError(Exception):
    """The time is up."""


@contextmanager
def bounded(seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """Inside, `TooLongError` is raised after `seconds`, and `MemoryError` for more than `memory_bytes` more.

    Only in the main thread, which has the signal; the limit is one of address space, and only where /proc tells of it.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _address_space() + memory_bytes
    if most > memory_bytes and (soft == resource.RLIM_INFINITY or most < soft):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def findings_within(
    directory: Path, check: Callable[[Path, Findings], None], seconds: float = SECONDS, memory: int = MEMORY_BYTES
) -> list[Finding]:
    """All that `check` adds for the run in `directory`, and whether it came to its end."""
    findings = Findings(directory)
    try:
        with bounded(seconds, memory):
            check(directory, findings)
    except TooLongError:
        findings.add(".", None, f"not checked to the end within {seconds:g} s; a run that is published takes less")
    except MemoryError:
        findings.add(".", None, "not checked to the end: needs more than 1 GiB of memory; a run takes less")
    except RecursionError:
        findings.add(".", None, "not checked to the end: nested too deeply")
    except LoadError as error:
        findings.add_error(error, ".")
    return findings.all()


def _address_space() -> int:
    """What this process has mapped, in bytes; 0: not known."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * _PAGE_BYTES
    except (OSError, ValueError):
        return 0
