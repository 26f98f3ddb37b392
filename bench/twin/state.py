"""Turns the number of a process into what the kernel says of it: mappings, dose and name. The process is only read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import UsageError
from bench.schema.dose import Dose, MappingDose, dose_of, read_mappings, status_fields


@dataclass(frozen=True)
class State:
    """What a process is: its name (the kernel's ``comm``), its mappings, and their sums."""

    name: str
    mappings: Sequence[MappingDose]
    dose: Dose


def parse_pid(text: str) -> int:
    """The number in `text`. Raises `UsageError`."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:19]) < 1 << 31):
        raise UsageError(f"--pid {text}: must be the number of a process, as `ps` prints it")
    return int(text)


def read_state(pid: int) -> State:
    """The state of process `pid` now. Raises `UsageError` for one that is gone, ended, the kernel's or not readable."""
    try:
        status = status_fields(_lines(pid, "status"))
        smaps = _lines(pid, "smaps")
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        raise UsageError(f"process {pid}: may not be read; run this as its user, or as root") from None
    except (FileNotFoundError, ProcessLookupError):
        what = "there is no such process" if os.path.isdir("/proc/self") else "there is no /proc here: this needs Linux"
        raise UsageError(f"process {pid}: {what}") from None
    except OSError as error:
        raise UsageError(f"process {pid}: cannot be read ({error.strerror})") from None
    if status.get("State", "").startswith(("Z", "X")):
        raise UsageError(f"process {pid}: has ended, only its exit status is left; name one that runs")
    if "VmSize" not in status or not smaps:
        raise UsageError(f"process {pid}: has no memory of its own (a thread of the kernel); name a program")
    return State(status.get("Name", ""), read_mappings(smaps), dose_of(smaps, status, files))


def _lines(pid: int, name: str) -> list[str]:
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as lines:
        return list(lines)
