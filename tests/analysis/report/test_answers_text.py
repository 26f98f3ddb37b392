"""The answers on a terminal: the first sentences of the report's lines, narrow enough to read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.answers import Answer, answers
from analysis.answers.parts import UNTOLD, cannot_tell
from analysis.read.run import load_run
from analysis.report.answers_text import WIDTH, first_sentence, told, untold, write_answers
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import CELLS, QUIET, FakeRun, write_run
from tests.few_figures import few_figures


def test_the_first_sentence_is_the_answer() -> None:
    """A sentence ends before a capital letter or code; a point in a number or a file's name ends none."""
    assert first_sentence("Use `a` from 1.5 MiB (1.2 to 1.8) on. In all others, b. And c.") == (
        "Use `a` from 1.5 MiB (1.2 to 1.8) on."
    )
    assert first_sentence("Python 3.11.7: `a` is best. `b` is next.") == "Python 3.11.7: `a` is best."
    assert first_sentence("One only") == "One only"


def test_only_what_tells_what_to_do_is_shown() -> None:
    """An answer that says why is for the report; a long line goes on below itself, further in."""
    stream = io.StringIO()
    write_answers([Answer("Which?", (f"Use {'x ' * 60}end. Because.",)), Answer("Why?", ("So.",), False)], stream)
    blank, question, first, second = stream.getvalue().split("\n")[:4]
    assert (blank, question) == ("", "Which?")
    assert first.startswith("  Use x")
    assert len(first) <= WIDTH
    assert second.startswith("    x")
    assert second.endswith("end.")
    assert "Why?" not in stream.getvalue()


def test_what_a_run_cannot_tell_is_counted_and_not_spelled_out() -> None:
    """Lines that have a reason in the place of an answer are left out; where nothing else is left they are counted."""
    stream = io.StringIO()
    reason = cannot_tell("no pool was measured")
    write_answers([Answer("Which?", ("Use a.", reason)), Answer("When?", (reason,)), Answer("So?", (reason,))], stream)
    assert stream.getvalue().splitlines() == [
        "", "Which?", "  Use a.", "", "2 more questions this run cannot tell; the report says what would."
    ]  # fmt: skip


def test_a_page_has_what_a_run_cannot_tell_apart_from_its_answers() -> None:
    """A reason stands without the words that are above all reasons; a question may be answered in part."""
    pool = f"Python 3.12: {UNTOLD} from how many tasks on."
    shown = [Answer("Which?", ("Use a.", cannot_tell("no pool was measured"))), Answer("When?", (pool,))]
    assert told(shown) == [Answer("Which?", ("Use a.",))]
    assert untold(shown) == [Answer("Which?", ("No pool was measured.",)), Answer("When?", (pool,))]


def test_the_report_prints_its_answers_behind_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`report --table` prints table, answers and place; all words of an answer stand in the report as well."""
    run = write_run(tmp_path, FakeRun(CELLS, noise=QUIET))
    with few_figures("mechanisms"):
        assert main(["report", "--table", str(run)]) == 0
    output = capsys.readouterr().out
    table, _, rest = output.partition("\nWhat is the cheapest way")
    assert "os_fork" in table
    assert rest.splitlines()[-1].startswith("report: ")
    report = " ".join((run / "report" / "report.md").read_text(encoding="utf-8").split())
    for answer in answers(AnalysedRun(load_run(run))):
        for line in [line for line in answer.lines if answer.decides and not line.startswith(UNTOLD)]:
            assert first_sentence(line) in " ".join(output.split())
            assert first_sentence(line) in report
    assert all(len(line) <= WIDTH for line in rest.splitlines()[:-1])
