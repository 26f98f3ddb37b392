"""Turns what a run says of its machine, interpreters and instrument into tables of a report, naming no path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.units import known

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
    about = analysed.run.document.get("certificate")
    if not about or not about.get("checks"):
        note = (
            "This run carries no certificate; `python -m bench selftest` measures the instrument's error on a machine."
        )
        return {"note": note, "columns": columns, "rows": []}
    checks = about["checks"]
    rows = [[*_check(check), "yes" if check["passed"] else "NO", nameless(check["text"])] for check in checks]
    failed = [str(check["name"]) for check in checks if not check["passed"]]
    note = f"The instrument measured itself with this run: all {len(checks)} checks passed."
    if failed:
        what = ", ".join(f"`{name}`" for name in failed)
        note = f"The instrument measured itself with this run: {len(failed)} of {len(checks)} checks failed ({what})."
    return {"note": note, "columns": columns, "rows": rows}


def _check(check: Mapping[str, Any]) -> list[str]:
    # What must not fall below its bound has a bound above a value that fails, or below one that passes.
    least = (check["value"] > check["bound"]) == bool(check["passed"]) and check["value"] != check["bound"]
    unit = "" if check["unit"] == "1" else f" {check['unit']}"
    value, bound = (f"{check[key]:.4g}{unit}" for key in ("value", "bound"))
    return [f"`{check['name']}`", value, f"at {'least' if least else 'most'} {bound}"]


def unfit(analysed: AnalysedRun) -> list[str]:
    """Why the machine was not fit to measure on; empty: it was."""
    return [nameless(line) for line in analysed.run.document.get("unfit") or []]


def machine(analysed: AnalysedRun) -> list[list[str]]:
    """Facts of the machine that bear on the figures, and what changed while the run lasted."""
    facts = analysed.run.document.get("machine_facts") or {}
    return [[name, _fact(key, facts[key])] for key, name in _FACTS.items() if facts.get(key) is not None] + list(
        _changes(analysed.run.document)
    )


def _fact(key: str, value: Any) -> str:
    return units.bytes_text(value) if key.endswith("_bytes") else nameless(value)


def _changes(document: Mapping[str, Any]) -> Iterator[list[str]]:
    before, after = document.get("before") or {}, document.get("after") or {}
    if known(before.get("load_1min")) and known(after.get("load_1min")):
        yield ["load before and after", f"{before['load_1min']:g} and {after['load_1min']:g}"]
    ticks = [name for name in before if name.endswith("_ticks") and known(after.get(name))]
    spent = {name: after[name] - before[name] for name in ticks}
    if "steal_ticks" in spent and sum(spent.values()) > 0:
        yield ["time stolen by the hypervisor", units.percent_text(max(0, spent["steal_ticks"]) / sum(spent.values()))]
    cpus = document.get("cpus") or {}
    if known(cpus.get("subject")):
        controller = f", controller on CPU {cpus['controller']}" if known(cpus.get("controller")) else ""
        yield ["pinning", f"measured processes on CPU {cpus['subject']}{controller}"]


def interpreters(analysed: AnalysedRun) -> dict[str, Any]:
    """One row for each interpreter, with the facts that at least one of them has."""
    facts = analysed.run.document.get("pythons") or {}
    shown = [name for name in _PYTHON_FACTS if any(about.get(name) is not None for about in facts.values())]
    rows = [[label, *(_plain(about.get(name)) for name in shown)] for label, about in facts.items()]
    return {"columns": ["label", *(name.replace("_", " ") for name in shown)], "rows": rows}


def _plain(value: Any) -> str:
    if value is None:
        return units.MISSING
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else nameless(value)
