"""Turns committed runs into the figures of the documents, so that text and data cannot part.

A figure in a document stands between two comments that do not show: ``<!--=time os_fork-->246 µs<!--/-->``. The first
names what it is (a function of `FIGURES`) and of which cell: mechanism, then ``scenario=level`` (``parent=bare`` if
there is none) and ``python=LABEL``. The run is the one that the document named last: ``<!-- figures of RUN -->``.

``python -m tests.documents.figures`` prints what is not as in the run, and writes it with ``--write``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import pandas as pd

from analysis.compare.between import compare, open_side
from analysis.compare.rows import ComparisonRow
from analysis.compare.within import compare_within
from analysis.model.memory_growth import GIB, break_even_size, growth
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds
from analysis.summary.text import write
from analysis.text import markdown, units
from bench.schema import Role
from tests import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
_RUN = re.compile(r"<!-- figures of (\S+) -->")
_FIGURE = re.compile(r"(<!--=(.+?)-->)(.*?)(<!--/-->)", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """The cell that a figure is of: its row of the summary, in a run."""

    run: AnalysedRun
    row: pd.Series

    @property
    def rounds(self) -> pd.DataFrame:
        """The cell's rounds."""
        return self.run.rounds_of(int(self.row["cell"]))


@cache
def analysed(run: str) -> AnalysedRun:
    """The committed run in the directory `run`."""
    return AnalysedRun(load_run(ROOT / run))


def _cell(run: AnalysedRun, words: Sequence[str]) -> Cell:
    named = dict(word.split("=", 1) for word in words[1:])
    python = named.pop("python", run.pythons[0])
    scenario, level = named.popitem() if named else ("parent", "bare")
    rows = run.summary
    chosen = rows[(rows["mechanism"] == words[0]) & (rows["scenario"] == scenario)]
    (row,) = [row for _, row in chosen[(chosen["level"] == level) & (chosen["python"] == python)].iterrows()]
    return Cell(run, row)


def time(cell: Cell) -> str:
    """Median time."""
    return units.time_text(cell.row["p50_ns"])


def interval(cell: Cell) -> str:
    """Median time with its interval."""
    return units.time_text(*(cell.row[name] for name in ("p50_ns", "p50_lo_ns", "p50_hi_ns")))


def control(cell: Cell) -> str:
    """Median time of the control beside it."""
    return units.time_text(float(cell.rounds["control_p50_ns"].median()))


def relative(cell: Cell) -> str:
    """Relative latency."""
    return units.ratio_text(cell.row["rel_p50"])


def share(cell: Cell) -> str:
    """What Python adds, as a share of the whole."""
    return units.percent_text(1 - 1 / cell.row["rel_p50"])


def beyond(cell: Cell) -> str:
    """What Python adds, as a share of the control, with its interval."""
    return units.percent_text(*(cell.row[name] - 1 for name in ("rel_p50", "rel_lo", "rel_hi")))


def faults(cell: Cell) -> str:
    """Page faults of a call: parent + children."""
    return f"{cell.row['parent_faults']:.0f} + {cell.row['child_faults']:.0f}"


def more_faults(cell: Cell) -> str:
    """How many more page faults a call has than one of its control."""
    number = int(cell.row["cell"])
    counts = [cell.run.usage_per_call(number, role)[["parent_faults", "child_faults"]].sum(axis=1) for role in Role]
    of_role = dict(zip(Role, counts, strict=True))
    return f"{median_over_rounds(of_role[Role.MECHANISM] - of_role[Role.CONTROL]).center:.0f}"


def path(cell: Cell) -> str:
    """The system call that creates the child."""
    return str(cell.row["path"])


def blocked(cell: Cell) -> str:
    """Median of what the creating call took; of a first write, of the write alone."""
    return units.time_text(cell.row["call_p50_ns"])


def ready(cell: Cell) -> str:
    """Median time until the child, or the last of several workers, is ready."""
    return units.time_text(cell.row["ready_p50_ns"])


def per_second(cell: Cell) -> str:
    """Calls a second, of all parents together."""
    return f"{cell.row['per_second']:,.0f}"


def growth_per_gib(cell: Cell) -> str:
    """What a GiB adds between the two largest parents."""
    found = growth(cell.run, cell.row["python"], cell.row["mechanism"])
    assert found is not None
    return units.time_text(found.steps[-1].slope.center * GIB)


def break_even(cell: Cell) -> str:
    """The size of the parent from which the mechanism takes less time than `os_fork`."""
    found = break_even_size(cell.run, cell.row["python"], "os_fork", cell.row["mechanism"])
    assert found is not None
    return units.bytes_text(found.center)


_OF_A_CELL: Sequence[Callable[[Cell], str]] = (
    *(time, interval, control, relative, share, beyond, faults, more_faults, path, blocked, ready, per_second),
    *(growth_per_gib, break_even),
)
FIGURES = {function.__name__: function for function in _OF_A_CELL}


@cache
def _compared(run: str, base: str) -> Sequence[ComparisonRow]:
    return compare_within(analysed(run).run, "python", base).rows


def ratio(run: AnalysedRun, words: Sequence[str]) -> str:
    """``ratio MECHANISM BASE NEW``: one interpreter's time over another's, with its interval."""
    mechanism, base, new = words
    (row,) = [
        row
        for row in _compared(str(run.run.path.relative_to(ROOT)), base)
        if (row.mechanism, row.new) == (mechanism, new)
    ]
    return units.ratio_text(row.ratio, row.ratio_lo, row.ratio_hi)


def summary_lines(run: AnalysedRun, words: Sequence[str]) -> str:
    """``summary_lines NAME NAME …``: these lines of `python -m analysis summary`, with the title above each group.

    The name of a cell has ``/`` in place of blanks.
    """
    stream = StringIO()
    write([(run.run, run.summary)], "table", stream)
    names = [word.replace("/", " ") for word in words]
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    head = next(place for place, line in enumerate(lines) if line.startswith("cell "))
    kept, title = [lines[head]], ""
    for line in lines[head + 1 :]:
        if line and not line.startswith(" "):
            title = line
        elif line.startswith("  ") and re.split(r"\s{2,}", line.strip())[0] in names:
            kept += [title, line] if title else [line]
            title = ""
    assert len([line for line in kept if line.startswith("  ")]) == len(names), kept
    return "\n```\n" + "\n".join(kept) + "\n```\n"


def _by_python(run: AnalysedRun, mechanisms: Sequence[str], lines: Callable[[list[Cell]], list[list[str]]]) -> str:
    rows = [
        row
        for mechanism in mechanisms
        for row in lines([_cell(run, [mechanism, f"python={python}"]) for python in run.pythons])
    ]
    return f"\n\n{markdown.table(['', *run.pythons], rows, left=[0])}\n\n"


def times_by_python(run: AnalysedRun, words: Sequence[str]) -> str:
    """``times_by_python MECHANISM …``: medians with intervals, and below them relative latency."""
    return _by_python(
        run,
        words,
        lambda cells: [
            [f"`{cells[0].row['mechanism']}`", *map(interval, cells)],
            [f"÷ `{cells[0].row['control']}`", *map(relative, cells)],
        ],
    )


def paths_by_python(run: AnalysedRun, words: Sequence[str]) -> str:
    """``paths_by_python MECHANISM …``: the system call that creates the child, and page faults."""
    return _by_python(
        run,
        words,
        lambda cells: [[f"`{cells[0].row['mechanism']}`", *(f"{path(cell)}, {faults(cell)}" for cell in cells)]],
    )


def changed(run: AnalysedRun, words: Sequence[str]) -> str:
    """``changed MECHANISM BASE [NEW]``: what a run takes over the run BASE of its machine, with interval and verdict.

    NEW (this run, if it is not named) and BASE are names of runs. The mechanism has one cell in both.
    """
    mechanism, base, *other = words
    new = run.run.path.parent / other[0] if other else run.run.path
    (row,) = [row for row in _between(base, new) if row.mechanism == mechanism]
    return f"{units.ratio_text(row.ratio, row.ratio_lo, row.ratio_hi)}, `{row.verdict}`"


@cache
def _between(base: str, new: Path) -> Sequence[ComparisonRow]:
    return compare(open_side([new.parent / base]), open_side([new])).rows


_OF_A_RUN: Sequence[Callable[[AnalysedRun, Sequence[str]], str]] = (
    *(ratio, summary_lines, times_by_python, paths_by_python, changed),
)
WHOLES = {function.__name__: function for function in _OF_A_RUN}


def figure(run: AnalysedRun, words: Sequence[str]) -> str:
    """The text of one figure, as the comment before it names it."""
    name, *about = words
    return WHOLES[name](run, about) if name in WHOLES else FIGURES[name](_cell(run, about))


def renewed(document: Path) -> str:
    """The text of `document` with every figure as in the run that was named last before it."""
    before, *parts = _RUN.split(document.read_text(encoding="utf-8"))
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        run = analysed(name)
        text = _FIGURE.sub(lambda match, run=run: f"{match[1]}{figure(run, match[2].split())}{match[4]}", part)
        before += f"<!-- figures of {name} -->{text}"
    return before


def main() -> int:
    """Print, or with ``--write`` put right, the figures that are not as in their run; 1 if there are any."""
    status = 0
    for document in DOCUMENTS:
        text, new = document.read_text(encoding="utf-8"), renewed(document)
        for before, after in zip(_FIGURE.finditer(text), _FIGURE.finditer(new), strict=True):
            if before[3] != after[3]:
                status = 1
                print(f"{document.relative_to(ROOT)}: {before[2]}: {before[3]!r} is {after[3]!r}")
        if "--write" in sys.argv[1:]:
            document.write_text(new, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
