"""Turns the answers of a run into lines for a terminal: each question, and the first sentence of each of its lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TextIO

from analysis.answers import Answer
from analysis.answers.parts import UNTOLD
from analysis.text.terminal import TableConsole

WIDTH = 100
# A sentence ends where another begins: with a capital letter or with code.
_END = re.compile(r"(?<=[.])\s+(?=[A-Z`])")


def write_answers(answers: Sequence[Answer], stream: TextIO) -> None:
    """Write the answers that tell what to do, in the words of the report, no line wider than `WIDTH`.

    What a run cannot tell is for the report, which has the reason; here it is one line.
    """
    console = TableConsole(stream)
    untold = 0
    for answer in answers:
        told = [line for line in answer.lines if not line.startswith(UNTOLD)]
        untold += answer.decides and not told
        if answer.decides and told:
            console.say("")
            console.say(answer.question, "bold")
            for line in told:
                wrapped = textwrap.wrap(
                    first_sentence(line), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
                )
                for piece in wrapped:
                    console.say(piece)
    if untold:
        console.say("")
        console.say(f"{untold} more question{'s' * (untold > 1)} this run cannot tell; the report says what would.")


def first_sentence(line: str) -> str:
    """What a line of an answer says first: the answer itself. The sentences behind it have the reasons."""
    return _END.split(line, maxsplit=1)[0]
