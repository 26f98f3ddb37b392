"""Turns the rankings of a run into a table of decisions: for each kind of work the cheapest way, and what changes that.

A row holds for every interpreter and number of workers that it names; the sentences with the intervals stand behind it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from analysis.answers.imports import SCENARIO
from analysis.answers.parts import rows_with_interval, same_rounds
from analysis.answers.pool import pool
from analysis.model.memory_growth import break_even_size, cells_of_several_sizes
from analysis.report.answers_text import first_sentence
from analysis.report.rankings import WORKERS, Other, Ranking, rankings
from analysis.stats.ratio import Verdict, compare_paired
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units

COLUMNS = ("to do this", "use", "it takes", "just as good", "the others take", "what changes that")
FORK = "os_fork"
# What takes the place of a fork whose child only starts a program.
PROGRAMS = ("posix_spawn", "subprocess_run")
NOTES = {
    "fork": "a copy of the running Python, which ends at once",
    "exec": "another program, until it has ended",
    "python_start": "a new Python, until it has ended",
    "python_call": "a function in a process of its own",
    "reuse": "a function in a process that waits for it",
    WORKERS: "until the last one is ready",
}
# What stands where no other way can be named; a plain fork has no other.
ALONE = "no other was measured"
_INTERVAL = re.compile(r" \([\d.,]+ to [\d.,]+\)")


@dataclass(frozen=True)
class Decision:
    """One row: what to use for a task, and the sentences with intervals (`why`) that it rests on; times are texts."""

    kind: str
    task: str
    note: str
    use: str
    takes: str
    as_good: str
    others: str
    changes: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def cells(self) -> list[str]:
        """The row, under `COLUMNS`."""
        told = "; ".join(self.changes) or units.MISSING
        return [f"{self.task}: {self.note}", self.use, self.takes, self.as_good, self.others, told]


def decisions(analysed: AnalysedRun) -> list[Decision]:
    """The rows of the table; none where nothing can be ranked."""
    return list(_decisions(analysed))


def result(rows: Sequence[Decision]) -> str:
    """What the table says, in a sentence; empty: it says nothing. What was measured alone is not the cheapest way."""
    chosen = [row for row in rows if row.kind != WORKERS and row.others != ALONE]
    parts = [f"{row.task} with {row.use} ({row.takes})" for row in chosen]
    return f"Cheapest here: {'; '.join(parts)}." if parts else ""


def _decisions(analysed: AnalysedRun) -> Iterator[Decision]:
    for _, same_task in groupby(rankings(analysed), key=lambda ranking: ranking.task):
        by_best: dict[str, list[Ranking]] = {}
        for ranking in same_task:
            by_best.setdefault(ranking.best, []).append(ranking)
        for found in by_best.values():
            yield _decision(analysed, found, several=len(by_best) > 1)


def _decision(analysed: AnalysedRun, found: Sequence[Ranking], several: bool) -> Decision:
    first = found[0]
    others = [other for ranking in found for other in ranking.others]
    tied = Counter(other.mechanism for other in others if not other.is_slower)
    slower = [(other.times.center, other.mechanism) for other in others if other.is_slower]
    pythons = list(dict.fromkeys(ranking.python for ranking in found))
    return Decision(
        kind=first.work,
        task=_task(found) + (f" (Python {', '.join(pythons)})" if several and len(analysed.pythons) > 1 else ""),
        note=NOTES[first.work],
        use=f"`{first.best}`",
        takes=_times_span([ranking.time_ns for ranking in found]),
        as_good=", ".join(f"`{name}`{'' if count == len(found) else ' (in part)'}" for name, count in tied.items())
        or units.MISSING,
        others=_others_text(first.work, others, slower),
        changes=tuple(_changes(analysed, first)),
        why=tuple(f"{_label(analysed, ranking)}{ranking.sentence}" for ranking in found),
    )


def _others_text(work: str, others: Sequence[Other], slower: Sequence[tuple[float, str]]) -> str:
    """How many times as long the others take that are `slower`, or that there is none."""
    if slower:
        return f"{_with_names(slower)} times as long"
    return units.MISSING if others or work == "fork" else ALONE


def _task(found: Sequence[Ranking]) -> str:
    """The task of rankings with one first mechanism; numbers of workers are those that it was the first with."""
    counts = sorted({ranking.count for ranking in found})
    if not counts[0]:
        return found[0].task
    noun = "worker" if counts == [1] else "workers"
    return f"start {', '.join(map(str, counts))} {noun}, {found[0].task}"


def _label(analysed: AnalysedRun, ranking: Ranking) -> str:
    """What tells a ranking from the others of its row."""
    workers = f"{ranking.count} worker{'s' * (ranking.count > 1)}: " if ranking.count else ""
    return analysed.python_prefix(ranking.python) + workers


def _times_span(times_ns: Sequence[float]) -> str:
    """One time, or the shortest and the longest: ``337 to 385 µs``."""
    least, most = (units.time_text(time) for time in (min(times_ns), max(times_ns)))
    if least == most:
        return least
    number, unit = least.split(" ")
    return f"{number if most.endswith(f' {unit}') else least} to {most}"


def _with_names(ratios: Sequence[tuple[float, str]]) -> str:
    """The smallest and the largest ratio, each with its name: ``1.05 (`popen`) to 2.23 (`os_system`)``."""
    (least, least_name), (most, most_name) = min(ratios), max(ratios)
    low, high = f"{least:.3g}", f"{most:.3g} (`{most_name}`)"
    if low == f"{most:.3g}":
        return high
    return f"{low} to {high}" if least_name == most_name else f"{low} (`{least_name}`) to {high}"


def _changes(analysed: AnalysedRun, ranking: Ranking) -> Iterator[str]:
    """What makes another choice the cheaper one, as far as the run can tell; short, without intervals."""
    if ranking.best == FORK:
        yield from _size(analysed, ranking.python)
        yield from _imports(analysed, ranking.python)
    if ranking.work == "python_call":
        prefix = analysed.python_prefix(ranking.python)
        for line in pool(analysed):
            if line.startswith(f"{prefix}Use a pool instead of `{ranking.best}`"):
                yield _INTERVAL.sub("", first_sentence(line.removeprefix(prefix))).rstrip(".").replace("Use", "use", 1)


def _size(analysed: AnalysedRun, python: str) -> Iterator[str]:
    """From which size of the parent on another way to start a program takes less time than a fork."""
    measured = set(cells_of_several_sizes(analysed)["mechanism"])
    others = [name for name in PROGRAMS if name in measured]
    found = []
    for other in others:
        size = break_even_size(analysed, python, FORK, other, comparisons=len(others))
        if size is not None and not size.warnings and not math.isinf(size.center):
            found.append((size.center, other))
    if found:
        at, other = min(found)
        yield f"once the parent has {units.bytes_text(at)}, `{other}` takes less time to start a program"


def _imports(analysed: AnalysedRun, python: str) -> Iterator[str]:
    """How much imports of the parent make a fork dearer: the least and the most of those that surely do."""
    bare = rows_with_interval(analysed.bare_cells())
    bare = bare[(bare["python"] == python) & (bare["mechanism"] == FORK)]
    rows = rows_with_interval(analysed.cells_at(SCENARIO))
    rows = rows[(rows["python"] == python) & (rows["mechanism"] == FORK)]
    if bare.empty:
        return
    dearer = []
    for _, row in rows.iterrows():
        before, after = same_rounds(analysed, int(bare["cell"].iloc[0]), int(row["cell"]))
        ratio = compare_paired(before, after, comparisons=len(rows))
        if ratio.verdict is Verdict.SLOWER:
            dearer.append((ratio.ratio, str(row["level"])))
    if dearer:
        yield f"after an import it takes {_with_names(dearer)} times as long"
