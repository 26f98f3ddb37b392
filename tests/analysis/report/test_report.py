"""The report of a run: whole, self-contained, accessible, and the same every time."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis import figures
from analysis.__main__ import main
from analysis.read.run import load_run
from analysis.report import components, write
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import summarise, write_summary
from tests.analysis.report.filled import CHECKS
from tests.fake_run import FakeCell, FakeRun, write_run
from tests.few_figures import few_figures

VOID = {"meta", "img", "br", "link", "input", "hr"}


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
