"""Turns the report that came with a run into what takes long to make: table of decisions, answers, figures' findings.

It is read back from report.md as plain text, so that a page shows it by the templates that the report was made with,
and no markup of a stranger gets into one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.report.decisions import COLUMNS, NOTES, Decision
from analysis.text.units import MISSING

MOST_LINES = 400
_WHY = "The answers below have the intervals."
_NOT_DRAWN = "Not drawn: "


@dataclass
class Answer:
    """A question and the lines of its answer; code stands between backticks."""

    question: str
    lines: list[str] = field(default_factory=list)


@dataclass
class StoredReport:
    """What report.md says; `findings` are sentences by the name of their figure, `reasons` by the title of theirs."""

    decisions: list[Decision] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    findings: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def stored_report(markdown: str) -> StoredReport:
    """What the report in `markdown` says; what is not as `analysis report` writes it is left out."""
    report = StoredReport()
    rows: list[list[str]] = []
    parser = _parser()
    # Most of a report is tables that nobody asks for here, and to parse them takes most of the time.
    for heading, text in _sections(markdown):
        if heading == "At a glance":
            rows = [row for row in _rows(parser.parse(text)) if len(row) == len(COLUMNS)][1:]
        elif heading == "Answers":
            report.answers = list(_answers(parser.parse(text)))
        elif heading == "Figures":
            report.findings, report.reasons = _findings(parser.parse(text))
    told = report.answers[0].lines if report.answers else []
    report.decisions = [_decision(row, told) for row in rows]
    return report


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _decision(row: Sequence[str], told: Sequence[str]) -> Decision:
    """A row as `Decision.cells` has it, with the lines of the first answer that speak of what it says to use."""
    told_task, use, takes, as_good, others, changes = row
    task, _, note = told_task.rpartition(": ")
    kind = next((kind for kind, text in NOTES.items() if text == note), "")
    return Decision(
        kind=kind,
        task=task if kind else told_task,
        note=note if kind else "",
        use=use,
        takes=takes,
        as_good=as_good,
        others=others,
        changes=() if changes == MISSING else tuple(changes.split("; ")),
        why=tuple([line for line in told if use and f"use {use}" in line] or [_WHY]),
    )


def _sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Heading and content of every section of the second level, whose heading stands alone in its line."""
    _, *parts = re.split(r"^## (.*)$", markdown, flags=re.MULTILINE)
    yield from zip(parts[::2], parts[1::2], strict=True)


def _rows(tokens: Sequence[Token]) -> Iterator[list[str]]:
    """The rows of the first table, its head among them."""
    row: list[str] = []
    for here, token in enumerate(tokens):
        if token.type == "tr_open":
            row = []
        elif token.type in ("th_open", "td_open"):
            row.append(_text(tokens[here + 1].children or []))
        elif token.type == "tr_close":
            yield row
        elif token.type == "table_close":
            return


def _answers(tokens: Sequence[Token]) -> Iterator[Answer]:
    """Questions stand in bold, the lines of each in a list below it."""
    answer: Answer | None = None
    depth = count = 0
    for token in tokens:
        depth += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        if token.type != "inline" or count >= MOST_LINES:
            continue
        count += 1
        if depth and answer:
            answer.lines.append(_text(token.children or []))
        elif not depth and token.children and any(child.type == "strong_open" for child in token.children):
            if answer:
                yield answer
            answer = Answer(_text(token.children))
    if answer:
        yield answer


def _findings(tokens: Sequence[Token]) -> tuple[dict[str, str], dict[str, str]]:
    """What stands below the title of each figure: a picture and what it shows, or why it was not drawn."""
    findings: dict[str, str] = {}
    reasons: dict[str, str] = {}
    name = title = ""
    for before, token in zip([None, *tokens], tokens, strict=False):
        children = token.children or []
        pictures = [child for child in children if child.type == "image"]
        if before is not None and before.type == "heading_open":
            title, name = _text(children), ""
        elif pictures:
            name = str(pictures[0].attrGet("src") or "").removesuffix(".png")
        elif name and token.type == "inline":
            ends = [place for place, child in enumerate(children) if child.type == "link_open"]
            findings[name] = _text(children[: ends[0]] if ends else children).removesuffix(" (")
            name = ""
        elif token.type == "inline" and (told := _text(children)).startswith(_NOT_DRAWN):
            reasons.setdefault(title, told.removeprefix(_NOT_DRAWN).removesuffix("."))
    return findings, reasons


def _text(tokens: Sequence[Token]) -> str:
    """The text of a line, with code between backticks."""
    parts = []
    for token in tokens:
        if token.type == "code_inline":
            parts.append(f"`{token.content}`")
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append(_text(token.children or []))
        else:
            parts.append(token.content)
    return "".join(parts).strip()
