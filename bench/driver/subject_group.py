"""Starts many subjects side by side and ends them side by side. It ends a subject that fails, and keeps the reason."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bench.driver import process
from bench.driver.launch import Settings
from bench.driver.process import SET_UP_DEADLINE_S, Subject, SubjectError
from bench.driver.reaping import as_they_end


class SubjectGroup:
    """The subjects of a round, by the number of their cell.

    `failed` maps a subject that failed to the reason, `modules` each one to the number of modules that it has loaded.
    Each has `set_up_s` seconds from its start to get ready. Use it in a ``with``: its end ends all subjects, an
    exception ends them at once. `forced` counts those that had to be killed. `overhead_ns` is the wall time of
    starting and ending them.
    """

    def __init__(self, settings: Mapping[int, Settings], set_up_s: float = SET_UP_DEADLINE_S) -> None:
        self.failed: dict[int, str] = {}
        self.modules: dict[int, int] = {}
        self.started_ns: dict[int, int] = {}
        self.forced = 0
        self.overhead_ns = 0
        self._settings = settings
        self._set_up_s = set_up_s
        self._subjects: dict[int, Subject] = {}

    def __enter__(self) -> SubjectGroup:
        began = time.perf_counter_ns()
        try:
            self._start()
        except BaseException:
            self._kill_all()
            self._stop_all()
            raise
        self.overhead_ns += time.perf_counter_ns() - began
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        began = time.perf_counter_ns()
        if kind is not None:
            self._kill_all()
        self._stop_all()
        self.overhead_ns += time.perf_counter_ns() - began

    def __getitem__(self, number: int) -> Subject:
        return self._subjects[number]

    def alive(self) -> list[int]:
        """Numbers of the subjects that have not failed, in order."""
        return [number for number in self._subjects if number not in self.failed]

    def fail(self, number: int, text: str) -> None:
        """End this subject now, and leave no zombie of it to the others. `text` is the reason."""
        self.failed[number] = text
        if number in self._subjects:
            self._subjects[number].kill()
            self._subjects[number].stop()

    def _start(self) -> None:
        for number, settings in self._settings.items():
            self.started_ns[number] = time.perf_counter_ns()
            try:
                self._subjects[number] = Subject(settings)
            except SubjectError as error:
                self.fail(number, str(error))
        for number, subject in self._subjects.items():
            try:
                self.modules[number] = subject.ready(self._set_up_s)
            except SubjectError as error:
                self.fail(number, f"set-up: {error}")

    def _kill_all(self) -> None:
        for subject in self._subjects.values():
            subject.kill()

    def _stop_all(self) -> None:
        """Stop each as soon as it has ended: one that is slow leaves no zombies of the others."""
        for number in self.failed.keys() & self._subjects.keys():
            self._subjects[number].stop()  # again: an interrupt may have come into `fail`
        waiting = {self._subjects[number].pid: self._subjects[number] for number in self.alive()}
        for subject in waiting.values():
            subject.request_stop()
        give_up = time.monotonic() + process.STOP_TIMEOUT_S
        for pid in as_they_end(list(waiting), process.STOP_TIMEOUT_S):
            self.forced += waiting[pid].stop(max(0.0, give_up - time.monotonic()))
