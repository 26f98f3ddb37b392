"""Turns parents of several sizes into the answer from which size on another way takes less time than a fork."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.answers.parts import MEASURE_SIZES, UNTOLD, cannot_tell, rows_with_interval
from analysis.model.memory_growth import break_even_size, cells_of_several_sizes
from analysis.stats.interval import Estimate
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import RANKED, latency_text
from analysis.text.units import known

FORK = "os_fork"
# What does something for its caller that a fork is made for; a thread is the one without a process.
ALTERNATIVES = (*(work for work in RANKED if work != "fork"), "baseline")
NO_ALTERNATIVE = "noop"


def break_even(analysed: AnalysedRun) -> Iterator[str]:
    """The size of the parent from which each other way takes less time than forking; all hold together."""
    cells = _cells(analysed)
    forks = set(cells.loc[cells["mechanism"] == FORK, "python"])
    others = cells[cells["python"].isin(forks) & (cells["mechanism"] != FORK)]
    pairs = list(others[["python", "mechanism"]].drop_duplicates().itertuples(index=False, name=None))
    if not pairs:
        yield cannot_tell(
            f"`os_fork` and another way were not both measured in parents of several sizes; {MEASURE_SIZES}"
        )
        return
    told = False
    for python, other in pairs:
        size = break_even_size(analysed, python, FORK, other, comparisons=len(pairs))
        if size is None:
            text = f"{UNTOLD} of `{other}`: it shares no round with `{FORK}`."
        elif size.warnings:
            text = f"{UNTOLD} of `{other}`: {size.warnings[0]} (a larger `--budget` gives more)."
        else:
            text = _size_text(cells[cells["python"] == python], other, size)
            told = True
        yield f"{analysed.python_prefix(python)}{text}"
    if not told:  # then the terminal has nothing to show of this question
        return
    yield (
        "The two of each line do different work: after `os_fork` the same program goes on with all that it has loaded, "
        "while another way starts another program, another Python, or no process at all."
    )


def _cells(analysed: AnalysedRun) -> pd.DataFrame:
    """The cells of several sizes of `os_fork` and of what may take its place, by interpreter, mechanism and size."""
    cells = rows_with_interval(cells_of_several_sizes(analysed))
    candidate = cells["work"].isin(ALTERNATIVES) & (cells["mechanism"] != NO_ALTERNATIVE)
    return cells[candidate | (cells["mechanism"] == FORK)]


def _size_text(cells: pd.DataFrame, other: str, size: Estimate) -> str:
    """Sentences on one other way; the first is what to do, and up to which size that was measured."""
    both = cells[cells["mechanism"].isin([FORK, other])]
    largest_parents = both.groupby("mechanism").tail(1).set_index("mechanism").to_dict("index")
    largest = units.bytes_text(min(float(row["dose"]) for row in largest_parents.values()))
    latencies = " and ".join(f"`{name}` took {latency_text(largest_parents[name])}" for name in (FORK, other))
    in_largest = f"In the largest parent measured, {latencies}."
    return f"{_advice(other, size, largest)} {in_largest}"


def _advice(other: str, size: Estimate, largest: str) -> str:
    """What to do, in a sentence, as far as the whole interval of `size` says so; 0: every size, infinite: none."""
    reach = f"that was measured, up to {largest}"
    if size.lo == 0 and size.hi > 0 and (size.center == 0 or not known(size.hi)):
        most = f" only from {units.bytes_text(size.hi)} of resident memory on" if known(size.hi) else " at none"
        return f"{UNTOLD} of `{other}`: it takes less time at every size {reach}, or{most}."
    if size.center == 0:
        return f"Use `{other}` at every size {reach}."
    if not known(size.lo):
        return f"Keep `{FORK}`, not `{other}`, at every size {reach}."
    if not known(size.center):
        return f"Keep `{FORK}`, not `{other}`, up to {units.bytes_text(size.lo)}; beyond, {UNTOLD.lower()}."
    if not known(size.hi):
        at = f"about {units.bytes_text(size.center)} (at least {units.bytes_text(size.lo)})"
    else:
        at = units.bytes_text(size.center, size.lo, size.hi)
    return f"Use `{other}` from {at} of resident memory on, as measured up to {largest}."
