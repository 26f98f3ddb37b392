"""Turns the examples of docs/forking.md into tests: what the page shows is what they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests import ROOT

PAGE = ROOT / "docs" / "forking.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the examples fork"),
    pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="one example reads /proc"),
]


class Example(NamedTuple):
    """Something to run and the text that the page shows for it."""

    code: str
    shown: str


def blocks() -> list[tuple[str, str]]:
    """All fenced blocks of the page: language and text."""
    return FENCE.findall(PAGE.read_text(encoding="utf-8"))


def programs() -> list[Example]:
    """Every python block with the text block that follows it."""
    found = blocks()
    return [
        Example(text, after if kind == "text" else "")
        for (language, text), (kind, after) in zip(found, [*found[1:], ("", "")], strict=True)
        if language == "python"
    ]


def commands() -> list[Example]:
    """Every console block: the command after the prompt and the lines below it."""
    return [
        Example(first.removeprefix("$ "), shown)
        for language, text in blocks()
        if language == "console"
        for first, _, shown in [text.partition("\n")]
    ]


def run(command: list[str]) -> str:
    """Standard output, in a pipe, of `command`, which must end with 0."""
    # Without PYTHONUNBUFFERED, which would leave no buffer to speak of.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "PY": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_pids(text: str) -> list[str]:
    """The lines without their process ids, in an order that does not depend on who spoke first."""
    return sorted(re.sub(r"\b(pid|my parent is|returned|reaped) [1-9]\d*", r"\1 N", text).splitlines())


def test_the_page_has_examples() -> None:
    """The page's examples are found, and each program is followed by what it prints."""
    assert len(programs()) == 6
    assert all(example.shown for example in programs())
    assert len(commands()) == 2


@pytest.mark.parametrize("example", programs(), ids=range(1, len(programs()) + 1))
def test_a_program_prints_what_the_page_shows(example: Example) -> None:
    """Each program, copied from the page, prints the text below it in a pipe."""
    assert run([sys.executable, "-c", example.code]) == example.shown


@pytest.mark.parametrize("example", commands(), ids=lambda example: example.code)
def test_a_command_prints_what_the_page_shows(example: Example) -> None:
    """Each command prints the lines below it, but for the process ids and for who spoke first."""
    out = run(["sh", "-c", 'python() { "$PY" "$@"; }\n' + example.code])
    assert without_pids(out) == without_pids(example.shown)
