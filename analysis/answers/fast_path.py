"""Turns traced calls into the answer whether `subprocess` starts programs without a fork, and what takes it off that.

The fast path is `vfork` or `posix_spawn` (CPython, Modules/_posixsubprocess.c and Lib/subprocess.py): the child borrows
the parent's memory until it runs the program, so that no page table is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.answers.parts import cannot_tell, listed, rows_with_interval, same_rounds
from analysis.stats.ratio import Verdict, compare_paired
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from bench.schema import Path

# Calls of the module `subprocess`; the first one that is on the fast path is what the others are compared with.
CALLS = ("popen", "subprocess_run", "popen_no_close_fds", "popen_pipes", "asyncio_exec", "subprocess_shell")
WITH_PREEXEC = "popen_preexec_fn"
# A fork costs more the larger its parent is: the price is told for the bare parent and for each size.
PARENTS = ("parent", "rss")
FAST = (Path.VFORK, Path.POSIX_SPAWN)
OPTIONS = "--mechanism subprocess_run --mechanism popen --mechanism popen_no_close_fds --mechanism popen_preexec_fn"


@dataclass(frozen=True)
class _Detour:
    """A call that forks in some state of the parent: its cell, and that of one on the fast path in the same state."""

    python: str
    call: str
    fast_call: str
    parent: str
    slow_cell: int
    fast_cell: int


def fast_path(analysed: AnalysedRun) -> Iterator[str]:
    """For each interpreter: the calls that do not fork; then each that does, why, and what that costs."""
    rows = rows_with_interval(analysed.summary)
    rows = rows[rows["mechanism"].isin([*CALLS, WITH_PREEXEC]) & rows["path"].isin([*FAST, Path.FORK])]
    if rows.empty:
        yield cannot_tell(f"no call of `subprocess` was traced; `python -m bench run {OPTIONS}` does so")
        return
    detours = [detour for python in analysed.pythons for detour in _detours(rows[rows["python"] == python])]
    for python in analysed.pythons:
        of_python = rows[rows["python"] == python]
        if of_python.empty:
            continue  # measured with other mechanisms only
        prefix = analysed.python_prefix(python)
        yield f"{prefix}{_standing(of_python)}"
        for call in _named(of_python, [Path.FORK]):
            of_call = [detour for detour in detours if (detour.python, detour.call) == (python, call)]
            yield f"{prefix}{_cost(analysed, call, of_call, len(detours))}"
    if WITH_PREEXEC not in set(rows["mechanism"]):
        yield cannot_tell(f"what `preexec_fn` takes; add `--mechanism {WITH_PREEXEC}`")


def _named(rows: pd.DataFrame, paths: list[Path]) -> list[str]:
    """The calls that took one of `paths`, in the order of `CALLS`."""
    there = set(rows.loc[rows["path"].isin(paths), "mechanism"])
    return [name for name in (*CALLS, WITH_PREEXEC) if name in there]


def _standing(rows: pd.DataFrame) -> str:
    by_path = [(path, _named(rows, [path])) for path in FAST]
    fast = [f"{listed(names)} by `{path}`" for path, names in by_path if names]
    slow = [name for name in _named(rows, [Path.FORK]) if name != WITH_PREEXEC]
    if not fast:
        return f"No: {listed(_named(rows, [Path.FORK]))} forked, so a call copies the page tables of the parent."
    taken = f"the fast path, which copies no page tables of the parent, was taken by {', and '.join(fast)}"
    return f"Not always: {taken}, but not by {listed(slow)}." if slow else f"Yes: {taken}."


def _detours(rows: pd.DataFrame) -> list[_Detour]:
    """Every call that forked, in each of `PARENTS` in which one on the fast path was measured as well."""
    rows = rows[rows["scenario"].isin(PARENTS)]
    fast = [name for name in _named(rows, list(FAST)) if name in CALLS]
    found = []
    for (scenario, level), group in rows.groupby(["scenario", "level"], sort=False):
        cells: Mapping[str, int] = dict(zip(group["mechanism"], group["cell"], strict=True))
        beside = next((name for name in fast if name in cells), "")
        for call in _named(group, [Path.FORK]) if beside else ():
            parent = f"{scenario}={level}"
            found.append(_Detour(str(group["python"].iloc[0]), call, beside, parent, cells[call], cells[beside]))
    return found


def _cost(analysed: AnalysedRun, call: str, detours: list[_Detour], comparisons: int) -> str:
    """Why one call forks, and its time against that of a call that does not, state by state of the parent."""
    fast_calls = {detour.fast_call for detour in detours}
    if call == WITH_PREEXEC:
        why = "`preexec_fn` takes a call off the fast path"
    elif fast_calls == {"popen_no_close_fds"}:
        why = f"`close_fds=True`, the default, takes `{call}` off the fast path with this Python"
    else:
        why = f"`{call}` is not on the fast path with this Python"
    costs = [text for detour in detours if (text := _ratio_text(analysed, detour, comparisons))]
    if not costs:
        return f"{why}. " + cannot_tell(
            "what that costs; measure a call that does not fork beside it: "
            f"`--mechanism popen_no_close_fds --mechanism {call}`"
        )
    return f"{why}: {'; '.join(costs)}."


def _ratio_text(analysed: AnalysedRun, detour: _Detour, comparisons: int) -> str:
    fast_ns, slow_ns = same_rounds(analysed, detour.fast_cell, detour.slow_cell)
    ratio = compare_paired(fast_ns, slow_ns, comparisons=comparisons)
    if ratio.verdict is None:
        return ""
    times = units.ratio_text(ratio.ratio, ratio.lo, ratio.hi)
    parent = "in a bare parent" if detour.parent == "parent=bare" else f"with `{detour.parent}`"
    if ratio.verdict is Verdict.UNCLEAR:
        return f"{parent} this run cannot tell it from `{detour.fast_call}` ({times} times as long)"
    return f"{parent} it takes {times} times as long as `{detour.fast_call}`"
