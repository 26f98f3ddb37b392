"""Turns a run into its questions and answers: sentences with figures, each from a module of its own.

Every figure comes with its 95 % interval, and those of one answer that compare hold together. What the run cannot
answer is said, with what it would take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analysis.answers.at_once import at_once
from analysis.answers.break_even import break_even
from analysis.answers.cheapest import cheapest
from analysis.answers.fast_path import fast_path
from analysis.answers.first_write import first_write
from analysis.answers.imports import imports
from analysis.answers.memory_growth import memory_growth
from analysis.answers.page_faults import page_faults
from analysis.answers.parts import cannot_tell, rows_with_interval
from analysis.answers.pool import pool
from analysis.answers.python_share import no_control, python_share
from analysis.answers.workers import ready_workers
from analysis.stats.interval import needed
from analysis.summary.analysed_run import AnalysedRun
from analysis.text.names import IMPORTED, latency_text

FEWEST_ROUNDS = needed(0.5)


@dataclass(frozen=True)
class Answer:
    """A question and the lines of its answer; code stands between backticks.

    It `decides` where it says what to do; the others say why, and are for the report alone.
    """

    question: str
    lines: tuple[str, ...]
    decides: bool = True


@dataclass(frozen=True)
class Question:
    """A question, the function that answers it, and the reason that is shown where it gives no line."""

    text: str
    answer_lines: Callable[[AnalysedRun], Iterator[str]]
    reason_without_answer: str = ""
    decides: bool = True


def answers(analysed: AnalysedRun) -> list[Answer]:
    """All answers that this run gives, and the reason for each that it cannot give."""
    reason = too_short(analysed)
    if reason or analysed.main_parent == IMPORTED:
        return [Answer("What does this run say?", (reason,) if reason else tuple(_imported_medians(analysed)))]
    return [
        Answer(
            question.text,
            tuple(question.answer_lines(analysed)) or (cannot_tell(question.reason_without_answer),),
            question.decides,
        )
        for question in _questions(analysed)
    ]


def _questions(analysed: AnalysedRun) -> tuple[Question, ...]:
    return (
        Question(
            "What is the cheapest way for each kind of work?", cheapest, "no two mechanisms of one kind were measured"
        ),
        Question("From which size of the parent on does another way take less time than `os_fork`?", break_even),
        Question("What does an import cost every later fork?", imports),
        Question("Is a call of `subprocess` on the fast path, and what takes it off?", fast_path),
        Question("How many tasks must share a worker before a pool pays?", pool),
        Question(
            "Fork, forkserver or spawn: which has my workers ready first?",
            ready_workers,
            "no two ways to start workers were measured in 6 rounds; `python -m bench run --scenario "
            "workers=1,2,4,8+worker_imports=light,heavy` does so",
        ),
        Question(
            "How many processes do several parents start in a second, all at the same time?",
            at_once,
            "no mechanism was measured in several numbers of parents and 6 rounds; `python -m bench run --mechanism "
            "os_fork --scenario at_once=1,2,4` does so",
            decides=False,
        ),
        Question("When is a cheap fork dear, because its first writes copy pages?", first_write),
        Question("How much time does more memory in the parent add?", memory_growth, decides=False),
        Question("What is Python's own share?", python_share, no_control(analysed), decides=False),
        Question(
            "Why does it take that long?",
            page_faults,
            "page faults were not counted, or no core mechanism was measured",
            decides=False,
        ),
    )


def too_short(analysed: AnalysedRun) -> str:
    """Why this run answers nothing at all, or an empty string."""
    if analysed.summary["p50_lo_ns"].notna().any():
        return ""
    rounds = int(analysed.summary["rounds"].max()) if len(analysed.summary) else 0
    return (
        f"Nothing that you can rely on. No cell has more than {rounds} complete rounds, and an interval needs at "
        f"least {FEWEST_ROUNDS}. Measure again with `--rounds {FEWEST_ROUNDS}` or more, or with a larger `--budget`."
    )


def _imported_medians(analysed: AnalysedRun) -> Iterator[str]:
    """The medians of foreign benchmarks. They are not ranked, and they have no control."""
    for row in rows_with_interval(analysed.main_cells()).to_dict("records"):
        yield f"{analysed.python_prefix(row['python'])}`{row['mechanism']}`: {latency_text(row)}"
    yield cannot_tell(
        "it was imported from pyperf, without a control and with benchmarks of its own. "
        "It does not hold what a process costs, what memory adds, or which part is Python's"
    )
