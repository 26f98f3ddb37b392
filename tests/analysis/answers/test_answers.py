"""The answers of a report: figures worked out by hand, and plain words where a run cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.answers import answers
from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import CELLS, QUIET, FakeCell, FakeRun, write_run

QUESTIONS = ("cheapest", "more memory", "From which size", "own share", "Why")


def _lines(run: Path) -> dict[str, tuple[str, ...]]:
    """The lines of every answer, by a word or two of its question."""
    words = (*QUESTIONS, "What does this run say")
    run_answers = answers(AnalysedRun(load_run(run)))
    return {word: answer.lines for answer in run_answers for word in words if word in answer.question}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """The answers of a run of the usual cells without noise."""
    return _lines(write_run(tmp_path_factory.mktemp("quiet"), FakeRun(CELLS, noise=QUIET)))


@pytest.fixture(scope="module")
def grown(kind_run: Callable[[str], Path]) -> dict[str, tuple[str, ...]]:
    """The answers of a run of three sizes without noise."""
    return _lines(kind_run("quiet"))


def test_the_cheapest_of_each_work_is_named_with_the_next(quiet: dict[str, tuple[str, ...]]) -> None:
    """Of posix_spawn with 177 µs and subprocess_run with 230 µs, the first is the cheaper one, by 1.30 times."""
    fork, program, call = quiet["cheapest"]
    assert fork == "fork only: use `os_fork`, which takes 120 µs (120 to 120). It is the only one measured."
    assert program == (
        "run a program: use `posix_spawn`, which takes 177 µs (177 to 177). "
        "Next is `subprocess_run`, which takes 1.30 times as long (1.30 to 1.30)."
    )
    assert call.startswith("call in a new Python process: use `mp_spawn`, which takes 38.0 ms")


def test_what_noise_hides_is_not_ranked(tmp_path: Path) -> None:
    """Two mechanisms with the same true latency cannot be told apart, and no first one is made of them."""
    cells = [FakeCell(name, 177_000.0, 165_000.0, "exec", "native_spawn") for name in ("posix_spawn", "popen")]
    (line,) = _lines(write_run(tmp_path, FakeRun(cells)))["cheapest"]
    assert "This run cannot tell it from" in line
    assert "times as long" not in line


def test_pythons_share_is_what_is_beyond_the_control(quiet: dict[str, tuple[str, ...]]) -> None:
    """120 µs beside a control of 65 µs: 55 µs, and 1 - 65/120 = 45.8 %, are what Python adds."""
    assert quiet["own share"][0] == (
        "`os_fork` took 120 µs (120 to 120), and its control `native_fork` took 65.0 µs (65.0 to 65.0). "
        "Python adds 55.0 µs (55.0 to 55.0), or 45.8 % (45.8 to 45.8) of the whole."
    )


def test_page_faults_explain_a_fork(quiet: dict[str, tuple[str, ...]]) -> None:
    """40 + 57 faults beside 12 + 8 are 77 more; 55 µs over 77 are 714 ns for each; CPU time is 50 µs and 50 µs."""
    assert quiet["Why"][0] == (
        "`os_fork`: a call has 40 page faults in the parent and 57 in the child. "
        "Its C control has 12 in the parent and 8 in the child. "
        "That is 77 more faults, and 714 ns (714 to 714) of Python's own time for each of them. "
        "CPU time: 50.0 µs (50.0 to 50.0) in the parent, 50.0 µs (50.0 to 50.0) in the child."
    )


def test_memory_adds_what_its_pages_cost(grown: dict[str, tuple[str, ...]]) -> None:
    """50 ns for each of the 262,144 pages of a GiB are 13.1 ms; what does not grow is not given a figure of growth."""
    fork, program = grown["more memory"]
    assert fork.startswith(
        "`os_fork`: for each GiB of private memory 13.1 ms (13.1 to 13.1) between 6.68 MiB and 70.7 MiB, and 13.1 ms "
    )
    assert "The last is 50.0 ns (50.0 to 50.0) for each page of 4 KiB." in fork
    assert program.startswith("`subprocess_run`: this run shows no growth")


def test_the_break_even_is_given_with_what_was_measured(grown: dict[str, tuple[str, ...]]) -> None:
    """9,000,000 bytes and 20,000 pages are 86.7 MiB; the largest parent held 256 MiB more than a bare one."""
    first, second = grown["From which size"]
    assert first == (
        "Use `subprocess_run` from 86.7 MiB (86.7 to 86.7) of resident memory on, as measured up to 265 MiB. "
        "In the largest parent measured, `os_fork` took 3.40 ms (3.40 to 3.40) and `subprocess_run` took "
        "1.12 ms (1.12 to 1.12)."
    )
    assert "different work" in second


def test_every_interpreter_gets_its_answers(kind_run: Callable[[str], Path]) -> None:
    """With three interpreters in a run, each answer has a line for each of them, which begins with its name."""
    lines = _lines(kind_run("two interpreters"))
    for word in QUESTIONS:
        for python in ("3.9.18", "3.11.7", "3.11.7~2"):
            assert any(line.startswith(f"Python {python}: ") for line in lines[word])


def test_sizes_that_were_not_measured_are_asked_for(quiet: dict[str, tuple[str, ...]]) -> None:
    """Without parents of several sizes, both questions about size say how to measure them and give no figure."""
    for word in ("more memory", "From which size"):
        (line,) = quiet[word]
        assert line.startswith("This run cannot tell: ")
        assert "--scenario rss=0,64MiB,512MiB" in line


def test_without_a_control_no_share_is_given(kind_run: Callable[[str], Path]) -> None:
    """Python's own share needs a control: a run without one says so, and why there is none."""
    (line,) = _lines(kind_run("no control"))["own share"]
    assert line == "This run cannot tell: there is no C control (no C compiler was found)."


def test_foreign_benchmarks_are_shown_and_answer_nothing_else(kind_run: Callable[[str], Path]) -> None:
    """An imported run gives the median of each benchmark, ranks none, and says what it cannot tell."""
    lines = _lines(kind_run("imported"))
    assert list(lines) == ["What does this run say"]
    json_line, nop_line, last_line = lines["What does this run say"]
    assert json_line.startswith("`json_loads`: 3")
    assert nop_line.startswith("`nop × 1000 iterations`: 1")
    assert last_line.startswith("This run cannot tell: it was imported from pyperf, without a control")


@pytest.mark.parametrize(("kind", "rounds"), [("few rounds", 3), ("no rounds", 0), ("all failed", 0)])
def test_a_run_that_is_too_short_answers_nothing(kind_run: Callable[[str], Path], kind: str, rounds: int) -> None:
    """Fewer than six rounds carry no interval: the one answer says how many there are and how many it takes."""
    lines = _lines(kind_run(kind))
    assert list(lines) == ["What does this run say"]
    (line,) = lines["What does this run say"]
    assert f"more than {rounds} complete rounds, and an interval needs at least 6" in line


@pytest.mark.parametrize("kind", ["partial", "other parents", "imported"])
def test_every_answer_says_something(kind_run: Callable[[str], Path], kind: str) -> None:
    """Whatever the run is, each question has a line, and none shows a missing value as a number."""
    for lines in _lines(kind_run(kind)).values():
        assert lines
        assert not any("nan" in line.split() or "inf" in line.split() for line in lines)
