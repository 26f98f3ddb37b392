"""Gives the subjects of a run a temporary directory, and a watcher that ends them if this process cannot.

A subject that is killed leaves what it made in its temporary directory, as the sockets of multiprocessing. Here it is
a directory of its own, which goes when the run does. A lock on it, which ends with this process, tells the next run
whether somebody still uses it: a process id alone would not do where containers share a directory.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.driver.reaping import ended_within
from bench.errors import UsageError

# Short, since the path of a socket has at most 108 bytes (unix(7); macOS: 104). `mkdtemp` adds 8 characters: the length
# of TMPDIR is part of the size of the environment, and so of the cost of every exec, and has to be the same every time.
_PREFIX = "fbtmp-"
_NAME = re.compile(_PREFIX + "[a-z0-9_]{8}")
_WATCHER = Path(__file__).parent / "watcher.py"
# A watcher without subjects ends at once. One that does not is stopped or broken.
_PATIENCE_S = 10.0


class Guard:
    """What watches over the subjects now; `folder` is their temporary directory, `pid` the watcher's (0: none)."""

    def __init__(self) -> None:
        self.folder = ""
        self.pid = 0
        self._pipe = -1

    def began(self, group: int) -> None:
        """Tell the watcher of the process group of a new subject."""
        self._tell(f"+{group}\n")

    def ended(self, group: int) -> None:
        """Tell the watcher that no process of this group is left."""
        self._tell(f"-{group}\n")

    def hold(self, texts: Mapping[str, str]) -> None:
        """Write files, by name, that subjects find in their temporary directory. Raises `UsageError`."""
        try:
            for name, text in texts.items():
                Path(self.folder, name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.folder}: cannot be written ({error.strerror}); set TMPDIR to another") from None

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # somebody ended or stopped the watcher: the run goes on without it
            if self._pipe >= 0:
                os.write(self._pipe, line.encode())

    @contextmanager
    def on_watch(self) -> Iterator[None]:
        """Watch over the subjects that start inside the block. Raises `UsageError` where that is not possible.

        The watcher inherits the CPUs of this process, so pin it before.
        """
        if os.name != "posix":
            yield
            return
        try:
            remove_abandoned(Path(tempfile.gettempdir()))
            folder, lock = _new_folder()
        except OSError as error:
            raise UsageError(f"no temporary directory can be made ({error.strerror}); set TMPDIR to another") from None
        try:
            watcher = _start_watcher(folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            raise UsageError(f"no process can be started ({error.strerror}); end others, or raise the limit") from None
        assert watcher.stdin is not None
        os.set_blocking(watcher.stdin.fileno(), False)  # a stopped watcher must not hold a run
        self.folder, self.pid, self._pipe = folder, watcher.pid, watcher.stdin.fileno()
        try:
            yield
        finally:
            self.folder, self.pid, self._pipe = "", 0, -1
            watcher.stdin.close()
            if not ended_within(watcher, _PATIENCE_S):
                watcher.kill()
            watcher.wait()
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


GUARD = Guard()


def remove_abandoned(parent: Path) -> None:
    """Remove the temporary directories in `parent` whose run was killed: this user's, by this name, not locked."""
    with suppress(OSError):
        for entry in list(os.scandir(parent)):
            if _NAME.fullmatch(entry.name):
                _remove_unlocked(entry)


def _remove_unlocked(entry: os.DirEntry[str]) -> None:
    with suppress(OSError):
        if entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return
        lock = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)  # an error for a file or a link
        try:
            _lock(lock)
            shutil.rmtree(entry.path, ignore_errors=True)
        finally:
            os.close(lock)


def _new_folder() -> tuple[str, int]:
    """A new temporary directory and the descriptor that locks it."""
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another run removed it before it was locked
            continue
        try:
            _lock(lock)
        except BlockingIOError:  # another run is about to
            os.close(lock)
            continue
        except OSError:  # a file system without locks, where no other run gets one either
            pass
        if os.path.isdir(folder):
            return folder, lock
        os.close(lock)


def _lock(descriptor: int) -> None:
    """Raises `BlockingIOError` where another process has the lock, another `OSError` where there are none."""
    import fcntl  # not on Windows

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _start_watcher(folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_WATCHER), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
