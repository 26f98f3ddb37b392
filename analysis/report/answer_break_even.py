"""Turns parents of several sizes into the answer from which size on starting a program is faster."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.model.memory_growth import break_even_size, cells_of_several_sizes
from analysis.report.answer_parts import MEASURE_SIZES, cannot_tell
from analysis.stats.interval import Estimate
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import latency_text
from analysis.text.units import known

FORK, PROGRAM = "os_fork", "subprocess_run"


def break_even(analysed: AnalysedRun) -> Iterator[str]:
    """The size of the parent from which starting a program takes less time than forking."""
    measured = False
    for python in analysed.pythons:
        size = break_even_size(analysed, python, FORK, PROGRAM)
        if size is not None:
            measured = True
            text = cannot_tell(size.warnings[0]) if size.warnings else _size_text(analysed, python, size)
            yield f"{analysed.python_prefix(python)}{text}"
    if measured:
        yield (
            "The two do unlike work: after `os_fork` the same program goes on, "
            "while `subprocess_run` starts another program."
        )
    else:
        yield cannot_tell(f"the two were not both measured in parents of several sizes; {MEASURE_SIZES}")


def _size_text(analysed: AnalysedRun, python: str, size: Estimate) -> str:
    cells = cells_of_several_sizes(analysed)
    cells = cells[(cells["python"] == python) & cells["mechanism"].isin([FORK, PROGRAM])]
    largest_parents = cells.groupby("mechanism").tail(1).set_index("mechanism").to_dict("index")
    largest_dose = min(float(row["dose"]) for row in largest_parents.values())
    latencies = " and ".join(f"`{name}` took {latency_text(largest_parents[name])}" for name in (FORK, PROGRAM))
    in_largest = f"In the largest parent measured ({units.bytes_text(largest_dose)}), {latencies}."
    if size.center == 0:
        return f"At every size, as far as this run shows. {in_largest}"
    if not known(size.center):
        return f"At no size that was measured. {in_largest}"
    if not known(size.hi):
        least = f"at least {units.bytes_text(size.lo)}"
        return f"From about {units.bytes_text(size.center)} of resident memory on, {least}. {in_largest}"
    return f"From {units.bytes_text(size.center, size.lo, size.hi)} of resident memory on. {in_largest}"
