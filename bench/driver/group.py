"""Starts many subjects side by side and ends them side by side; one that fails is ended, and named with its reason."""

from __future__ import annotations

import time
from collections.abc import Mapping

from bench.driver.process import SET_UP_DEADLINE_S, Settings, Subject, SubjectError


class Together:
    """The subjects of a round by number. `failed` has the reason for each that did, `modules` what each has loaded.

    Use it in a ``with``: all are ended when it is left, at once if by an exception; `forced` is how many that took
    force. `overhead_ns` is the wall time of starting and ending them.
    """

    def __init__(self, wanted: Mapping[int, Settings]) -> None:
        self.failed: dict[int, str] = {}
        self.modules: dict[int, int] = {}
        self.started_ns: dict[int, int] = {}
        self.forced = 0
        self.overhead_ns = 0
        self._wanted = wanted
        self._subjects: dict[int, Subject] = {}

    def __enter__(self) -> Together:
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
        """Numbers of those that have not failed, in order."""
        return [number for number in self._subjects if number not in self.failed]

    def fail(self, number: int, text: str) -> None:
        """End this one now; `text` is the reason."""
        self.failed[number] = text
        if number in self._subjects:
            self._subjects[number].kill()

    def _start(self) -> None:
        for number, settings in self._wanted.items():
            self.started_ns[number] = time.perf_counter_ns()
            try:
                self._subjects[number] = Subject(settings)
            except SubjectError as error:
                self.fail(number, str(error))
        for number, subject in self._subjects.items():
            try:
                self.modules[number] = subject.ready(SET_UP_DEADLINE_S)
            except SubjectError as error:
                self.fail(number, f"set-up: {error}")

    def _kill_all(self) -> None:
        for subject in self._subjects.values():
            subject.kill()

    def _stop_all(self) -> None:
        for subject in self._subjects.values():
            subject.request_stop()
        self.forced += sum(subject.stop() for subject in self._subjects.values())
