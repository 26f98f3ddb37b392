"""Turns what a host sent into a run under results/: checked by the reader, whole from the first moment, never lost.

A run is written and checked in a directory that nobody takes for a run, and then renamed to its place.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import queue
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.ask_analysis import Answering, NoAnswerError
from bench.fleet.arrival.incoming import Incoming
from bench.fleet.arrival.placing import PlaceName, document_of, fingerprint_of, names_for, place_name, renamed
from bench.fleet.arrival.unpack import ArrivalError, RawFile, checked, unpack
from bench.fleet.records import Outcome
from bench.schema.json_text import shown
from bench.schema.visible import visible

# The reader ends a check by itself after a minute; on a busy machine it may take longer to begin.
_ANSWER_S = 150.0
_IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


class ReceiveError(Exception):
    """The run was not taken, and nothing of it is left. The text is one line: from where, and why."""


@dataclass(frozen=True)
class Placed:
    """Where a run lies; not `new`: the same run was there before."""

    path: Path
    new: bool


def place(outcome: Outcome, results: Path, machine: str | None = None) -> Path:
    """Place one run, as `Receiver.place` does; a `Receiver` is for several, since its readers start only once."""
    with Receiver(results, 1) as receiver:
        return receiver.place(outcome, machine).path


class Receiver:
    """Places runs under `results`. Several threads may do so: each uses one of `readers` processes for the check.

    Use it as a context manager. `left_over` is how many directories of killed receivers were removed at the start.
    Raises `ReceiveError` where `results` cannot be written.
    """

    def __init__(self, results: Path, readers: int | None = None) -> None:
        self._results = results
        self._idle: queue.LifoQueue[Answering | None] = queue.LifoQueue()  # None: to be started at first need
        for _ in range(readers or os.cpu_count() or 1):
            self._idle.put(None)
        self._asked: set[Answering] = set()
        self._is_given_up, self._lock = False, threading.Lock()
        try:
            self._incoming = Incoming(results)
        except OSError as error:
            text = f"{results}: cannot hold results ({error.strerror}); choose another directory with --results"
            raise ReceiveError(text) from None
        self.left_over = self._incoming.left_over

    def place(self, outcome: Outcome, machine: str | None = None) -> Placed:
        """Take the run of `outcome`. `machine` is a template (see `place_name`). Raises `ReceiveError`."""
        if not outcome.archive:
            raise _refused(outcome.host, outcome.error or "no run came back")
        if hashlib.sha256(outcome.archive).hexdigest() != outcome.digest:
            raise _refused(outcome.host, "damaged on its way (the digest differs); ask for it again")
        try:
            files = unpack(outcome.archive)
        except ArrivalError as error:
            raise _refused(outcome.host, str(error)) from None
        return self.place_files(outcome.host, files, machine)

    def place_files(
        self, host: str, files: Iterable[RawFile], machine: str | None = None, where: str | None = None
    ) -> Placed:
        """Take a run that is there as files; `where` is what it is called in messages. Raises `ReceiveError`."""
        folder = self._incoming.folder()
        try:
            whole = checked(files)
            document = document_of(whole)
            name = place_name(document, host, machine)
            kept = whole if name == PlaceName(document.machine, document.run) else renamed(whole, name)
            mark = fingerprint_of(kept)
            if (there := self._there(name, mark)) is not None:
                return Placed(there, False)
            directory = folder / name.machine / name.run
            _write(directory, kept)
            self._check(directory)
            return self._move(directory, kept, name, mark)
        except (ArrivalError, NoAnswerError) as error:
            raise _refused(where or host, str(error)) from None
        except OSError as error:
            text = f"cannot be written to {self._results} ({error.strerror}); nothing of it is there"
            raise _refused(where or host, text) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _check(self, directory: Path) -> None:
        """Raise `ArrivalError` with what the reader finds first, `NoAnswerError` where it came to no end."""
        with self._reader() as reader:
            answer = json.loads(reader.ask(json.dumps(str(directory.absolute())), _ANSWER_S))
        if findings := answer["findings"]:
            first, more = findings[0], len(findings) + answer["more"] - 1
            place = first["file"] if first["line"] is None else f"{first['file']}:{first['line']}"
            raise ArrivalError(f"{place}: {first['what']}" + (f" (findings more: {more})" if more else ""))

    @contextmanager
    def _reader(self) -> Iterator[Answering]:
        """A process that nobody else asks. One that was left in the middle of an answer is ended."""
        reader = self._idle.get()
        usable = False
        try:
            with self._lock:
                if self._is_given_up:
                    raise NoAnswerError("was given up")
                reader = reader or Answering("validate", "--received")
                self._asked.add(reader)
            yield reader
            usable = True
        except NoAnswerError as error:
            raise NoAnswerError(f"not taken, since the check of it {error}") from None
        finally:
            if reader:
                with self._lock:
                    self._asked.discard(reader)
                if not usable:
                    reader.close()
            self._idle.put(reader if usable else None)

    def _there(self, name: PlaceName, mark: str) -> Path | None:
        """Where the run with this fingerprint lies already."""
        targets = (self._results / wanted.machine / wanted.run for wanted in names_for(name, mark))
        return next((target for target in targets if target.is_dir() and fingerprint_of(target) == mark), None)

    def _move(self, directory: Path, files: Sequence[RawFile], name: PlaceName, mark: str) -> Placed:
        """Rename `directory` to its place, to another name where another run has that."""
        for wanted in names_for(name, mark):
            target = self._results / wanted.machine / wanted.run
            if wanted != name:
                _write(directory, [file for file in renamed(files, wanted) if file.name == "run.json"])
            target.parent.mkdir(exist_ok=True)
            try:
                os.rename(directory, target)
            except OSError as error:
                if error.errno not in _IN_THE_WAY:
                    with suppress(OSError):  # what other runs are in stays
                        target.parent.rmdir()
                    raise
            else:
                _sync(target.parent)
                return Placed(target, True)
            if fingerprint_of(target) == mark:
                return Placed(target, False)
        raise ArrivalError(f"{name.run}: {target} is in the way; move it")

    def give_up(self) -> None:
        """Refuse what other threads are placing, and all that comes: nobody waits for a check any more."""
        with self._lock:
            self._is_given_up = True
            for reader in self._asked:
                reader.kill()

    def close(self) -> None:
        """End the readers, and remove what is half there."""
        while not self._idle.empty():
            if reader := self._idle.get():
                reader.close()
        self._incoming.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refused(host: str, what: str) -> ReceiveError:
    return ReceiveError(visible(f"{host}: {shown(what)}"))


def _write(directory: Path, files: Iterable[RawFile]) -> None:
    """Write `files` so that they are on the disk before the run has its name."""
    for file in files:
        path = directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(file.content)
            stream.flush()
            os.fsync(stream.fileno())
    _sync(directory)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
