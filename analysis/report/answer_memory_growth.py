"""Turns lines through parents of several sizes into the answer what memory of the parent adds."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.model.memory_growth import GIB, Growth, growth
from analysis.report.answer_parts import MEASURE_SIZES, cannot_tell
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
    slope = growth.slope
    if not known(slope.lo):
        return f"{slope.warnings[0]}."
    too_little = abs(slope.center) * growth.largest_dose < LEAST_GROWTH * growth.smallest_parent_ns
    if slope.lo <= 0 <= slope.hi or too_little:
        most = units.time_text(max(abs(slope.lo), abs(slope.hi)) * GIB)
        return f"this run shows no growth. If there is any, it is below {most} for each GiB."
    per_gib, per_page = (
        units.time_text(slope.center * size, slope.lo * size, slope.hi * size) for size in (GIB, PAGE_BYTES)
    )
    extended = " The line is extended beyond these sizes to 1 GiB." if growth.largest_dose < GIB else ""
    return (
        f"{per_gib} for each GiB of private memory, which is {per_page} for each page of 4 KiB. "
        f"Both figures come from a line through parents of {growth.size_count} sizes, up to "
        f"{units.bytes_text(growth.largest_dose)}.{extended} "
        f"The line misses none of their medians by more than {100 * growth.largest_misfit:.2g} %."
    )
