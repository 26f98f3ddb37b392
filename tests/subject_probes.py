"""Scenarios that watch a mechanism from inside of a real subject, for tests only.

A subject finds this module by `Options.module_path`. It therefore keeps to the standard library. A child that
multiprocessing spawns imports it again: what it needs to know stands in the environment.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

_REAL_NOW = time.perf_counter_ns
_REAL_EXIT = os._exit
_LOOKS, _BETWEEN_S = 500, 0.01  # only a mechanism that is wrong waits so long


def child_waits_for_the_stamp(subject: Any, folder: str) -> None:
    """Let a child end well only if the parent stamps the end of the creating call while this child still lives.

    The parent's stamp makes the file ``stamped`` in `folder`. Every child waits for that file, and ends wrongly
    where it does not come.
    """
    os.environ.update(PROBE_PARENT=str(os.getpid()), PROBE_FOLDER=folder)
    time.perf_counter_ns = stamp
    os._exit = exit_after_the_stamp  # type: ignore[assignment]


def stamp() -> int:
    """The clock: as it is, but that it notes what the parent stamped, and lets nobody else stamp earlier."""
    begun, stamped = _file("begun"), _file("stamped")
    in_parent = os.getpid() == int(os.environ["PROBE_PARENT"]) and threading.current_thread() is threading.main_thread()
    if not in_parent:
        if os.path.exists(begun) and not _there(stamped):
            raise RuntimeError("the parent did not stamp while its child lived")
        return _REAL_NOW()
    value = _REAL_NOW()  # what a child stamps once the file is there is later than this
    if sys._getframe(1).f_code.co_name == "block":
        open(begun, "w").close()
    elif os.path.exists(begun):
        open(stamped, "w").close()
    return value


def exit_after_the_stamp(status: int) -> None:
    """The end of a forked child."""
    if os.path.exists(_file("begun")) and not _there(_file("stamped")):
        status = 1
    _REAL_EXIT(status)


def _file(name: str) -> str:
    return os.path.join(os.environ["PROBE_FOLDER"], name)


def _there(path: str) -> bool:
    for _ in range(_LOOKS):
        if os.path.exists(path):
            return True
        time.sleep(_BETWEEN_S)
    return False


def children_fail(subject: Any, level: str) -> None:
    """Let every child do its work wrongly: a forked one ends with 3, a called function raises, Python is `level`."""
    os.environ["PROBE_PARENT"] = str(os.getpid())
    subject.python = level
    time.perf_counter_ns = fail
    os._exit = lambda status: _REAL_EXIT(3)


def fail() -> int:
    """The clock: as it is in the parent's main thread, broken anywhere else."""
    if os.getpid() == int(os.environ["PROBE_PARENT"]) and threading.current_thread() is threading.main_thread():
        return _REAL_NOW()
    raise ValueError("no clock here")


def python_is(subject: Any, level: str) -> None:
    """Let the mechanism start the program `level` where it starts Python."""
    subject.python = level


def descriptor_9_is_inheritable(subject: Any, level: str) -> None:
    """Open descriptor 9 in the parent so that a child inherits it, unless the mechanism closes it."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 9, inheritable=True)


class _Unreadable:
    """An object that a pass over objects cannot take in hand: it ends the process in the way that it was given."""

    def __init__(self, way: str) -> None:
        self._way = way

    def __iter__(self) -> Any:
        if self._way == "killed":
            os.kill(os.getpid(), 9)
        raise ValueError("no objects here")


def unreadable_objects(subject: Any, way: str) -> None:
    """Give a parent objects that whoever reads them fails at: ``raises`` or ``killed``."""
    subject.objects.append(_Unreadable(way))
