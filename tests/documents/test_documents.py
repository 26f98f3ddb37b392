"""Holds that what the documents tell people to type and to open is there."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analysis import commands as analysis_commands
from bench import __main__ as bench_main
from bench import commands
from tests import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results/README.md", *sorted(ROOT.glob("docs/*.md"))]
# What a reader is to put in the place of; the commands are parsed, not run.
BLANKS = {"RUN...": "RUN", "…": ""}


def lines_to_type() -> Iterator[tuple[str, str]]:
    """Document and command, for every line of a shell block and every indented line that starts a program."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\\n", " ")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        typed = [line for block in blocks for line in block.splitlines()]
        typed += re.findall(r"^    ((?:python|make) .*)$", text, re.MULTILINE)
        for line in typed:
            command = line.split("  #")[0].strip()
            for blank, word in BLANKS.items():
                command = command.replace(blank, word)
            if re.match(r"(python -m (bench|analysis) |make )", command):
                yield document.name, command


def parse(add_options: Callable[[ArgumentParser], None], words: list[str]) -> None:
    """Take a command's words apart as the command itself would."""
    parser = ArgumentParser()
    add_options(parser)
    parser.parse_args(words)


@pytest.mark.parametrize(("document", "command"), sorted(set(lines_to_type())))
def test_what_the_documents_say_can_be_typed(document: str, command: str) -> None:
    """Every target of make exists, and the parsers take every command with its options."""
    words = shlex.split(command)
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words[1] in targets
    elif words[2] == "bench":
        assert words[3] in bench_main.COMMANDS
        if words[4:] != ["--help"]:
            parse(commands._COMMANDS[words[3]].add_options, words[4:])
    else:
        parse(analysis_commands._COMMANDS[words[3]].add_options, words[4:])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_the_documents_link_to_is_there(document: Path) -> None:
    """Every link that is no address leads to a file, and where it names a heading, to that."""
    text = document.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text) + re.findall(r'(?:src|href)="([^"#]*)#?([^"]*)"', text)
    for target, heading in linked:
        if "://" in target:
            continue
        file = document.parent / target if target else document
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings], heading
