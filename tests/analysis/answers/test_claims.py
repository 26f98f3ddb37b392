"""What decides a claim in an answer: edges of intervals, which rows count, and figures of rounds that differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.answers import answers
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.edit_run import Row, change_rows, scale_rounds
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK = FakeCell(calls=3, blocks=1)
EXEC = FakeCell("posix_spawn", 100_000.0, 80_000.0, "exec", "native_spawn", calls=3, blocks=1, path="posix_spawn")
# Of six values the interval is from the smallest to the largest, the median between the third and the fourth.
UNEVEN = [1.2, 1.0, 1.5, 1.1, 1.2, 1.4]


def quiet(results: Path, cells: Sequence[FakeCell], **about: Any) -> Path:
    """Write a run of six rounds without noise."""
    fields: dict[str, Any] = {"rounds": 6, "noise": QUIET}
    return write_run(results, FakeRun(cells, **(fields | about)))


def lines(run: Path, word: str) -> list[str]:
    """The lines of the answer whose question has `word` in it."""
    (answer,) = [each for each in answers(AnalysedRun(load_run(run))) if word in each.question]
    return list(answer.lines)


def test_the_first_is_told_from_the_others_only_beyond_chance(tmp_path: Path) -> None:
    """What scatters too much to be told from the first is tied with it; next and last are of those that are slower."""
    names = ("posix_spawn", "popen", "subprocess_run", "vfork", "shell")
    cells = [replace(EXEC, mechanism=name, total_ns=1e5) for name in names]
    factors: list[list[float]] = [[1] * 6, [1, 1.1, 1.1, 1.2, 1.1, 1.3], [2] * 6, [3, 3.1, 3.2, 3.2, 3.4, 3.5]]
    factors.append([1, 1, 1.01, 1.01, 1.2, 1.3])
    run = scale_rounds(
        quiet(tmp_path, cells[::-1]), {(4 - place, "mechanism"): each for place, each in enumerate(factors)}
    )
    assert lines(run, "cheapest") == [
        "run a program: use `posix_spawn`, which takes 100 µs (100 to 100). "
        "This run cannot tell it from `shell` and `popen`. "
        "Next is `subprocess_run`, which takes 2.00 times as long (2.00 to 2.00). "
        "Last is `vfork`, which takes 3.2 times as long (2.9 to 3.6)."
    ]


def test_the_ratio_to_the_first_is_that_of_the_same_round(tmp_path: Path) -> None:
    """Twice as long in each round is twice, however much the rounds differ; the first is named with its own time."""
    cells = [replace(EXEC, mechanism="popen", total_ns=2e5), EXEC]
    run = scale_rounds(quiet(tmp_path, cells), {(0, "mechanism"): UNEVEN, (1, "mechanism"): UNEVEN})
    assert lines(run, "cheapest") == [
        "run a program: use `posix_spawn`, which takes 120 µs (100 to 150). "
        "Next is `popen`, which takes 2.00 times as long (2.00 to 2.00)."
    ]


def test_works_and_interpreters_are_ranked_apart(tmp_path: Path) -> None:
    """Each work of each interpreter has a line; parents with equal modules are ranked beside it, not in it."""
    cells = [
        *(FORK, EXEC, replace(EXEC, mechanism="popen", total_ns=150_000.0)),
        *(replace(EXEC, level="equal", total_ns=130_000.0), replace(EXEC, python="3.9.1", total_ns=50_000.0)),
        *(replace(EXEC, mechanism="popen", level="equal", total_ns=65_000.0),),
        replace(EXEC, mechanism="vfork", scenario="rss", level="64MiB", total_ns=10_000.0),
    ]
    assert lines(quiet(tmp_path, cells), "cheapest") == [
        "Python 3.11.7: fork only: use `os_fork`, which takes 120 µs (120 to 120). It is the only one measured.",
        "Python 3.11.7: run a program: use `posix_spawn`, which takes 100 µs (100 to 100). "
        "Next is `popen`, which takes 1.50 times as long (1.50 to 1.50). "
        "With the same modules loaded in every parent: use `popen`, which takes 65.0 µs (65.0 to 65.0). "
        "Next is `posix_spawn`, which takes 2.00 times as long (2.00 to 2.00).",
        "Python 3.9.1: run a program: use `posix_spawn`, which takes 50.0 µs (50.0 to 50.0). "
        "It is the only one measured.",
    ]


def test_a_row_without_an_interval_is_in_no_answer(tmp_path: Path) -> None:
    """Five good rounds carry no interval: the mechanism is neither the first nor compared, though the fastest."""
    other = replace(FORK, mechanism="other", total_ns=10.0, parent_faults=0, child_faults=0, failing_rounds=(0,))
    cells = [other, replace(FORK, failing_rounds=())]
    assert lines(quiet(tmp_path, cells), "cheapest") == [
        "fork only: use `os_fork`, which takes 120 µs (120 to 120). It is the only one measured."
    ]
    short = [replace(FORK, failing_rounds=(1,))]
    (line,) = lines(quiet(tmp_path / "short", short), "What does this run say")
    assert "more than 5 complete rounds, and an interval needs at least 6." in line
    assert "`--rounds 6`" in line


def test_pythons_share_is_worked_out_round_by_round(tmp_path: Path) -> None:
    """The time is the median of differences; the share is 1 - 1 / ratio at the ratio and at each end of it."""
    cells = [replace(FORK, total_ns=1e6, control_ns=5e5), replace(FORK, mechanism="other")]
    run = scale_rounds(quiet(tmp_path, cells), {(0, "mechanism"): [1.0, 1.2, 1.4, 1.6, 1.8, 2.0]})
    # Ratios 2 2.4 2.8 3.2 3.6 4: median 3, ends 2 and 4; differences .5 … 1.5 ms.
    assert lines(run, "own share") == [
        "`os_fork` took 1.5 ms (1.0 to 2.0), and its control `native_fork` took 500 µs (500 to 500). "
        "Python adds 1.0 ms (0.5 to 1.5), or 67 % (50 to 75) of the whole.",
        "What Python adds is the median of what the two differ by in each round. "
        "It need not be the difference of the two medians.",
    ]


@pytest.mark.parametrize(("least", "shown"), [(1.0, False), (1.1, True)])
def test_no_share_is_shown_where_the_control_took_as_long(tmp_path: Path, least: float, shown: bool) -> None:
    """A ratio whose interval ends at 1 or below shows no share of Python's own; above 1 it does."""
    cells = [replace(FORK, total_ns=1e6, control_ns=1e6)]
    run = scale_rounds(quiet(tmp_path, cells), {(0, "mechanism"): [least, 2.0, 2.0, 2.0, 2.0, 3.0]})
    line, *rule = lines(run, "own share")
    assert ("Python adds " in line) is bool(rule) is shown
    assert ("times as long, which shows no share of Python's own." in line) is not shown
    if not shown:
        assert "That is 2.0 (1.0 to 3.0) times as long" in line


@pytest.mark.parametrize(("total_ns", "shown"), [(1e7, True), (1.01e7, False)])
def test_no_share_is_taken_of_what_the_control_is_no_part_of(tmp_path: Path, total_ns: float, shown: bool) -> None:
    """Up to ten times its control a mechanism has a share that Python adds; beyond, the line says why there is none."""
    line, *rule = lines(quiet(tmp_path, [replace(FORK, total_ns=total_ns, control_ns=1e6)]), "own share")
    assert ("Python adds " in line) is bool(rule) is shown
    assert ("10.1 (10.1 to 10.1) times as long: the control is no part of it" in line) is not shown


def test_shares_are_of_core_mechanisms_with_a_control(tmp_path: Path) -> None:
    """A core mechanism without a control, and one that is not of the core, have no share; then a reason stands."""
    cells = [replace(FORK, mechanism="other"), replace(FORK, control="")]
    assert lines(quiet(tmp_path, cells), "own share") == [
        "This run cannot tell: no core mechanism was measured beside a C control."
    ]


def usage(role: str, cell: str, **values: Sequence[float]) -> Callable[[Row], None]:
    """Set columns of blocks.csv to a value for each round, for one role and cell."""

    def change(row: Row) -> None:
        if (row["role"], row["cell"]) == (role, cell) and int(row["block"]) >= 0:
            row |= {name: str(of_round[int(row["round"])]) for name, of_round in values.items()}

    return change


def test_page_faults_and_cpu_time_are_of_parent_and_child_apart(tmp_path: Path) -> None:
    """Faults with their intervals, extra faults and what each goes with, user and system time: each by hand."""
    run = quiet(tmp_path, [replace(FORK, total_ns=1e6, control_ns=6e5)])
    change_rows(
        run,
        "blocks.csv",
        usage(
            "mechanism",
            "0",
            parent_faults=[60, 62, 64, 66, 68, 70],
            child_faults=[50] * 6,
            parent_user_ns=[1e3] * 6,
            parent_sys_ns=[20e3] * 6,
            child_user_ns=[300e3] * 6,
            child_sys_ns=[4e6] * 6,
        ),
    )
    change_rows(run, "blocks.csv", usage("control", "0", parent_faults=[10] * 6, child_faults=[20.04] * 6))
    # Extra faults 79.96 … 89.96, at the median 84.96; 400 µs over them: 5.00 … 4.45 µs, at the median 4.71.
    assert lines(run, "Why") == [
        "`os_fork`: a call has 65 (60 to 70) page faults in the parent and 50 in the child. "
        "Its C control has 10 in the parent and 20 in the child. "
        "That is 85 (80 to 90) more faults, and 4.7 µs (4.4 to 5.0) of Python's own time for each of them. "
        "CPU time: 21.0 µs (21.0 to 21.0) in the parent, 4.30 ms (4.30 to 4.30) in the child."
    ]


@pytest.mark.parametrize(("control", "shown"), [(96.0, True), (96.5, False), (200.0, False)])
def test_less_than_one_fault_more_explains_nothing(tmp_path: Path, control: float, shown: bool) -> None:
    """97 faults beside 96 are one more, and all of the time goes with it; less than one more is no cause."""
    run = quiet(tmp_path, [FORK])
    change_rows(run, "blocks.csv", usage("control", "0", parent_faults=[control] * 6, child_faults=[0] * 6))
    (line,) = lines(run, "Why")
    assert ("That is 1 more faults, and 55.0 µs (55.0 to 55.0) of" in line) is shown
    assert ("more faults" in line) is shown


def test_a_fork_that_takes_no_longer_than_its_control_has_no_time_for_a_fault(tmp_path: Path) -> None:
    """Where a round took as long as its control, what each extra fault goes with is not shown."""
    run = scale_rounds(
        quiet(tmp_path, [replace(FORK, total_ns=2e5, control_ns=1e5)]), {(0, "mechanism"): [0.5, 1, 1, 1, 1, 1]}
    )
    assert "more faults" not in lines(run, "Why")[0]


def test_only_a_fork_is_set_against_the_faults_of_its_control(tmp_path: Path) -> None:
    """A program's faults are given beside its control's, without a cause made of them."""
    (line,) = lines(quiet(tmp_path, [EXEC]), "Why")
    assert line == (
        "`posix_spawn`: a call has 40 page faults in the parent and 57 in the child. "
        "Its C control has 12 in the parent and 8 in the child. "
        "CPU time: 50.0 µs (50.0 to 50.0) in the parent, 50.0 µs (50.0 to 50.0) in the child."
    )


def test_a_child_that_is_not_counted_is_said_to_be_so(tmp_path: Path) -> None:
    """Without any fault or time of a child, it is another process's child, and its time is not given as 0."""
    nothing = {name: [0.0] * 6 for name in ("child_faults", "child_user_ns", "child_sys_ns")}
    some_of_a_child: list[dict[str, list[float]]] = [{}, {"child_faults": [1.0] * 6}, {"child_sys_ns": [1e3] * 6}]
    for number, some in enumerate(some_of_a_child):
        run = quiet(tmp_path / str(number), [replace(EXEC, mechanism="mp_forkserver", work="python_call", control="")])
        (line,) = lines(change_rows(run, "blocks.csv", usage("mechanism", "0", **(nothing | some))), "Why")
        not_counted = "This child is not the parent's own child, so its page faults and CPU time are not counted."
        assert (not_counted in line) is (not some)
        assert line.endswith("CPU time: 50.0 µs (50.0 to 50.0) in the parent.") is (not some)
        assert "C control" not in line


def test_without_counted_faults_there_is_no_cause(tmp_path: Path) -> None:
    """Where page faults of the parent were not counted, no figure stands in their place, and the reason does."""
    run = quiet(tmp_path, [FORK])

    def forget(row: Row) -> None:
        row["parent_faults"] = ""

    assert lines(change_rows(run, "blocks.csv", forget), "Why") == [
        "This run cannot tell: page faults were not counted, or no core mechanism was measured."
    ]


def test_without_cpu_time_the_faults_stand_alone(tmp_path: Path) -> None:
    """CPU time that was not counted for one of the two is given for neither."""
    run = quiet(tmp_path, [EXEC])

    def forget(row: Row) -> None:
        row["child_sys_ns"] = ""

    (line,) = lines(change_rows(run, "blocks.csv", forget), "Why")
    assert line.endswith("Its C control has 12 in the parent and 8 in the child.")


def test_a_control_without_counted_faults_is_not_spoken_of(tmp_path: Path) -> None:
    """Where the faults of the control were not counted, the line has those of the mechanism alone."""

    def forget(row: Row) -> None:
        if row["role"] == "control":
            row |= {name: "" for name in row if name.startswith(("parent_", "child_"))}

    (line,) = lines(change_rows(quiet(tmp_path, [FORK]), "blocks.csv", forget), "Why")
    assert "page faults in the parent" in line
    assert "control" not in line
    assert "nan" not in line
