"""Turns a model of cost into text: tables for the terminal, Markdown or CSV, and JSON, which is also its file."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from typing import TextIO

import msgspec

from analysis.model import terms
from analysis.model.checks import Check
from analysis.model.cost_model import CostModel, Price
from analysis.model.published import agrees, beside
from analysis.text import markdown
from analysis.text.spreadsheet import text_cell
from analysis.text.terminal import TableConsole, left_out, shown
from analysis.text.units import percent_text, time_text

HEAD = ("what", "a fork in C", "Python's share", "published")
CHECK_HEAD = ("not in the fit", "of", "predicted", "measured", "error")
CSV_HEAD = ("part", "term", "ns", "lo_ns", "hi_ns", "least", "most")


def to_json(model: CostModel) -> str:
    """The model as the file model.json has it."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1).decode() + "\n"


def write(model: CostModel, form: str, stream: TextIO) -> None:
    """Write the model in one of the `FORMATS`."""
    if form == "json":
        stream.write(to_json(model))
    elif form == "csv":
        stream.write(_csv(model))
    elif form == "markdown":
        parts = [f"**{markdown.escape(heading(model))}**", "", markdown.table(HEAD, _escaped(rows(model)), left=[0, 3])]
        checks = check_rows(model)
        parts += ["", markdown.table(CHECK_HEAD, _escaped(checks), left=[0, 1])] if checks else []
        stream.write("\n".join([*parts, "", *(f"{markdown.escape(line)}  " for line in notes(model))]) + "\n")
    else:
        _write_tables(model, stream)


def heading(model: CostModel) -> str:
    """What was fitted, in a line."""
    rounds = f"{model.rounds} round{'' if model.rounds == 1 else 's'}"
    return f"What a fork costs: {model.run} on {model.machine}, Python {model.python}, {rounds}"


def rows(model: CostModel) -> list[tuple[str, ...]]:
    """The texts under `HEAD`, a row a term; a thread with all that it brings comes last."""
    control, share = ({price.term: price for price in prices} for prices in (model.control, model.share))
    found: list[tuple[str, ...]] = [
        (term.one, _price_text(control.get(key)), _price_text(share.get(key)), _published_text(control.get(key)))
        for key, term in terms.TERMS.items()
        if key in control or key in share
    ]
    if model.thread_ns is not None:
        found.append(("idle thread with its mappings", time_text(model.thread_ns), "", ""))
    return found


def check_rows(model: CostModel) -> list[tuple[str, ...]]:
    """The texts under `CHECK_HEAD` of parents that were held out."""
    return [
        (check.name, check.part, time_text(check.predicted_ns), time_text(check.measured_ns), f"{check.error:+.1%}")
        for check in model.checks
        if check.kind == "held out"
    ]


def notes(model: CostModel) -> list[str]:
    """How good the model is, where others disagree, and what the run lacks; one line each."""
    found = []
    for part, error in (("control", model.control_error), ("os_fork", model.os_fork_error)):
        checks = [check for check in model.checks if check.part == part]
        if checks and error is not None:
            found.append(f"{part}: {_checks_text(checks)}; 95 % of new parents lie within a factor of {_factor(error)}")
    for price in model.control:
        for one in beside(price):
            if agrees(one, price) is False:
                found.append(
                    f"{terms.TERMS[price.term].one}: published as {time_text(one.ns)} ({one.source}); the "
                    f"interval here, {time_text(price.lo_ns)} to {time_text(price.hi_ns)}, does not hold it"
                )
    if any(price.lo_ns is None for price in model.control):
        found.append("an interval needs at least 6 rounds; measure longer (--budget)")
    if not any(check.kind == "held out" for check in model.checks):
        found.append("nothing to check it on: add --scenario rss=64MiB+threads=8")
    return [*found, *model.missing]


def _checks_text(checks: Sequence[Check]) -> str:
    texts = []
    for kind, what in (("held out", "parents held out"), ("left out", "parents left out of the fit in turn")):
        sizes = [abs(check.error) for check in checks if check.kind == kind]
        if sizes:
            median, worst = percent_text(statistics.median(sizes)), percent_text(max(sizes))
            texts.append(f"{len(sizes)} {what} are off by {median} at the median, {worst} at worst")
    return ", ".join(texts)


def _factor(error: float) -> str:
    return f"{math.exp(error):.2f}"


def _price_text(price: Price | None) -> str:
    return time_text(price.ns, price.lo_ns, price.hi_ns) if price else ""


def _published_text(price: Price | None) -> str:
    if price is None:
        return ""
    words = {True: "agrees", False: "differs", None: ""}
    return ", ".join(f"{time_text(one.ns)} {words[agrees(one, price)]}".strip() for one in beside(price))


def _escaped(table: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[markdown.escape_all(text) for text in row] for row in table]


def _csv(model: CostModel) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for part, prices in (("control", model.control), ("share", model.share)):
        writer.writerows(
            (part, text_cell(one.term), one.ns, one.lo_ns, one.hi_ns, one.least, one.most) for one in prices
        )
    return text.getvalue()


def _write_tables(model: CostModel, stream: TextIO) -> None:
    console = TableConsole(stream)
    console.say(heading(model), "bold")
    for head, left, body in ((HEAD, (HEAD[0], HEAD[3]), rows(model)), (CHECK_HEAD, CHECK_HEAD[:2], check_rows(model))):
        if not body:
            continue
        table = console.table(head, left)
        for row in body:
            table.add_row(*(shown(text) for text in row))
        # What is published, and whether it agrees, stands in the notes too.
        if dropped := console.print_fitting(table, [name for name in (HEAD[3],) if name in head]):
            console.say(left_out(dropped), "dim")
    for line in notes(model):
        console.say(line)
