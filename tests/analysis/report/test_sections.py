"""What a report says of each kind of run: warnings first, no place or host, names as they are, figures of each cell."""

from __future__ import annotations

import getpass
import platform
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.read.run import load_run
from analysis.report import machine_sections, sections, write
from analysis.summary.analysed_run import AnalysedRun
from tests.analysis.report.filled import CHECKS, context, render
from tests.fake_kinds import KINDS
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

UNFIT = "load: other programs use 1.90 of 2 CPUs; end other programs"


def test_an_unfit_machine_is_the_first_line(tmp_path: Path, kind_run: Callable[[str], Path]) -> None:
    """What makes a machine unfit stands before everything else, in the text and in the page's body."""
    run = write_run(tmp_path, FakeRun(rounds=6, document={"unfit": [UNFIT]}))
    assert (
        render(run)
        .splitlines()[0]
        .startswith("**This machine was not fit to measure on: load: other programs use 1.90 of 2 CPUs")
    )
    body = render(run, "index.html").split("<body>")[1]
    assert body.strip().splitlines()[0].startswith('<p class="unfit" role="alert">')
    assert "not fit" not in render(kind_run("usual"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_a_report(kind_run: Callable[[str], Path], kind: str) -> None:
    """Whatever the run is, both templates are filled, without a missing value shown as one."""
    known = context(kind_run(kind))
    for name in ("report.md", "index.html"):
        text = write.environment().get_template(f"{name}.j2").render(known)
        text = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(nan|None|inf|NaT)\b", text)


def test_a_partial_run_and_an_imported_one_say_so(kind_run: Callable[[str], Path]) -> None:
    """The sentence under the title says that a run was ended early, or where it came from."""
    assert "The run is partial: " in render(kind_run("partial"))
    imported = render(kind_run("imported"))
    assert "It was imported from pyperf: no control was measured, so times are absolute only." in imported
    assert "python -m analysis import-pyperf FILE" in imported


def test_nothing_names_a_place_or_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in errors, reasons and facts are cut to their last part; nobody asks for the name of the host or user."""
    for module, name in ((socket, "gethostname"), (platform, "node"), (getpass, "getuser"), (Path, "home")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("asked who or where we are"))
    home = "/home/somebody/.pyenv/versions/3.11.7/bin/python3.11"
    document = {
        "unfit": [f"python: {home} is a wrapper; use ~/bin/python3"],
        "unavailable": [
            {"python": "x", "mechanism": "m", "scenario": "s", "level": "l", "reason": f"{home}: no /bin/sh"}
        ],
        "machine_facts": {"cpu_model_name": "Example CPU", "libc": f"glibc at {tmp_path}"},
    }
    run = write_run(tmp_path, FakeRun(rounds=6, document=document))
    for name in ("report.md", "index.html"):
        text = render(run, name)
        assert "…/python3.11" in text
        assert "/bin/sh" in text
        for word in ("somebody", "pyenv", "~/", str(tmp_path)):
            assert word not in text


def test_names_that_look_like_markup_stay_names(tmp_path: Path) -> None:
    """A level with markup in it neither breaks the page nor the table of the text."""
    cells = [FakeCell(level="<b>|x_y*"), FakeCell()]
    run = write_run(tmp_path, FakeRun(cells, rounds=6))
    html = render(run, "index.html")
    assert "<b>" not in html
    assert "&lt;b&gt;|x_y*" in html
    row = next(line for line in render(run).splitlines() if "x_y" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 11
    assert r"parent=\<b\>\|x_y\*" in row


def test_a_table_row_holds_the_figures_of_its_cell(tmp_path: Path) -> None:
    """120 µs with a control of 65 µs: 1.85 times; 60 % of it blocked; 40 and 57 faults; 10 rounds of 80 calls."""
    analysed = AnalysedRun(load_run(write_run(tmp_path, FakeRun(noise=QUIET))))
    table = next(table for table in sections.tables(analysed) if table["title"] == "fork only")
    assert table["rows"][0] == [
        "`os_fork`", "parent=bare", "fork", "120 µs (120 to 120)", "120 µs (120 to 120)", "1.85 (1.85 to 1.85)",
        "72.0 µs (72.0 to 72.0)", "40.0 + 57.0", "800", "10",
    ]  # fmt: skip
    assert len(table["columns"]) == len(table["rows"][0])


def test_the_certificate_shows_value_bound_and_state(tmp_path: Path) -> None:
    """Each check stands with its bound in its own direction; one that could not be measured has no value."""
    document = {"certificate": {"checks": CHECKS, "passed": False}}
    analysed = AnalysedRun(load_run(write_run(tmp_path, FakeRun([FakeCell()], rounds=6, document=document))))
    shown = machine_sections.certificate(analysed)
    assert [row[1:4] for row in shown["rows"]] == [
        ["1.01", "at most 1.03", "yes"],
        ["66 ns", "at most 1000 ns", "yes"],
        ["0.49", "at least 0.65", "NO"],
        ["–", "at most 0.01", "not measured"],
        ["0 processes", "at most 0 processes", "yes"],
    ]
    assert shown["note"].endswith(
        "2 of 5 checks did not pass (`share_in_calls` failed; `known_delay_error` could not be measured)."
    )


def test_many_errors_are_counted_not_listed(kind_run: Callable[[str], Path]) -> None:
    """Of 70 failed subjects the first 40 are shown, then how many more there are and which file has them."""
    analysed = AnalysedRun(load_run(kind_run("all failed")))
    rows = sections.errors(analysed)
    assert len(rows) == sections.MOST_ERRORS + 1
    assert rows[0] == ["`native_fork` parent=bare, Python 3.11.7", "0", "the child exited with status 1"]
    assert rows[-1] == ["and 30 more", "", "subjects.csv has them all"]
