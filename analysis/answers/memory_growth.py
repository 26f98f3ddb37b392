"""Turns steps between parents of several sizes into the answer what memory of the parent adds."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.answers.parts import MEASURE_SIZES, cannot_tell
from analysis.model.memory_growth import GIB, Growth, Step, growth
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.units import known

MECHANISMS = ("os_fork", "posix_spawn", "subprocess_run")
PAGE_BYTES = 4096
# Over all sizes measured, as a share of the latency in the smallest parent; less is no growth.
LEAST_GROWTH = 0.001


def memory_growth(analysed: AnalysedRun) -> Iterator[str]:
    """What private memory adds to each mechanism that was measured in parents of several sizes."""
    measured = False
    for python in analysed.pythons:
        for mechanism in MECHANISMS:
            growth_of_mechanism = growth(analysed, python, mechanism)
            if growth_of_mechanism is not None:
                measured = True
                yield f"{analysed.python_prefix(python)}`{mechanism}`: {_growth_text(growth_of_mechanism)}"
    if not measured:
        yield cannot_tell(f"no mechanism was measured in parents of several sizes; {MEASURE_SIZES}")


def _growth_text(growth: Growth) -> str:
    overall = growth.overall
    slope = overall.slope
    if not known(slope.lo):
        return f"{slope.warnings[0]}."
    too_little = abs(slope.center) * overall.larger < LEAST_GROWTH * growth.smallest_parent_ns
    if slope.lo <= 0 <= slope.hi or too_little:
        most = units.time_text(max(abs(slope.lo), abs(slope.hi)) * GIB)
        return (
            f"this run shows no growth up to {units.bytes_text(overall.larger)}. "
            f"If there is any, it is below {most} for each GiB."
        )
    steps = [_step_text(step) for step in growth.steps if known(step.slope.lo)]
    listed = steps[0] if len(steps) == 1 else f"{', '.join(steps[:-1])}, and {steps[-1]}"
    last = growth.steps[-1].slope
    per_page = units.time_text(*(value * PAGE_BYTES for value in (last.center, last.lo, last.hi)))
    return (
        f"for each GiB of private memory {listed}. The last is {per_page} for each page of 4 KiB. "
        "Larger parents were not measured."
    )


def _step_text(step: Step) -> str:
    slope = step.slope
    added = units.time_text(*(value * GIB for value in (slope.center, slope.lo, slope.hi)))
    return f"{added} between {units.bytes_text(step.smaller)} and {units.bytes_text(step.larger)}"
