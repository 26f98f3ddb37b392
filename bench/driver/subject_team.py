"""Turns several subjects that work at the same time into what looks like one: asked together, answering together."""

from __future__ import annotations

import array
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import TypeVar

from bench.driver.launch import Settings
from bench.driver.process import Block, Subject, SubjectError, Usage

Answer = TypeVar("Answer")
# All are asked before the first begins: each takes some 20 us, and the one asked first may take the controller's CPU.
_LEAD_NS, _LEAD_EACH_NS = 2_000_000, 200_000


class SubjectTeam:
    """`Settings.at_once` subjects of one cell, with the methods of `Subject`. Where one fails, all have failed.

    Its process id, dose and path are those of the first: all are set up alike. Use it in a ``with``.
    """

    def __init__(self, settings: Settings) -> None:
        self._members: list[Subject] = []
        try:
            for _ in range(settings.at_once):
                self._members.append(Subject(settings))
        except BaseException:
            self.kill()
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id of the first subject."""
        return self._members[0].pid

    @property
    def members(self) -> list[Subject]:
        """The subjects that it is made of."""
        return self._members

    def age_ns(self) -> int:
        """Nanoseconds since the start of the first."""
        return self._members[0].age_ns()

    def stage(self, deadline_s: float, look: Callable[[], None]) -> dict[str, int]:
        """As `Subject.stage`: `look` at the first when all have come as far, and return what it tells.

        Raises `SubjectError`.
        """
        first, *others = self._members
        self._of_all(others, lambda member: member.stage(deadline_s, _no_look))
        return self._of_all([first], lambda member: member.stage(deadline_s, look))[0]

    def ready(self, deadline_s: float) -> int:
        """Wait until all are set up, and return the modules of the first. Raises `SubjectError`."""
        return self._of_all(self._members, lambda member: member.ready(deadline_s))[0]

    def block(self, role: str, calls: int, deadline_s: float) -> Block:
        """Have each make `calls` calls of `role` from the same moment on, and return all. Raises `SubjectError`."""
        begin_ns = time.perf_counter_ns() + _LEAD_NS + _LEAD_EACH_NS * len(self._members)
        self._of_all(self._members, lambda member: member.ask(role, calls, deadline_s, begin_ns))
        return merged(self._of_all(self._members, Subject.answer))

    def observe_path(self, deadline_s: float) -> str:
        """The path of the first (see `Subject.observe_path`). Raises `SubjectError`."""
        return self._members[0].observe_path(deadline_s)

    def request_stop(self) -> None:
        """Ask all to end, and do not wait."""
        for member in self._members:
            member.request_stop()

    def stop(self, patience_s: float | None = None) -> bool:
        """End all and every process that they started, each by force after so long. Return whether that took force."""
        self.request_stop()
        return (
            sum(member.stop(patience_s) for member in self._members) > 0
        )  # any() would not end those behind the first

    def kill(self) -> None:
        """End all, and their whole process groups, at once."""
        for member in self._members:
            member.kill()

    def __enter__(self) -> SubjectTeam:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _of_all(self, members: Sequence[Subject], ask: Callable[[Subject], Answer]) -> list[Answer]:
        """What each says. An error says which of them it was; whoever hears of it ends all."""
        answers = []
        for member in members:
            try:
                answers.append(ask(member))
            except SubjectError as error:
                number = self._members.index(member) + 1
                raise SubjectError(f"subject {number} of {len(self._members)}: {error}") from None
        return answers


def merged(blocks: Sequence[Block]) -> Block:
    """The blocks of several subjects as one, from the first begin to the last end; calls stand subject by subject."""
    stamps = array.array("q")
    for block in blocks:
        stamps.extend(block.stamps)
    used = [astuple(block.usage) for block in blocks if block.usage is not None]
    usage = Usage(*map(sum, zip(*used, strict=True))) if len(used) == len(blocks) else None
    begin_ns, end_ns = min(block.begin_ns for block in blocks), max(block.end_ns for block in blocks)
    return Block(begin_ns, end_ns, usage, stamps, len(blocks))


def _no_look() -> None:
    pass
