"""Holds that one run at a time measures on a machine: measured together, both are wrong."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from bench.errors import UsageError

# An abstract name (man 7 unix): no file, no port, and the kernel forgets it when its owner ends, however that ends.
# It is seen in the network namespace, so by all users of a machine, but not by another container.
_NAME = "forkbench-run"
NAME_VARIABLE = "FORKBENCH_ONLY_RUN"
"""Another name: runs of unlike names know nothing of each other. For tests, which measure beside anything."""
_POLL_S = 0.2
VARIABLE = "FORKBENCH_WHEN_BUSY"


class WhenBusy(StrEnum):
    """What to do while another run measures."""

    REFUSE = "refuse"
    WAIT = "wait"
    IGNORE = "ignore"


def default() -> str:
    """What `--when-busy` is if it is not given."""
    return os.environ.get(VARIABLE, WhenBusy.REFUSE)


@contextmanager
def only_run(when_busy: str, say: Callable[[str], None]) -> Iterator[None]:
    """Be the only run on this machine inside the block. Raises `UsageError` where another one is, if so asked.

    A run that ignores others is seen by them all the same, but for one that begins beside another.
    """
    if when_busy not in list(WhenBusy):
        raise UsageError(f"--when-busy {when_busy}: must be {', '.join(WhenBusy)}")
    if sys.platform != "linux":
        yield
        return
    with socket.socket(socket.AF_UNIX) as name:
        told = False
        while not _taken(name) and when_busy != WhenBusy.IGNORE:
            owner = _owner()
            if when_busy == WhenBusy.REFUSE:
                raise UsageError(
                    f"another run{owner} measures on this machine, and measured together both are wrong: "
                    "wait for its end with --when-busy wait, or measure all the same with --when-busy ignore"
                )
            if not told:
                say(f"waiting: another run{owner} measures on this machine")
                told = True
            time.sleep(_POLL_S)
        yield


def _address() -> bytes:
    return b"\0" + (os.environ.get(NAME_VARIABLE) or _NAME).encode()


def _taken(name: socket.socket) -> bool:
    try:
        name.bind(_address())
    except OSError:
        return False
    name.listen(1)
    return True


def _owner() -> str:
    """The process that measures, in words; empty: it has just ended."""
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.settimeout(_POLL_S)
            other.connect(_address())
            pid = struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))[0]
        except OSError:
            return ""
    return f" (process {pid})"
