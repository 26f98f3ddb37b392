"""Turns first writes after a fork into the answer when a cheap fork is dear: huge pages, and gc.freeze()."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.answers.parts import cannot_tell
from analysis.model import first_write as model
from analysis.model.first_write import FirstWrites, Objects, Totals
from analysis.stats.interval import Estimate
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.units import known

_MEASURE = "`python -m bench run --mechanism {} --scenario {}` does so"
_PAGES = ("os_fork", "parent_rewrites", "parent_rewrites_few", "child_rewrites", "child_rewrites_few")
_OBJECTS = ("reads_objects", "child_reads_objects", "collects", "child_collects")
_PASSES = {"reads_objects": "take each object in hand once", "collects": "collect garbage"}


def first_write(analysed: AnalysedRun) -> Iterator[str]:
    """What forks of huge pages save and what first writes cost then; what children pay to read and collect objects."""
    yield from _of_pages(analysed) or [
        cannot_tell(
            "fork and first writes were not measured in 4 KiB and in huge pages of one size; "
            + _MEASURE.format(" --mechanism ".join(_PAGES), "rss=64MiB --scenario thp=64MiB")
        )
    ]
    yield from _of_objects(analysed) or [
        cannot_tell(
            "no pass over objects was measured with and without gc.freeze; "
            + _MEASURE.format(" --mechanism ".join(_OBJECTS), "objects=1e6 --scenario gc_frozen=1e6")
        )
    ]


def _of_pages(analysed: AnalysedRun) -> list[str]:
    lines = []
    for python in analysed.pythons:
        for level in model.levels_of(analysed, python, model.SMALL, model.HUGE):
            about = f"{analysed.python_prefix(python)}{level}"
            fork = model.totals(analysed, python, model.FORK, level)
            if fork is not None:
                lines.append(f"{about}, child ends at once: `os_fork` takes {_totals_text(fork)}.")
            for writer in model.WRITERS:
                writes = model.first_writes(analysed, python, writer, level)
                if writes is not None:
                    lines.append(f"{about}, {writer} writes all pages while both live: {_writes_text(writes)}")
    return lines


def _totals_text(totals: Totals) -> str:
    return f"{_time(totals.small)} in pages of 4 KiB and {_time(totals.huge)} in huge pages{_lead_text(totals.lead)}"


def _lead_text(lead: Estimate) -> str:
    """Which kind of pages takes less time, and by how much."""
    if not known(lead.lo) or lead.lo <= 0 <= lead.hi:
        return ", which this run cannot tell apart"
    if lead.center > 0:
        return f"; huge pages save {_time(lead)}"
    return f"; huge pages cost {units.time_text(-lead.center, -lead.hi, -lead.lo)} more"


def _writes_text(writes: FirstWrites) -> str:
    return (
        f"fork and writes together take {_totals_text(writes.every)}. The writes alone are {_time(writes.pass_small)} "
        f"and {_time(writes.pass_huge)}{_faults_text(writes)}. "
        f"With one page in each 2 MiB written it is {_totals_text(writes.few)}. "
        f"{_share_text(writes)}"
    )


def _faults_text(writes: FirstWrites) -> str:
    """What page faults tell of the copies of huge pages; empty: they were not counted."""
    small, huge = writes.faults_small.center, writes.faults_huge.center
    if not (known(small) and known(huge)):
        return ""
    # A copy of a whole huge page is one fault for 512 pages.
    how = "splits huge pages and copies 4 KiB each time" if huge > small / 2 else "copies whole huge pages"
    return f", with {small:,.0f} and {huge:,.0f} page faults: the kernel {how}"


def _share_text(writes: FirstWrites) -> str:
    """From which share of pages written on pages of 4 KiB take less time."""
    few, every = writes.few.lead, writes.every.lead
    if not (known(few.lo) and known(every.lo)):
        return cannot_tell(writes.every.lead.warnings[0] if every.warnings else "too few rounds have both")
    if few.lo > 0 and every.lo > 0:
        return "Huge pages take less time at both shares."
    if few.hi < 0 and every.hi < 0:
        return "Pages of 4 KiB take less time at both shares."
    share = writes.even_share
    if few.lo > 0 and every.hi < 0 and known(share.center):
        return (
            f"Pages of 4 KiB take less time from {units.percent_text(share.center, share.lo, share.hi)} of the pages "
            "written on, if time grows evenly between these two shares."
        )
    if few.hi < 0 and every.lo > 0:
        return "Pages of 4 KiB take less time while few are written, and huge pages when all are."
    return cannot_tell("from which share of pages written on pages of 4 KiB take less time")


def _of_objects(analysed: AnalysedRun) -> list[str]:
    lines = []
    for python in analysed.pythons:
        for level in model.levels_of(analysed, python, model.OBJECTS, model.FROZEN):
            for kind, what in _PASSES.items():
                measured = model.objects(analysed, python, kind, level)
                if measured is not None:
                    lines.append(f"{analysed.python_prefix(python)}{level} objects, {what}: {_objects_text(measured)}")
    return lines


def _objects_text(measured: Objects) -> str:
    first = f"{_time(measured.alone)} without a fork and {_time(measured.child)} in a child"
    if known(measured.added.lo) and measured.added.lo > 0:
        first += f", where copies of pages add {_time(measured.added)}"
    saved = measured.saved
    frozen = f"After `gc.freeze()` in the parent the child takes {_time(measured.frozen)}"
    if not known(saved.lo) or saved.lo <= 0 <= saved.hi:
        return f"{first}. {frozen}, which this run cannot tell apart."
    if saved.center > 0:
        return f"{first}. {frozen}: {_time(saved)} less."
    return f"{first}. {frozen}: {units.time_text(-saved.center, -saved.hi, -saved.lo)} more."


def _time(estimate: Estimate) -> str:
    return units.time_text(estimate.center, estimate.lo, estimate.hi)
