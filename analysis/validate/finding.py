"""Turns what is wrong with a contributed run into findings: file, line, and what, in one line each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from bench.schema.json_text import shown
from bench.schema.visible import visible

# A file in which every line is wrong must not fill the memory, nor a reader's screen.
MOST_OF_FILE = 1000
_PLACE = re.compile(r"^(?::(?P<line>\d+))?:? (?P<what>.*)$", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `file` within the run (``.``: its directory), its `line` where there is one, and what.

    All texts are safe to show on a terminal; an output escapes its own syntax.
    """

    file: str
    line: int | None
    what: str

    @property
    def place(self) -> str:
        """``file:line``, or the file alone."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass
class Findings:
    """What was found in one run so far, each once; of a file no more than `MOST_OF_FILE`, the rest is counted."""

    directory: Path
    found: dict[Finding, None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, file: str, line: int | None, what: str) -> None:
        """Keep one more; `what` may hold text that somebody else wrote."""
        finding = Finding(visible(shown(file)), line, _one_line(what))
        if finding in self.found:
            return
        count = self.counts.get(file, 0)
        self.counts[file] = count + 1
        if count < MOST_OF_FILE:
            self.found[finding] = None

    def add_error(self, error: Exception, file: str) -> None:
        """Keep what a reader says; its text begins with the path and perhaps the line, `file` is for one without."""
        text = str(error)
        inside = text.removeprefix(f"{self.directory}/")
        if inside != text:
            name, _, _ = inside.partition(":")
            if place := _PLACE.match(inside[len(name) :]):
                self.add(name, int(place["line"]) if place["line"] else None, place["what"])
                return
        self.add(file, None, text.removeprefix(f"{self.directory}: "))

    def all(self) -> list[Finding]:
        """All findings in the order of files and lines, and how many were left out."""
        rest = [
            Finding(visible(shown(file)), None, f"{count - MOST_OF_FILE} findings more")
            for file, count in self.counts.items()
            if count > MOST_OF_FILE
        ]
        return [*sorted(self.found, key=lambda one: (one.file, one.line or 0)), *rest]

    def __bool__(self) -> bool:
        return bool(self.found)


def _one_line(text: str) -> str:
    line = visible(" ".join(text.encode("utf-8", "backslashreplace").decode().split()))
    return line if len(line) <= 500 else f"{line[:499]}…"
