"""Turns a results directory into a place beside its runs where new ones are made; what was left there goes."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

# Runs are two levels below results; what lies deeper is nobody's run until it is renamed.
FOLDER = ".incoming"


class Incoming:
    """A directory of this process below ``results/.incoming``; the system's lock on it ends with the process.

    What others left there, whose lock is gone, is removed. Raises `OSError`.
    """

    def __init__(self, results: Path) -> None:
        self._above = results / FOLDER
        self._numbers = itertools.count()
        self.left_over = self._remove_left_over()
        while True:
            self._above.mkdir(parents=True, exist_ok=True)
            try:
                self._own = Path(tempfile.mkdtemp(dir=self._above))
                self._lock = _locked(self._own)
            except FileNotFoundError:  # another process ended and took the empty directory with it
                continue
            if self._lock is not None and self._own.is_dir():
                return
            self._unlock()

    def folder(self) -> Path:
        """A new name in it; nothing is there yet."""
        return self._own / str(next(self._numbers))

    def close(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self._own, ignore_errors=True)
        self._unlock()
        with suppress(OSError):  # of another process
            self._above.rmdir()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _remove_left_over(self) -> int:
        """How many directories of processes that were killed there were."""
        count = 0
        for path in self._above.iterdir() if self._above.is_dir() else ():
            with suppress(OSError):
                lock = _locked(path)
                if lock is not None:
                    shutil.rmtree(path, ignore_errors=True)
                    os.close(lock)
                    count += 1
        return count


def _locked(directory: Path) -> int | None:
    """The descriptor that holds the lock on `directory`; ``None``: somebody else has it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
