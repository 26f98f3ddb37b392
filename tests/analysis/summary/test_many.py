"""Parents at the same time and workers: what a run says of them, worked out by hand."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.answers import answers
from analysis.read.run import load_run
from analysis.stats.ratio import corrected
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.many import at_once_cells, times_over_rounds, worker_cells
from analysis.summary.parts import parts_of, without
from analysis.summary.text import write
from tests.fake_run import QUIET, FakeCell, FakeRun, Noise, write_run

FORK = FakeCell(scenario="at_once", unit="subjects", total_ns=100_000.0, calls=40, blocks=2)


def _at_once(*numbers_and_totals: tuple[int, float]) -> list[FakeCell]:
    return [replace(FORK, level=str(n), subjects=n, total_ns=total) for n, total in numbers_and_totals]


def _workers(mechanism: str, ready_ns: float, level: str = "4+heavy") -> FakeCell:
    """Workers that are ready after `ready_ns`, and reaped after twice that."""
    scenario = "+".join(("workers", "worker_imports")[: len(level.split("+"))])
    return FakeCell(
        mechanism, 2 * ready_ns, work="workers", scenario=scenario, level=level, calls=1, blocks=2, ready_share=0.5
    )


def _analysed(folder: Path, cells: Sequence[FakeCell], rounds: int = 10, noise: Noise = QUIET) -> AnalysedRun:
    return AnalysedRun(load_run(write_run(folder, FakeRun(cells, rounds=rounds, noise=noise))))


def _lines(analysed: AnalysedRun, word: str) -> tuple[str, ...]:
    (answer,) = [answer for answer in answers(analysed) if word in answer.question]
    return answer.lines


def test_calls_a_second_are_those_of_all_parents(tmp_path: Path) -> None:
    """Calls of 100 us are 10,000 a second in one parent and 20,000 in two; of 200 us in four they are 20,000 too."""
    analysed = _analysed(tmp_path, _at_once((1, 100_000.0), (2, 100_000.0), (4, 200_000.0)))
    summary = analysed.summary
    assert summary["subjects"].tolist() == [1, 2, 4]
    assert summary["per_second"].tolist() == pytest.approx([10_000, 20_000, 20_000])
    assert summary["per_second_lo"].tolist() == pytest.approx([10_000, 20_000, 20_000])
    assert summary["p50_ns"].tolist() == [100_000, 100_000, 200_000]


def test_the_table_is_followed_by_calls_a_second(tmp_path: Path) -> None:
    """One line for each cell with several parents, below the table; a usual cell has none."""
    analysed = _analysed(tmp_path, [*_at_once((2, 100_000.0)), FakeCell(calls=4, blocks=1)])
    stream = io.StringIO()
    write([(analysed.run, analysed.summary)], "markdown", stream)
    (line,) = [line for line in stream.getvalue().splitlines() if "calls a second" in line]
    assert line.strip() == "os_fork at_once=2: calls a second, of all parents together: 20000 (20000 to 20000)"


def test_a_usual_cell_has_no_calls_of_all_parents(tmp_path: Path) -> None:
    """Where nothing was asked for at once, the columns stay empty, and there is nothing to group."""
    analysed = _analysed(tmp_path, [FakeCell(calls=4, blocks=1)])
    assert analysed.summary[["subjects", "per_second", "per_second_lo", "per_second_hi"]].isna().all(axis=None)
    assert at_once_cells(analysed).empty
    assert worker_cells(analysed).empty


def test_the_answer_says_from_which_number_on_there_are_no_more(tmp_path: Path) -> None:
    """Twice as many in two parents, as many in four: no growth from 2 on, with what a call takes at both ends."""
    (line,) = _lines(_analysed(tmp_path, _at_once((1, 1e5), (2, 1e5), (4, 2e5))), "How many processes")
    assert line.startswith(
        "`os_fork`, calls a second of all parents together: 1 at once: 10000 (10000 to 10000); "
        "2 at once: 20000 (20000 to 20000); 4 at once: 20000 (20000 to 20000). "
        "No growth is seen from 2 at once on: 4 parents make 1.00 times as many (1.00 to 1.00) as 2."
    )
    assert line.endswith("A call takes 200 µs (200 to 200) with 4 at once, and 100 µs (100 to 100) with 1.")


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (((1, 1e5), (2, 4e5)), "It grows up to 1 at once, and falls then: 2 parents make 0.500 times as many"),
        (((1, 1e5), (2, 1e5)), "It grows up to 2 at once; more were not measured."),
    ],
)
def test_growth_is_said_as_far_as_it_was_measured(
    tmp_path: Path, totals: tuple[tuple[int, float], ...], said: str
) -> None:
    """Fewer calls with more parents are a fall; growth up to the last number says that more were not measured."""
    (line,) = _lines(_analysed(tmp_path, _at_once(*totals)), "How many processes")
    assert said in line


def test_parents_of_other_states_are_groups_of_their_own(tmp_path: Path) -> None:
    """With and without 64 MiB, each has its own numbers; a state with one number only is no group."""
    large = [
        replace(cell, scenario="rss+at_once", level=f"64MiB+{cell.level}", unit="")
        for cell in _at_once((1, 2e5), (2, 2e5))
    ]
    alone = replace(FORK, mechanism="posix_spawn", work="exec", level="2", subjects=2)
    rows = at_once_cells(_analysed(tmp_path, [*_at_once((2, 1e5), (1, 1e5)), *large, alone]))
    assert list(zip(rows["state"], rows["subjects"], strict=True)) == [
        ("", 1),
        ("", 2),
        ("rss=64MiB", 1),
        ("rss=64MiB", 2),
    ]


def test_the_first_to_be_ready_is_named_with_the_others(tmp_path: Path) -> None:
    """Ready after 50, 100 and 150 ms: the first is named with its time, the others with 2 and 3 times as long."""
    cells = [_workers("workers_spawn", 150e6), _workers("workers_fork", 50e6), _workers("workers_executor", 100e6)]
    first, last = _lines(_analysed(tmp_path, cells), "workers ready first")
    assert first == (
        "4 workers with heavy imports: `workers_fork` has them ready in 50.0 ms (50.0 to 50.0). "
        "Times as long: `workers_executor` 2.00 (2.00 to 2.00), `workers_spawn` 3.00 (3.00 to 3.00)."
    )
    assert "were not measured" in last


def test_what_noise_hides_has_no_order(tmp_path: Path) -> None:
    """Two ways that take the same cannot be told apart, and one worker is not called workers."""
    cells = [_workers(name, 50e6, "1") for name in ("workers_fork", "workers_executor")]
    first, _ = _lines(_analysed(tmp_path, cells, noise=Noise()), "workers ready first")
    assert first.startswith("1 worker with light imports: `workers_")
    assert first.endswith("takes longer cannot be told from this run.")


def test_each_number_and_each_kind_of_imports_is_a_question_of_its_own(tmp_path: Path) -> None:
    """Light and heavy, 1 and 2 workers: four lines, in the order of the cells and by number."""
    cells = [
        _workers(name, ready, f"{count}+{imports}")
        for imports in ("light", "heavy")
        for count in (2, 1)
        for name, ready in (("workers_fork", 1e7), ("workers_spawn", 2e7))
    ]
    lines = _lines(_analysed(tmp_path, cells), "workers ready first")
    begins = [line.split(":")[0] for line in lines[:-1]]
    assert begins == [
        "1 worker with light imports",
        "2 workers with light imports",
        "1 worker with heavy imports",
        "2 workers with heavy imports",
    ]


def test_questions_asked_together_make_intervals_wider(tmp_path: Path) -> None:
    """The interval of one pair among four questions holds at 1 - 0.05 / 4, and so reaches farther than at 0.95."""
    cells = [_workers(name, 5e7) for name in ("workers_fork", "workers_spawn")]
    analysed = _analysed(tmp_path, cells, noise=Noise())
    alone, among = (times_over_rounds(analysed, "ready_p50_ns", 0, 1, 2, corrected(n)) for n in (1, 4))
    assert (alone.confidence, among.confidence) == pytest.approx((0.95, 0.9875))
    assert among.lo < alone.lo < alone.hi < among.hi


def test_a_run_without_them_says_how_to_measure_them(tmp_path: Path) -> None:
    """Both questions have one line, with the command."""
    analysed = _analysed(tmp_path, [FakeCell(calls=4, blocks=1)])
    for word, scenario in (("How many processes", "at_once=1,2,4"), ("workers ready first", "workers=1,2,4,8")):
        (line,) = _lines(analysed, word)
        assert line.startswith("This run cannot tell: ")
        assert scenario in line


def test_a_level_is_taken_apart_by_its_scenarios() -> None:
    """Each scenario has its level; what does not fit together stays as it is."""
    parts = parts_of({"scenario": "rss+at_once", "level": "64MiB+2"})
    assert parts == {"rss": "64MiB", "at_once": "2"}
    assert (without(parts, ("at_once",)), without(parts, parts)) == ("rss=64MiB", "")
    assert parts_of({"scenario": "program", "level": "a+b.py"}) == {"program": "a+b.py"}
