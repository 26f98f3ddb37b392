"""Turns lines through parents of several sizes into answers: what memory adds, and when not to fork any more."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.model import memory_growth
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import latency_text
from analysis.text.units import known

SIZED = ("os_fork", "posix_spawn", "subprocess_run")
MEASURE_SIZES = (
    "`python -m bench run --mechanism os_fork --mechanism subprocess_run --scenario rss=0,64MiB,512MiB` does so"
)
PAGE = 4096
# Over all sizes measured, as a share of the latency in the smallest parent; less is no growth.
LEAST_GROWTH = 0.001


def cannot_tell(reason: str) -> str:
    """The line that stands where an answer would."""
    return f"This run cannot tell: {reason}."


def memory(analysed: AnalysedRun) -> Iterator[str]:
    """What private memory adds to each mechanism that was measured in parents of several sizes."""
    found = False
    for python in analysed.pythons:
        for name in SIZED:
            grown = memory_growth.growth(analysed, python, name)
            if grown is not None:
                found = True
                yield f"{analysed.python_prefix(python)}{_grown(name, grown)}"
    if not found:
        yield cannot_tell(f"no mechanism was measured in parents of several sizes; {MEASURE_SIZES}")


def _grown(name: str, grown: memory_growth.Growth) -> str:
    lo, center, hi = (value * memory_growth.GIB for value in (grown.slope.lo, grown.slope.center, grown.slope.hi))
    if not known(lo):
        return f"`{name}`: {grown.slope.warnings[0]}."
    little = abs(grown.slope.center) * grown.reach < LEAST_GROWTH * grown.base
    if lo <= 0 <= hi or little:
        most = units.time_text(max(abs(lo), abs(hi)))
        return f"`{name}`: no growth shown; if there is any, it is below {most} for each GiB."
    page = units.time_text(*(value * PAGE for value in (grown.slope.center, grown.slope.lo, grown.slope.hi)))
    beyond = " (extended beyond them)" if grown.reach < memory_growth.GIB else ""
    return (
        f"`{name}`: {units.time_text(center, lo, hi)} for each GiB of private memory, {page} a page of 4 KiB, by a "
        f"line through parents of {grown.sizes} sizes up to {units.bytes_text(grown.reach)}{beyond}; "
        f"the line misses none of their medians by more than {100 * grown.misfit:.2g} %."
    )


def crossing(analysed: AnalysedRun) -> Iterator[str]:
    """From which size of the parent on starting a program takes less time than forking."""
    found = False
    for python in analysed.pythons:
        at = memory_growth.crossing(analysed, python, "os_fork", "subprocess_run")
        if at is not None:
            found = True
            if at.warnings:
                yield f"{analysed.python_prefix(python)}{cannot_tell(at.warnings[0])}"
            else:
                yield f"{analysed.python_prefix(python)}{_crossed(analysed, python, at.lo, at.center, at.hi)}"
    if found:
        yield "They do unlike work: after `os_fork` the same program goes on, `subprocess_run` starts another one."
    else:
        yield cannot_tell(f"the two were not both measured in parents of several sizes; {MEASURE_SIZES}")


def _crossed(analysed: AnalysedRun, python: str, lo: float, center: float, hi: float) -> str:
    largest = memory_growth.points(analysed)
    largest = largest[(largest["python"] == python) & largest["mechanism"].isin(["os_fork", "subprocess_run"])]
    ends = largest.groupby("mechanism").tail(1).set_index("mechanism").to_dict("index")
    reach = min(float(end["dose"]) for end in ends.values())
    both = " and ".join(f"`{name}` took {latency_text(ends[name])}" for name in ("os_fork", "subprocess_run"))
    seen = f"In the largest parent measured ({units.bytes_text(reach)}) {both}."
    if center == 0:
        return f"At every size, as far as this run shows. {seen}"
    if not known(center) or center > 64 * reach:
        return f"At none that this run could show. {seen}"
    beyond = " (beyond the largest measured, by a straight line)" if center > reach else ""
    if not known(hi):
        return f"From about {units.bytes_text(center)} resident on, at least {units.bytes_text(lo)}{beyond}. {seen}"
    return f"From {units.bytes_text(center, lo, hi)} resident on{beyond}. {seen}"
