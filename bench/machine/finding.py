"""Holds the result of one check of the machine, and turns results into lines of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for figures that are measured now."""

    OK = "ok"
    NOTE = "note"  # they have a limit, which a reader has to know
    UNFIT = "unfit"  # none of them can be trusted


@dataclass(frozen=True)
class Finding:
    """The result of one check; only one that is `Level.OK` has no remedy."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """A finding that needs nothing to be done."""
    return Finding(name, Level.OK, text)


def note(name: str, text: str, remedy: str) -> Finding:
    """A finding that a reader of the figures has to know."""
    return Finding(name, Level.NOTE, text, remedy)


def unfit(name: str, text: str, remedy: str) -> Finding:
    """A finding that has to be put right before anything is measured."""
    return Finding(name, Level.UNFIT, text, remedy)


def unfit_lines(findings: Iterable[Finding]) -> list[str]:
    """One line, with the remedy, for each finding that makes the machine unfit."""
    return [f"{finding.name}: {finding.text}; {finding.remedy}" for finding in findings if finding.level is Level.UNFIT]


def lines(findings: Iterable[Finding]) -> list[str]:
    """The findings as text, each with its remedy below."""
    text: list[str] = []
    for finding in findings:
        text.append(f"{finding.level:<6}{finding.name}: {finding.text}")
        if finding.remedy:
            text.append(f"      -> {finding.remedy}")
    return text
