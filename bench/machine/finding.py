"""Holds what a look at the machine found, and turns findings into lines of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "unfit"]


@dataclass(frozen=True)
class Finding:
    """One finding: ``unfit`` means that no figure measured now can be trusted, ``note`` that it has a limit."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(name, "ok", text)


def note(name: str, text: str, remedy: str) -> Finding:
    """To be known when figures are read."""
    return Finding(name, "note", text, remedy)


def unfit(name: str, text: str, remedy: str) -> Finding:
    """To be put right before anything is measured."""
    return Finding(name, "unfit", text, remedy)


def unfit_lines(findings: Iterable[Finding]) -> list[str]:
    """One line for each finding that makes the machine unfit, its remedy included."""
    return [f"{one.name}: {one.text}; {one.remedy}" for one in findings if one.level == "unfit"]


def lines(findings: Iterable[Finding]) -> list[str]:
    """The findings as text, the remedy of each below it."""
    text: list[str] = []
    for one in findings:
        text.append(f"{one.level:<6}{one.name}: {one.text}")
        if one.remedy:
            text.append(f"      -> {one.remedy}")
    return text
