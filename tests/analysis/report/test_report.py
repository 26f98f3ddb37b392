"""The report of a run: whole, self-contained, accessible, the same every time, and naming no place or host."""

from __future__ import annotations

import getpass
import itertools
import platform
import re
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis import figures
from analysis.__main__ import main
from analysis.figures import Picture
from analysis.read.run import load_run
from analysis.report import components, machine_sections, sections, write
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import summarise, write_summary
from tests.fake_kinds import KINDS
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run
from tests.few_figures import few_figures

VOID = {"meta", "img", "br", "link", "input", "hr"}
CHECKS = [
    {"name": name, "value": value, "unit": unit, "bound": bound, "direction": direction, "state": state, "text": text}
    for name, value, unit, bound, direction, state, text in (
        ("observer_effect", 1.01, "1", 1.03, "at_most", "passed", "over a loop"),
        ("timer_cost", 66, "ns", 1000.0, "at_most", "passed", "one reading"),
        ("share_in_calls", 0.49, "1", 0.65, "at_least", "failed", "of wall time"),
        ("known_delay_error", None, "1", 0.01, "at_most", "not_measured", "could not be measured: no fork"),
        ("processes_left", 0, "processes", 0, "at_most", "passed", "still there"),
    )
]
UNFIT = "load: other programs use 1.90 of 2 CPUs; end other programs"


@dataclass
class Page(HTMLParser):
    """What a page holds: elements with their attributes, and what is wrong with their nesting."""

    open: list[str] = field(default_factory=list)
    found: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element, and that it is open."""
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last, or note that it is another one."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        """Collect what a reader sees, and the style sheet."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of this kind."""
        return [attributes for name, attributes in self.found if name == tag]


def _read(path: Path) -> Page:
    parsed = Page()
    parsed.feed(path.read_text(encoding="utf-8"))
    parsed.close()
    return parsed


def _document() -> dict[str, object]:
    return {
        "certificate": {"checks": CHECKS, "passed": False},
        "unavailable": [
            {"python": "3.11.7", "mechanism": "os_fork", "scenario": "rss", "level": "1GiB", "reason": "more than fits"}
        ],
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a run with all that a report can hold, beside what else `analysis report` makes."""
    cells = [*FakeRun().cells, FakeCell("popen", 2e5, 1.6e5, "exec", "native_spawn", failing_rounds=(3,))]
    run = write_run(tmp_path_factory.mktemp("written"), FakeRun(cells, document=_document()))
    assert main(["report", str(run)]) == 0
    return run / "report"


@pytest.fixture(scope="module")
def index(written: Path) -> Page:
    """Its index.html."""
    return _read(written / "index.html")


def _context(run: Path) -> dict[str, object]:
    """What a report of a run shows, without drawing its figures."""
    analysed = AnalysedRun(load_run(run))
    return write.context(
        analysed, [Picture(kind.name, kind.title, reason="not drawn here") for kind in figures.kinds()]
    )


def _render(run: Path, name: str = "report.md") -> str:
    return write.environment().get_template(f"{name}.j2").render(_context(run))


def test_a_report_is_a_page_a_text_and_two_files_a_figure(written: Path) -> None:
    """index.html, report.md, and an SVG and PNG of every figure whose cells this run has."""
    asked_for = ("size", "phases", "first_write", "at_once", "workers", "pythons")
    drawn = [kind.name for kind in figures.kinds() if kind.name not in asked_for]
    expected = {"index.html", "report.md", *(f"{name}.{kind}" for name in drawn for kind in ("svg", "png"))}
    assert {path.name for path in written.iterdir()} == expected


def test_the_page_is_well_formed(index: Page) -> None:
    """Every element is closed where it should be, ids are there once, and links lead to them."""
    assert index.wrong == []
    assert index.open == []
    ids = Counter(attributes["id"] for _, attributes in index.found if "id" in attributes)
    assert max(ids.values()) == 1
    links = [str(attributes["href"]) for attributes in index.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= {str(name) for name in ids}


def test_the_page_needs_nothing_but_itself(written: Path, index: Page) -> None:
    """No style sheet or image from elsewhere, its own script alone may run, and links lead to files of the run only."""
    text = (written / "index.html").read_text(encoding="utf-8")
    script = (components.TEMPLATES / "page.js").read_text(encoding="utf-8")
    assert text.count("<script") == text.count(f"<script>{script}</script>") == 1
    (rules,) = (each["content"] for each in index.all("meta") if "http-equiv" in each)
    assert rules == components.policy(script)
    assert [attributes["href"] for attributes in index.all("link")] == ["data:,"]  # no icon is asked for
    assert not {"img", "iframe", "object", "form"} & {tag for tag, _ in index.found}
    for attributes in index.all("a"):
        link = str(attributes["href"])
        assert link.startswith("#") or (written / link).is_file()
    assert not re.search(r"https?:|url\((?!#)|@import", text)


def test_every_figure_has_its_data_as_a_table(index: Page) -> None:
    """What can be pointed at in figures is told in rows with its series, and its ids are there once."""
    marks = [attributes for attributes in index.all("g") if attributes.get("class") == "mark"]
    rows = [attributes["data-series"] for attributes in index.all("tr") if "data-series" in attributes]
    assert len(marks) > 10
    for mark in marks:
        assert mark["data-series"] in rows
        assert str(mark["data-value"]) in index.text
    pressed = [attributes for attributes in index.all("button") if "aria-pressed" in attributes]
    assert {each["data-series"] for each in pressed} <= {mark["data-series"] for mark in marks}


def test_a_name_on_a_narrow_screen_holds_what_is_folded_into_it(index: Page) -> None:
    """Columns of words besides the first one can be left out: the first has them, and the median stands next to it."""
    heads = [attributes.get("class") for attributes in index.all("th") if attributes.get("scope") == "col"]
    assert heads.count("fold") >= 2
    assert "parent=bare, fork" in index.text


def test_the_page_can_be_used_without_seeing_it(index: Page) -> None:
    """Figures have their sentence as text, headings go down one step at a time, tables have headers with a scope."""
    assert index.all("html")[0]["lang"] == "en"
    (told,) = (str(each["content"]) for each in index.all("meta") if each.get("name") == "description")
    assert told.startswith("Cheapest here: fork only with os_fork (")
    drawings = [attributes for attributes in index.all("svg") if attributes.get("role") == "img"]
    assert len(drawings) == len(index.all("figure")) > 2
    assert all(len(str(attributes["aria-label"])) > 40 for attributes in drawings)
    levels = [int(tag[1]) for tag, _ in index.found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert {attributes.get("scope") for attributes in index.all("th")} == {"row", "col"}
    assert len(index.all("caption")) == len(index.all("table")) > 5
    regions = [attributes for attributes in index.all("div") if attributes.get("class") == "wide"]
    assert all((each["tabindex"], each["role"]) == ("0", "region") and each["aria-label"] for each in regions)
    assert len({each["aria-label"] for each in regions}) == len(regions)
    assert "prefers-color-scheme: dark" in index.text


def test_page_and_text_say_the_same(written: Path, index: Page) -> None:
    """Title, every answer, the failed subject, what was not available and the failed check are in both."""
    text = (written / "report.md").read_text(encoding="utf-8")
    for part in (
        "Fork latency on fake-2cpu, 2026-11-24 04:00 UTC",
        "What is the cheapest way for each kind of work?",
        "the child exited with status 1",
        "more than fits",
        "2 of 5 checks did not pass",
        "at least 0.65",
        "Not drawn: no mechanism was measured in parents of several sizes",
        "python -m bench run --profile standard --budget 60 --seed 1",
    ):
        assert part in text
        assert part in index.text


def test_the_same_run_gives_the_same_report(tmp_path: Path) -> None:
    """From two copies in two places, one with what is derived from it, a report has the same bytes."""
    runs = [write_run(tmp_path / name, FakeRun(rounds=6)) for name in "ab"]
    newer = load_run(runs[1])
    write_summary(newer, summarise(newer))
    with few_figures("mechanisms", "calls"):
        one, other = (
            {path.name: path.read_bytes() for path in write.write_report(AnalysedRun(load_run(run))).parent.iterdir()}
            for run in runs
        )
    assert one == other


def test_an_unfit_machine_is_the_first_line(tmp_path: Path, kind_run: Callable[[str], Path]) -> None:
    """What makes a machine unfit stands before everything else, in the text and in the page's body."""
    run = write_run(tmp_path, FakeRun(rounds=6, document={"unfit": [UNFIT]}))
    assert (
        _render(run)
        .splitlines()[0]
        .startswith("**This machine was not fit to measure on: load: other programs use 1.90 of 2 CPUs")
    )
    body = _render(run, "index.html").split("<body>")[1]
    assert body.strip().splitlines()[0].startswith('<p class="unfit" role="alert">')
    assert "not fit" not in _render(kind_run("usual"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_a_report(kind_run: Callable[[str], Path], kind: str) -> None:
    """Whatever the run is, both templates are filled, without a missing value shown as one."""
    known = _context(kind_run(kind))
    for name in ("report.md", "index.html"):
        text = write.environment().get_template(f"{name}.j2").render(known)
        text = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(nan|None|inf|NaT)\b", text)


def test_a_partial_run_and_an_imported_one_say_so(kind_run: Callable[[str], Path]) -> None:
    """The sentence under the title says that a run was ended early, or where it came from."""
    assert "The run is partial: " in _render(kind_run("partial"))
    imported = _render(kind_run("imported"))
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
        text = _render(run, name)
        assert "…/python3.11" in text
        assert "/bin/sh" in text
        for word in ("somebody", "pyenv", "~/", str(tmp_path)):
            assert word not in text


def test_names_that_look_like_markup_stay_names(tmp_path: Path) -> None:
    """A level with markup in it neither breaks the page nor the table of the text."""
    cells = [FakeCell(level="<b>|x_y*"), FakeCell()]
    run = write_run(tmp_path, FakeRun(cells, rounds=6))
    html = _render(run, "index.html")
    assert "<b>" not in html
    assert "&lt;b&gt;|x_y*" in html
    row = next(line for line in _render(run).splitlines() if "x_y" in line)
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
