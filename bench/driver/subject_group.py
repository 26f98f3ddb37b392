"""Starts many subjects side by side and ends them side by side. It ends a subject that fails, and keeps the reason."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict

from bench.driver import dose
from bench.driver.guard import GUARD
from bench.driver.launch import Settings
from bench.driver.process import SET_UP_DEADLINE_S, Subject, SubjectError
from bench.driver.reaping import as_they_end, end_strays
from bench.driver.subject_team import SubjectTeam
from bench.schema.dose import Dose


class SubjectGroup:
    """The subjects of a round, by the number of their cell.

    `failed` maps a subject that failed to the reason, `modules` each one to the number of modules that it has loaded.
    `raised` says by how much the scenarios of a verified one raised each column of subjects.csv, `told` what it tells
    of its own state.
    Each has `set_up_s` seconds from its start to get ready. Use it in a ``with``: its end ends all subjects, an
    exception ends them at once. `forced` counts those that had to be killed. `overhead_ns` is the wall time of
    starting and ending them.
    """

    def __init__(self, settings: Mapping[int, Settings], set_up_s: float = SET_UP_DEADLINE_S) -> None:
        self.failed: dict[int, str] = {}
        self.modules: dict[int, int] = {}
        self.raised: dict[int, dict[str, int]] = {}
        self.told: dict[int, dict[str, int]] = {}
        self.started_ns: dict[int, int] = {}
        self.forced = 0
        self.overhead_ns = 0
        self.settings = settings
        self._set_up_s = set_up_s
        self._subjects: dict[int, Subject | SubjectTeam] = {}

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

    def __getitem__(self, number: int) -> Subject | SubjectTeam:
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
        for number, settings in self.settings.items():
            self.started_ns[number] = time.perf_counter_ns()
            try:
                self._subjects[number] = SubjectTeam(settings) if settings.at_once > 1 else Subject(settings)
            except SubjectError as error:
                self.fail(number, str(error))
        self._verify()
        for number in self.alive():
            subject = self._subjects[number]
            try:
                self.modules[number] = subject.ready(self._set_up_s)
            except SubjectError as error:
                self.fail(number, f"set-up: {error}")

    def _verify(self) -> None:
        """Read the doses of the subjects that wait for it, before and after their scenarios."""
        waiting = [number for number in self.alive() if self.settings[number].verified]
        before = {number: self._look(number) for number in waiting}
        for number in waiting:
            if number not in self.failed:
                after = self._look(number)
                both = after.keys() & before[number].keys()
                self.raised[number] = {name: after[name] - before[number][name] for name in both}

    def _look(self, number: int) -> dict[str, int]:
        """What subject `number` holds now, by the columns of subjects.csv; what cannot be read is not there."""
        subject, held = self._subjects[number], Dose()

        def look() -> None:
            nonlocal held
            held = dose.read(subject.pid)

        try:
            self.told[number] = subject.stage(self._set_up_s, look)
        except SubjectError as error:
            self.fail(number, f"set-up: {error}")
        return {name: value for name, value in asdict(held).items() if value is not None} | self.told.get(number, {})

    def _kill_all(self) -> None:
        for subject in self._subjects.values():
            subject.kill()

    def _stop_all(self) -> None:
        """Stop each as soon as it has ended: one that is slow leaves no zombies of the others."""
        for number in self.failed.keys() & self._subjects.keys():
            self._subjects[number].stop()  # again: an interrupt may have come into `fail`
        waiting = [member for number in self.alive() for member in self._subjects[number].members]
        for subject in waiting:
            subject.request_stop()
        for patience_s in sorted({subject.patience_s for subject in waiting}):
            self._stop_as_they_end([each for each in waiting if each.patience_s == patience_s], patience_s)
        if any(settings.program for settings in self.settings.values()):
            end_strays(GUARD.folder)

    def _stop_as_they_end(self, subjects: list[Subject], patience_s: float) -> None:
        by_pid = {subject.pid: subject for subject in subjects}
        give_up = time.monotonic() + patience_s
        for pid in as_they_end(list(by_pid), patience_s):
            self.forced += by_pid[pid].stop(max(0.0, give_up - time.monotonic()))
