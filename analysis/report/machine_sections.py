"""Turns what a run says of its machine, interpreters and instrument into tables of a report, naming no path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from bench.schema import CheckState, Direction, RunDocument
from bench.schema.run_document import Check, Fact

# What stands under these is the same everywhere and names nobody.
_COMMON = ("/bin/", "/usr/bin/", "/proc/", "/sys/", "/dev/")
_PATH = re.compile(r"(?<![\w./~])(?:~|[A-Za-z]:)?(?:[/\\][\w.+@~-]+)+[/\\]?")
_FACTS = {
    "cpu_model_name": "CPU",
    "cpu_count": "CPUs",
    "cpus_allowed": "CPUs that may be used",
    "smt": "simultaneous multithreading",
    "governor": "frequency governor",
    "mem_total_bytes": "memory",
    "page_bytes": "page size",
    "thp": "transparent huge pages",
    "overcommit_memory": "overcommit of memory",
    "kernel": "kernel",
    "distribution": "distribution",
    "libc": "C library",
    "virtualisation": "virtualisation",
    "container": "container",
    "clocksource": "clock source",
}
_PYTHON_FACTS = ("version", "implementation", "compiler", "shared_library", "debug", "free_threaded", "site_modules")


def nameless(text: object) -> str:
    """`text` with every path but those that all machines share cut down to its last part: ``…/python3``."""

    def shorten(match: re.Match[str]) -> str:
        path = match[0]
        last = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
        return path if path.startswith(_COMMON) else f"…/{last}"

    return " ".join(_PATH.sub(shorten, str(text)).split())


def certificate(analysed: AnalysedRun) -> dict[str, Any]:
    """The instrument's own error as it was measured with the run."""
    columns = ["check", "value", "bound", "passed", "what it is"]
    made = analysed.run.document.certificate
    if made is None or not made.checks:
        note = (
            "This run carries no certificate; `python -m bench selftest` measures the instrument's error on a machine."
        )
        return {"note": note, "columns": columns, "rows": []}
    rows = [_check_row(check) for check in made.checks]
    failed = ", ".join(f"`{check.name}`" for check in made.checks if check.state is CheckState.FAILED)
    unseen = ", ".join(f"`{check.name}`" for check in made.checks if check.state is CheckState.NOT_MEASURED)
    note = f"The instrument measured itself with this run: all {len(made.checks)} checks passed."
    if failed or unseen:
        count = sum(not check.passed for check in made.checks)
        parts = [f"{failed} failed"] if failed else []
        parts += [f"{unseen} could not be measured"] if unseen else []
        note = (
            f"The instrument measured itself with this run: {count} of {len(made.checks)} checks did not pass "
            f"({'; '.join(parts)})."
        )
    return {"note": note, "columns": columns, "rows": rows}


def _check_row(check: Check) -> list[str]:
    unit = "" if check.unit == "1" else f" {check.unit}"
    value = units.MISSING if check.value is None else f"{check.value:.4g}{unit}"
    side = {Direction.AT_MOST: "at most", Direction.AT_LEAST: "at least"}[check.direction]
    passed = {CheckState.PASSED: "yes", CheckState.FAILED: "NO", CheckState.NOT_MEASURED: "not measured"}[check.state]
    return [f"`{check.name}`", value, f"{side} {check.bound:.4g}{unit}", passed, nameless(check.text)]


def unfit(analysed: AnalysedRun) -> list[str]:
    """Why the machine was not fit to measure on; empty: it was."""
    return [nameless(line) for line in analysed.run.document.unfit]


def machine(analysed: AnalysedRun) -> list[list[str]]:
    """Facts of the machine that bear on the figures, and what changed while the run lasted."""
    facts = analysed.run.document.machine_facts
    rows = [[name, _fact(key, facts[key])] for key, name in _FACTS.items() if facts.get(key) is not None]
    return [*rows, *_changes(analysed.run.document)]


def _fact(key: str, value: Any) -> str:
    return units.bytes_text(value) if key.endswith("_bytes") else nameless(value)


def _changes(document: RunDocument) -> Iterator[list[str]]:
    before, after = _numbers(document.before), _numbers(document.after)
    if "load_1min" in before and "load_1min" in after:
        yield ["load before and after", f"{before['load_1min']:g} and {after['load_1min']:g}"]
    spent = {name: after[name] - before[name] for name in before if name.endswith("_ticks") and name in after}
    if "steal_ticks" in spent and sum(spent.values()) > 0:
        yield ["time stolen by the hypervisor", units.percent_text(max(0, spent["steal_ticks"]) / sum(spent.values()))]
    if document.cpus.subject is not None:
        controller = "" if document.cpus.controller is None else f", controller on CPU {document.cpus.controller}"
        yield ["pinning", f"measured processes on CPU {document.cpus.subject}{controller}"]


def _numbers(state: Mapping[str, Fact] | None) -> dict[str, float]:
    """The numbers among the facts of a moment."""
    return {name: float(value) for name, value in (state or {}).items() if isinstance(value, int | float)}


def interpreters(analysed: AnalysedRun) -> dict[str, Any]:
    """One row for each interpreter, with the facts that at least one of them has."""
    pythons = analysed.run.document.pythons
    names = [name for name in _PYTHON_FACTS if any(getattr(facts, name) is not None for facts in pythons.values())]
    rows = [[label, *(_plain(getattr(facts, name)) for name in names)] for label, facts in pythons.items()]
    return {"columns": ["label", *(name.replace("_", " ") for name in names)], "rows": rows}


def _plain(value: Any) -> str:
    if value is None:
        return units.MISSING
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else nameless(value)
