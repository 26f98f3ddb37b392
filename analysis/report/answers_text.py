"""Turns the answers of a run into lines for a terminal, and into what the run tells and what it cannot tell."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Protocol, TextIO

from analysis.answers import Answer
from analysis.answers.parts import UNTOLD
from analysis.text.terminal import TableConsole

WIDTH = 100
# A sentence ends where another begins: with a capital letter or with code.
_END = re.compile(r"(?<=[.])\s+(?=[A-Z`])")
_UNTOLD = re.compile(rf"(Python [^:]+: )?{UNTOLD}(: )?")


class Answered(Protocol):
    """A question with the lines of its answer, as they were made or read back."""

    @property
    def question(self) -> str:
        """The question."""

    @property
    def lines(self) -> Sequence[str]:
        """What the run says to it, and what it cannot say."""


def write_answers(answers: Sequence[Answer], stream: TextIO) -> None:
    """Write the answers that tell what to do, in the words of the report, no line wider than `WIDTH`.

    What a run cannot tell is for the report, which has the reason; here it is one line.
    """
    console = TableConsole(stream)
    untold = 0
    for answer in answers:
        lines = [line for line in answer.lines if not _UNTOLD.match(line)]
        untold += answer.decides and not lines
        if answer.decides and lines:
            console.say("")
            console.say(answer.question, "bold")
            for line in lines:
                wrapped = textwrap.wrap(
                    first_sentence(line), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
                )
                for piece in wrapped:
                    console.say(piece)
    if untold:
        console.say("")
        console.say(f"{untold} more question{'s' * (untold > 1)} this run cannot tell; the report says what would.")


def told(answers: Sequence[Answered]) -> list[Answer]:
    """The questions that a run answers, each with the lines that answer it."""
    shown = [(each.question, tuple(line for line in each.lines if not _UNTOLD.match(line))) for each in answers]
    return [Answer(question, lines) for question, lines in shown if lines]


def untold(answers: Sequence[Answered]) -> list[Answer]:
    """The questions that a run does not answer, or not for all, each with the reasons."""
    reasons = [(each.question, tuple(_reason(line) for line in each.lines if _UNTOLD.match(line))) for each in answers]
    return [Answer(question, lines) for question, lines in reasons if lines]


def _reason(line: str) -> str:
    """A line without the words that stand above all of them: a reason alone, or else the whole line."""
    found = _UNTOLD.match(line)
    if not found or not found[2]:
        return line
    reason = line[found.end() :]
    return (found[1] or "") + reason[:1].upper() + reason[1:]


def first_sentence(line: str) -> str:
    """What a line of an answer says first: the answer itself. The sentences behind it have the reasons."""
    return _END.split(line, maxsplit=1)[0]
