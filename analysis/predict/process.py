"""Turns a pid into the dose of that process, read from /proc without stopping or tracing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from analysis.errors import LoadError
from analysis.model.terms import COLUMNS, HANDLERS, Numbers
from bench.schema.dose import dose_of, status_fields
from bench.schema.visible import visible

PROC = Path("/proc")
# Compiled modules of the standard library that only modules load which also load the one named behind them (CPython's
# Lib/: subprocess.py, queue.py, asyncio, multiprocessing, random.py), and packages that log or lock. Who speaks TLS
# logs too: requests, urllib3 and aiohttp import logging, which imports threading.
_TELLING = (
    (
        "threading",
        r"/(_posixsubprocess|_queue|_asyncio|_multiprocessing|_ssl)\.|/numpy/random/|/(pandas|scipy|matplotlib)/",
    ),
    ("random", r"/_random\."),
)
# Libraries that start threads of their own, which no Python knows of.
_OWN_THREADS = r"openblas|libmkl|libgomp|libomp|libblis"
_PYTHON = r"/(lib)?python[0-9.]*[^/]*$|\.cpython-"


@dataclass(frozen=True)
class Process:
    """A process as /proc tells it: `dose` by the columns of subjects.csv.

    `handlers` are the at-fork handlers that its mapped files give away; others may be loaded. Those of a pure Python
    module leave no trace.
    """

    pid: int
    name: str
    dose: Mapping[str, int]
    handlers: frozenset[str]
    is_python: bool

    def doses(self, handlers: frozenset[str] | None = None) -> dict[str, Numbers]:
        """As a table of one row for the terms; `handlers`: taken for loaded instead of those seen."""
        loaded = self.handlers if handlers is None else handlers
        values = dict.fromkeys(COLUMNS, 0) | dict(self.dose) | {f"handlers_{name}": name in loaded for name in HANDLERS}
        return {name: np.array([values[name]], dtype=np.float64) for name in COLUMNS}


def read_process(pid: str, proc: Path = PROC) -> Process:
    """The process `pid`. Raises `LoadError`, one line: no number, none such, may not be read, has no memory."""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", pid):
        raise LoadError(f"--pid {visible(pid)}: not the number of a process; see them with: ps -e")
    if not (proc / "self").exists():
        raise LoadError(f"--pid {pid}: no {proc} here; processes can be read on Linux only")
    folder = proc / pid
    try:
        return _read(int(pid), folder)
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        raise LoadError(f"--pid {pid}: no such process, or it has just ended; see them with: ps -e") from None
    except PermissionError:
        raise LoadError(f"--pid {pid}: may not be read; run this as its user or as root") from None
    except OSError as error:
        raise LoadError(f"--pid {pid}: cannot be read ({error.strerror or error}); try again") from None


def _read(pid: int, folder: Path) -> Process:
    status = status_fields((folder / "status").read_text(encoding="utf-8", errors="replace").splitlines())
    name = visible(status.get("Name", "?"))
    if status.get("State", "").startswith(("Z", "X")):
        raise LoadError(f"--pid {pid}: {name} has ended and waits to be reaped (a zombie); it cannot fork")
    if status.get("Kthread") == "1" or "VmSize" not in status:
        raise LoadError(f"--pid {pid}: {name} is a thread of the kernel; it has no memory of its own to fork")
    if status.get("Tgid", str(pid)) != str(pid):
        raise LoadError(f"--pid {pid}: is a thread of process {status['Tgid']}; name that one")
    with (folder / "smaps").open(encoding="utf-8", errors="replace") as stream:
        smaps = list(stream)
    fds = sum(1 for _ in (folder / "fd").iterdir())
    known = {key: value for key, value in asdict(dose_of(smaps, status, fds)).items() if value is not None}
    if not known.get("vmas"):
        raise LoadError(f"--pid {pid}: no such process, or it has just ended; see them with: ps -e")
    files = "\n".join(sorted({line.split(None, 5)[5].strip() for line in smaps if _names_file(line)}))
    return Process(pid, name, known, _handlers(files, known.get("threads", 1)), _is_python(files))


def _names_file(line: str) -> bool:
    """Whether a line of smaps heads a mapping of a file."""
    words = line.split(None, 5)
    return len(words) == 6 and "-" in words[0] and words[5].startswith("/")


def _handlers(files: str, threads: int) -> frozenset[str]:
    seen = {name for name, pattern in _TELLING if re.search(pattern, files)}
    if threads > 1 and not re.search(_OWN_THREADS, files):
        seen.add("threading")
    return frozenset(seen)


def _is_python(files: str) -> bool:
    return any(re.search(_PYTHON, file) for file in files.splitlines())
