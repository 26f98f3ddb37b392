"""Turns a run into its report's templates, filled, without drawing a figure."""

from __future__ import annotations

from pathlib import Path

from analysis import figures
from analysis.figures import Picture
from analysis.read.run import load_run
from analysis.report import write
from analysis.summary.analysed_run import AnalysedRun

CHECKS = [
    {"name": name, "value": value, "unit": unit, "bound": bound, "direction": direction, "state": state, "text": text}
    for name, value, unit, bound, direction, state, text in (
        ("observer_effect", 1.01, "1", 1.03, "at_most", "passed", "over a loop"),
        ("timer_cost", 66, "ns", 1000.0, "at_most", "passed", "one reading"),
        ("share_in_calls", 0.49, "1", 0.65, "at_least", "failed", "of wall time"),
        ("known_delay_error", None, "1", 0.01, "at_most", "not_measured", "could not be measured: no fork"),
        ("processes_left", 0, "processes", 0, "at_most", "passed", "still there"),
    )
]
"""Of the certificate, one in each state."""


def context(run: Path) -> dict[str, object]:
    """What a report of a run shows, without drawing its figures."""
    analysed = AnalysedRun(load_run(run))
    return write.context(
        analysed, [Picture(kind.name, kind.title, reason="not drawn here") for kind in figures.kinds()]
    )


def render(run: Path, name: str = "report.md") -> str:
    """One of the two files of a report."""
    return write.environment().get_template(f"{name}.j2").render(context(run))
