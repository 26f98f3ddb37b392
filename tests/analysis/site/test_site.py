"""Holds what a site of fake runs links to, shows, and writes anew."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from analysis.__main__ import main
from tests.fake_run import QUIET, FakeRun, write_run
from tests.hostile_run import harmful, hostile_run
from tests.rendered import Elements, elements

ALLOWED_SCRIPTS = 1  # the program's own


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a machine, one of another, and a hostile one, with their reports; copy before a change."""
    folder = tmp_path_factory.mktemp("results")
    drawn = write_run(folder, FakeRun(run="20261124T040000Z", machine="one", rounds=7, noise=QUIET))
    assert main(["report", str(drawn)]) == 0
    for run, machine in (("20261125T040000Z", "one"), ("20261124T050000Z", "two")):
        other = write_run(folder, FakeRun(run=run, machine=machine, rounds=7, noise=QUIET))
        shutil.copytree(drawn / "report", other / "report")  # to draw takes seconds
    hostile_run(folder)
    assert main(["publish", "--results", str(folder), "--site", str(tmp_path_factory.mktemp("first"))]) == 0
    return folder


@pytest.fixture
def site(results: Path, tmp_path: Path) -> Path:
    """A site of these runs."""
    assert publish(results, tmp_path / "site") == 0
    return tmp_path / "site"


def publish(results: Path, site: Path) -> int:
    """The exit status of the command."""
    return main(["publish", "--results", str(results), "--site", str(site)])


def pages(site: Path) -> dict[Path, Elements]:
    """All pages of a site, parsed."""
    return {path: elements(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def states(site: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file: a file that was written anew has another inode."""
    files = (path for path in site.rglob("*") if path.is_file())
    return {str(path.relative_to(site)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_links_lead_to_what_is_there_and_pages_load_nothing(site: Path) -> None:
    """Every link inside the site has its file and anchor, and no page loads anything from elsewhere."""
    found = pages(site)
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
            assert target.is_relative_to(site.resolve()), (path, place)
            assert target.is_file(), (path, place)
            if anchor and target.suffix == ".html":
                ids = [one.get("id") for _, one in found[target].found] if target in found else []
                assert anchor in ids, (path, place)
        assert not {"iframe", "object", "embed", "form"} & set(page.tags)


def test_hostile_texts_are_letters(site: Path) -> None:
    """The only script is the program's own, no attribute runs anything, and no forbidden character is in a page."""
    for path, page in pages(site).items():
        assert list(page.tags).count("script") == ALLOWED_SCRIPTS, path
        assert "b" not in page.tags
        assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
        assert not harmful([path.read_text(encoding="utf-8")])
    drawn = list(site.rglob("*.svg"))
    assert drawn
    for path in drawn:
        tree = elements(path.read_text(encoding="utf-8"))
        assert not {"script", "style", "foreignobject", "a"} & set(tree.tags), path
        assert not harmful([path.read_text(encoding="utf-8")])


def test_a_second_build_writes_nothing(results: Path, site: Path) -> None:
    """Without a change no file is written again."""
    before = states(site)
    assert publish(results, site) == 0
    assert states(site) == before


def test_a_changed_run_makes_its_page_and_those_above_it(results: Path, site: Path, tmp_path: Path) -> None:
    """A run with other rounds gets a new page, the front page follows, and pages of other runs stay."""
    changed = shutil.copytree(results, tmp_path / "changed")
    run = changed / "two/20261124T050000Z"
    shutil.rmtree(run)
    write_run(changed, FakeRun(run=run.name, machine="two", rounds=8))
    shutil.copytree(results / "two" / run.name / "report", run / "report")
    before = states(site)
    assert publish(changed, site) == 0
    after = states(site)
    new = {place for place in after if after[place] != before.get(place)}
    assert "machines/two/20261124T050000Z/index.html" in new
    assert {"index.html", "machines/two/index.html", "site.json"} <= new
    assert not [place for place in new if place.startswith("machines/one/")]


def test_a_run_page_is_small_and_has_its_files(results: Path, site: Path) -> None:
    """The page is below 2 MiB; raw files are those of the run, and the archive holds all of them."""
    place = site / "machines/one/20261124T040000Z"
    assert (place / "index.html").stat().st_size < 2 << 20
    run = results / "one/20261124T040000Z"
    assert (place / "files/cells.csv").read_bytes() == (run / "cells.csv").read_bytes()
    with zipfile.ZipFile(place / "run.zip") as archive:
        assert "20261124T040000Z/run.json" in archive.namelist()
        assert len(archive.namelist()) == len(list((place / "files").iterdir()))


def test_figures_and_tables_have_words(site: Path) -> None:
    """Every picture has a text, every table of a run a caption, and what scrolls has a label and takes the focus."""
    for page in pages(site).values():
        for tag, attributes in page.found:
            if tag == "img":
                assert attributes.get("alt")
            if attributes.get("class") == "wide":
                assert (attributes["tabindex"], attributes["role"]) == ("0", "region")
                assert attributes["aria-label"]
    text = (site / "machines/one/20261124T040000Z/index.html").read_text()
    assert text.count("<table") == text.count("<caption>") > 2


def test_links_are_neither_read_nor_followed(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A raw file that is a link leaves its run out, in one line; a link in the site's place is not written through."""
    changed = shutil.copytree(results, tmp_path / "changed")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    summary = changed / "one/20261124T040000Z/summary.csv"
    summary.unlink()
    summary.symlink_to(secret)
    place = tmp_path / "site"
    assert publish(changed, place) == 1
    assert re.search(r"left out: .*summary\.csv: cannot be read", capsys.readouterr().err)
    assert not (place / "machines/one/20261124T040000Z").exists()
    (place / "index.html").unlink()
    (place / "index.html").symlink_to(secret)
    publish(changed, place)
    assert secret.read_text() == "secret"
    assert not (place / "index.html").is_symlink()


def test_a_folder_of_something_else_is_left_alone(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that holds no site is refused in one line, and nothing is written there."""
    (tmp_path / "mine").write_text("mine")
    assert publish(results, tmp_path) == 2
    assert "holds something else" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
