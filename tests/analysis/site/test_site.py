"""Holds what the pages of a site of fake runs link to and show."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from urllib.parse import unquote

from tests.analysis.site.small_sites import FIRST, SECOND, pages, publish_runs, small_run, some
from tests.hostile_run import harmful
from tests.rendered import elements

ALLOWED_SCRIPTS = 1  # the program's own


def test_links_lead_to_what_is_there_and_pages_load_nothing(looked_at: Path) -> None:
    """Every link inside the site has its file and anchor, and no page loads anything from elsewhere."""
    found = pages(looked_at)
    assert len(found) >= 4 + 3 + 4
    for path, page in found.items():
        for tag, attributes in page.found:
            place = attributes.get("src") or attributes.get("href")
            if not place or place.startswith("data:image/png;base64,"):
                continue
            if (tag, place) == ("link", "data:,"):
                continue  # no icon: a browser asks the server's root for one otherwise
            assert tag != "link", (path, place)
            if place.startswith("https://"):
                assert tag == "a", (path, place)  # a link of a document that a reader may follow
                continue
            file, _, anchor = unquote(place).partition("#")
            target = (path.parent / file).resolve() if file else path.resolve()
            assert target.is_relative_to(looked_at.resolve()), (path, place)
            assert target.is_file(), (path, place)
            if anchor and target.suffix == ".html":
                ids = [one.get("id") for _, one in found[target].found] if target in found else []
                assert anchor in ids, (path, place)
        assert not {"iframe", "object", "embed", "form"} & set(page.tags)


def test_hostile_texts_are_letters(looked_at: Path) -> None:
    """The only script is the program's own, no attribute runs anything, and no forbidden character is in a page."""
    for path, page in pages(looked_at).items():
        assert list(page.tags).count("script") == ALLOWED_SCRIPTS, path
        assert "b" not in page.tags
        assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
        assert not harmful([path.read_text(encoding="utf-8")])
    drawn = list(looked_at.rglob("*.svg"))
    assert drawn
    for path in drawn:
        tree = elements(path.read_text(encoding="utf-8"))
        assert not {"script", "style", "foreignobject", "a"} & set(tree.tags), path
        assert not harmful([path.read_text(encoding="utf-8")])


def test_a_run_page_is_small_and_has_its_files(results: Path, looked_at: Path) -> None:
    """The page is below 2 MiB; raw files are those of the run, and the archive holds all of them."""
    place = looked_at / f"machines/{FIRST}"
    assert (place / "index.html").stat().st_size < 2 << 20
    run = results / FIRST
    assert (place / "files/cells.csv").read_bytes() == (run / "cells.csv").read_bytes()
    with zipfile.ZipFile(place / "run.zip") as archive:
        assert "20261124T040000Z/run.json" in archive.namelist()
        assert len(archive.namelist()) == len(list((place / "files").iterdir()))


def test_figures_and_tables_have_words(looked_at: Path) -> None:
    """Every picture has a text, every table of a run a caption, and what scrolls has a label and takes the focus."""
    for page in pages(looked_at).values():
        for tag, attributes in page.found:
            if tag == "img":
                assert attributes.get("alt")
            if attributes.get("class") == "wide":
                assert (attributes["tabindex"], attributes["role"]) == ("0", "region")
                assert attributes["aria-label"]
    text = (looked_at / f"machines/{FIRST}/index.html").read_text()
    assert text.count("<table") == text.count("<caption>") > 2


def test_a_missing_report_is_made_for_the_site_alone(results: Path, looked_at: Path, tmp_path: Path) -> None:
    """A run without a report gets its page as if it had one, and nothing is written into the run."""
    bare = some(results, tmp_path / "results", FIRST)
    run = bare / FIRST
    shutil.rmtree(run / "report")
    before = sorted(run.iterdir())
    assert publish_runs(bare, tmp_path / "site") == 0
    assert sorted(run.iterdir()) == before
    page = f"machines/{FIRST}/index.html"
    made, stored = ((site / page).read_text() for site in (tmp_path / "site", looked_at))
    assert "were made from the raw files for this page" in made
    assert "None of them was made anew" in stored
    # Read back from report.md or made anew, a page has the same parts.
    parts = [
        [one for one in elements(text).found if one[0] in ("figure", "table", "caption")] for text in (made, stored)
    ]
    assert parts[0] == parts[1]
    reasons = [re.findall(r"<h3>.*</h3>\n<p>Not drawn: .*</p>", text) for text in (made, stored)]
    assert reasons[0] == reasons[1]
    assert "Not drawn: no mechanism was measured in parents of several sizes; <code>" in reasons[1][0]


def test_a_forged_report_is_not_shown_when_all_are_made_anew(results: Path, tmp_path: Path) -> None:
    """With --redraw a sentence and a figure that do not follow from the raw files are not on the page."""
    forged = some(results, tmp_path / "results", FIRST)
    report = forged / FIRST / "report/report.md"
    report.write_text(report.read_text().replace("## Answers\n", "## Answers\n\n**Who wins?**\n- Our own fork does.\n"))
    page = f"machines/{FIRST}/index.html"
    assert publish_runs(forged, tmp_path / "site") == 0
    assert "Our own fork does." in (tmp_path / "site" / page).read_text()
    assert publish_runs(forged, tmp_path / "site", "--redraw") == 0
    assert "Our own fork does." not in (tmp_path / "site" / page).read_text()


def test_a_machine_shows_its_trend_and_keeps_labels_apart(results: Path, tmp_path: Path) -> None:
    """Two runs make a figure with its table; a run with a label is in neither, and a label of one run is named."""
    labelled = some(results, tmp_path / "results", FIRST, SECOND)
    shutil.copytree(results / FIRST / "report", small_run(labelled, f"{SECOND}-mine") / "report")
    assert publish_runs(labelled, tmp_path / "site") == 0
    place = tmp_path / "site/machines/one"
    page = elements((place / "index.html").read_text())
    assert "Labels with one run so far: mine." in page.text
    assert "Runs with the label" not in page.text
    assert "more runs for a verdict" in page.text
    assert [dict(attributes)["id"] for tag, attributes in page.found if tag == "figure"].count("trend") == 1
    rows = (place / "trend.csv").read_text().splitlines()
    assert {row.split(",")[4] for row in rows[1:]} == {"20261124T040000Z", "20261125T040000Z"}


def test_a_run_may_be_called_like_a_page(results: Path, tmp_path: Path) -> None:
    """A directory named index.html takes no page's place."""
    named = tmp_path / "results"
    shutil.copytree(results / FIRST, named / "one/index.html")
    assert publish_runs(named, tmp_path / "site") == 0
    assert (tmp_path / "site/machines/one/index.html").is_file()
