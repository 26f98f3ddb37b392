"""Turns words of a command line that mean nothing into one line that names the nearest word that does."""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from bench.schema.visible import visible

# Of forkbench, as in pyproject.toml; every run tells it.
VERSION = "0.1.0"
# Ratio of difflib, of 0 to 1: `os_frok` is 0.86 of `os_fork`, `rnu` 0.67 of `run`, `moon` 0.36 of `module`.
_LIKE = 0.6
_CHOICE = re.compile(r"argument (?P<name>\S+): invalid choice: (?P<word>.*) \(choose from (?P<choices>.*)\)", re.DOTALL)
_KIND = re.compile(r"argument (?P<name>\S+): invalid (?P<kind>\w+) value: (?P<word>.*)", re.DOTALL)
_KINDS = {"int": "a whole number", "float": "a number"}


def near(word: str, names: Iterable[str]) -> str:
    """What stands behind "no such …": ``, the nearest is NAME``, or nothing where no name is like `word`."""
    by_small = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), by_small, 1, _LIKE)
    return f", the nearest is {by_small[found[0]]}" if found else ""


class OptionParser(ArgumentParser):
    """A parser that says in one line what is wrong, and ends the process with status 2."""

    def read(self, words: Sequence[str]) -> Namespace:
        """The options in `words`; a word that nothing takes is answered with the nearest option."""
        found, unknown = self.parse_known_args(words)
        if unknown:
            self.error(self._unknown(unknown))
        return found

    def error(self, message: str) -> NoReturn:
        """Print the line and end."""
        program = self.prog.removeprefix("python -m ")
        self.exit(2, visible(f"{program}: error: {self._plain(message)}") + "\n")

    def has(self, option: str) -> bool:
        """Whether it has `option`, as in ``--results``."""
        return option in self._option_string_actions

    def candidates(self, words: Sequence[str], named: Mapping[str, Callable[[], Iterable[str]]]) -> list[str]:
        """What the last of `words` may become. `named` has the names that there are, by the option that takes one."""
        *before, last = words or [""]
        action = self._option_string_actions.get(before[-1]) if before else None
        found: Iterable[str] = ()
        if action is not None and action.nargs != 0:
            found = action.choices or named.get(action.dest, list)()
        elif last.startswith("-"):
            found = self._option_string_actions
        else:
            for positional in self._get_positional_actions():
                found = [*found, *(positional.choices or named.get(positional.dest, list)())]
        return [text for text in found if text.startswith(last)]

    def _unknown(self, words: list[str]) -> str:
        word = next((word for word in words if word.startswith("-")), words[0])
        if not word.startswith("-"):
            return f"{word}: not expected here; --help shows what is"
        name = word.partition("=")[0]
        return f"{name}: no such option{near(name, self._option_string_actions)}; --help shows them all"

    def _plain(self, message: str) -> str:
        """What argparse says, in the words of this project; a message of another kind as it is."""
        if match := _CHOICE.match(message):
            choices = [choice.strip().strip("'") for choice in match["choices"].split(",")]
            word = match["word"].strip("'")
            return f"{match['name']} {word}: no such choice{near(word, choices)}; there is {', '.join(choices)}"
        if match := _KIND.match(message):
            wanted = _KINDS.get(match["kind"], f"a {match['kind']}")
            return f"{match['name']} {match['word'].strip(chr(39))}: not {wanted}"
        if message.startswith("the following arguments are required: "):
            return f"{message.partition(': ')[2]}: missing; --help shows how it is used"
        if match := re.match(r"argument (\S+): expected (?:one|at least one) argument$", message):
            return f"{match[1]}: needs a value; --help shows of what kind"
        return f"{' '.join(message.removeprefix('argument ').split())}"
