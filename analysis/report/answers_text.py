"""Turns the answers of a run into lines for a terminal: each question, and the first sentence of each of its lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TextIO

from analysis.answers import Answer
from analysis.text.terminal import TableConsole

WIDTH = 100
# A sentence ends where another begins: with a capital letter or with code.
_END = re.compile(r"(?<=[.])\s+(?=[A-Z`])")


def write_answers(answers: Sequence[Answer], stream: TextIO) -> None:
    """Write the answers that tell what to do, in the words of the report, no line wider than `WIDTH`."""
    console = TableConsole(stream)
    for answer in answers:
        if answer.decides:
            console.say("")
            console.say(answer.question, "bold")
            for line in answer.lines:
                wrapped = textwrap.wrap(
                    first_sentence(line), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
                )
                for piece in wrapped:
                    console.say(piece)


def first_sentence(line: str) -> str:
    """What a line of an answer says first: the answer itself. The sentences behind it have the reasons."""
    return _END.split(line, maxsplit=1)[0]
