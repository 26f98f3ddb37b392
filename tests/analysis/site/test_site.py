"""Holds what a site of fake runs links to, shows, and writes anew."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from analysis.__main__ import main
from analysis.site.build import build
from analysis.site.command import DOCS
from analysis.site.files import put
from tests.fake_run import QUIET, FakeRun, write_run
from tests.few_figures import few_figures
from tests.hostile_run import harmful, hostile_run
from tests.rendered import Elements, elements

DRAWN = ("mechanisms", "size")
ALLOWED_SCRIPTS = 1  # the program's own


@pytest.fixture(scope="module", autouse=True)
def _few_figures() -> Iterator[None]:
    """Draw two figures instead of all, which takes long."""
    with few_figures(*DRAWN):
        yield


@pytest.fixture(scope="module")
def results(_few_figures: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a machine, one of another, and a hostile one, with their reports; copy before a change."""
    folder = tmp_path_factory.mktemp("results")
    drawn = write_run(folder, FakeRun(run="20261124T040000Z", machine="one", rounds=7, noise=QUIET))
    assert main(["report", str(drawn)]) == 0
    for run, machine in (("20261125T040000Z", "one"), ("20261124T050000Z", "other-machine")):
        other = write_run(folder, FakeRun(run=run, machine=machine, rounds=7, noise=QUIET))
        shutil.copytree(drawn / "report", other / "report")
    hostile_run(folder)
    return folder


@pytest.fixture(scope="module")
def first(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of these runs; copy before a change."""
    site = tmp_path_factory.mktemp("site") / "site"
    assert publish(results, site) == 0
    return site


@pytest.fixture
def site(first: Path, tmp_path: Path) -> Path:
    """A site of these runs, to change."""
    return Path(shutil.copytree(first, tmp_path / "site"))


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


def contents(site: Path) -> dict[str, bytes]:
    """Every file of a site."""
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


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
    run = changed / "other-machine/20261124T050000Z"
    shutil.rmtree(run)
    write_run(changed, FakeRun(run=run.name, machine="other-machine", rounds=8))
    shutil.copytree(results / "other-machine" / run.name / "report", run / "report")
    before = states(site)
    assert publish(changed, site) == 0
    after = states(site)
    new = {place for place in after if after[place] != before.get(place)}
    assert "machines/other-machine/20261124T050000Z/index.html" in new
    assert {"index.html", "machines/other-machine/index.html", "site.json"} <= new
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


def test_what_is_gone_is_taken_away_and_nothing_else(results: Path, site: Path, tmp_path: Path) -> None:
    """Pages of a run and a machine that are no longer there go; a file that somebody put beside them stays."""
    fewer = shutil.copytree(results, tmp_path / "fewer")
    shutil.rmtree(fewer / "other-machine")
    shutil.rmtree(fewer / "one/20261124T040000Z")
    mine = site / "machines/one/20261124T040000Z/mine.txt"
    mine.write_text("mine")
    assert publish(fewer, site) == 0
    assert not (site / "machines/other-machine").exists()
    assert list(mine.parent.iterdir()) == [mine]
    assert (site / "machines/one/20261125T040000Z/index.html").is_file()
    assert not (site / "machines/one/trend.svg").exists()
    assert "other-machine" not in elements((site / "index.html").read_text()).text.split()


def test_the_record_leads_nowhere_else(results: Path, site: Path, tmp_path: Path) -> None:
    """A record that names files outside of the site, or behind a link, takes none of them away."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (site / "link").symlink_to(outside)
    record = json.loads((site / "site.json").read_text())
    names = ["../outside/kept", str(outside / "kept"), "link/kept", "site.json", ""]
    record["made"]["machines/gone"] = {"digest": "", "files": names, "about": {}}
    (site / "site.json").write_text(json.dumps(record))
    assert publish(results, site) == 0
    assert (outside / "kept").read_text() == "kept"
    assert "machines/gone" not in json.loads((site / "site.json").read_text())["made"]


def test_an_interrupted_build_is_mended(
    results: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interrupt amid a run's files, the next build gives the site of an undisturbed one, down to each byte."""
    site = tmp_path / "site"
    count = 0

    def interrupted(place: Path, name: str, content: bytes | str) -> bool:
        nonlocal count
        count += 1
        if count == 20:
            raise KeyboardInterrupt
        return put(place, name, content)

    with monkeypatch.context() as changed:
        changed.setattr("analysis.site.build.put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(results, DOCS, site)
    assert not (site / "index.html").exists()
    assert publish(results, site) == 0
    assert contents(site) == contents(first)


def test_files_of_a_killed_build_are_known_to_the_next(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that is killed leaves no file that the next one, of fewer runs, does not take away."""
    site, fewer = tmp_path / "site", shutil.copytree(results, tmp_path / "fewer")
    shutil.rmtree(fewer / "one")

    class Killed(BaseException):
        pass

    def killed(place: Path, name: str, content: bytes | str) -> bool:
        if name.startswith("machines/other-machine"):
            raise Killed
        return put(place, name, content)

    with monkeypatch.context() as changed:
        changed.setattr("analysis.site.build.put", killed)
        changed.setattr("analysis.site.build._Build._settle", lambda self: None)
        with pytest.raises(Killed):
            build(results, DOCS, site)
    assert (site / "machines/one/20261124T040000Z/run.zip").is_file()
    assert publish(fewer, site) == 0
    assert not (site / "machines/one").exists()


def test_a_missing_report_is_made_for_the_site_alone(results: Path, first: Path, tmp_path: Path) -> None:
    """A run without a report gets its page as if it had one, and nothing is written into the run."""
    bare = tmp_path / "results"
    run = Path(shutil.copytree(results / "one/20261124T040000Z", bare / "one/20261124T040000Z"))
    shutil.rmtree(run / "report")
    before = sorted(run.iterdir())
    assert publish(bare, tmp_path / "site") == 0
    assert sorted(run.iterdir()) == before
    page = "machines/one/20261124T040000Z/index.html"
    made, stored = ((site / page).read_text() for site in (tmp_path / "site", first))
    assert "were made from the raw files for this page" in made
    assert "None of them was made anew" in stored
    # Read back from report.md or made anew, a page has the same parts.
    parts = [
        [one for one in elements(text).found if one[0] in ("figure", "table", "caption")] for text in (made, stored)
    ]
    assert parts[0] == parts[1]


def test_a_forged_report_is_not_shown_when_all_are_made_anew(results: Path, tmp_path: Path) -> None:
    """With --redraw a sentence and a figure that do not follow from the raw files are not on the page."""
    forged = tmp_path / "results"
    run = shutil.copytree(results / "one/20261124T040000Z", forged / "one/20261124T040000Z")
    report = run / "report/report.md"
    report.write_text(report.read_text().replace("## Answers\n", "## Answers\n\n**Who wins?**\n- Our own fork does.\n"))
    page = "machines/one/20261124T040000Z/index.html"
    assert publish(forged, tmp_path / "site") == 0
    assert "Our own fork does." in (tmp_path / "site" / page).read_text()
    assert main(["publish", "--results", str(forged), "--site", str(tmp_path / "site"), "--redraw"]) == 0
    assert "Our own fork does." not in (tmp_path / "site" / page).read_text()


def test_a_machine_shows_its_trend_and_keeps_labels_apart(results: Path, tmp_path: Path) -> None:
    """Two runs make a figure with its table; a run with a label is in neither, and a single one is said to be so."""
    labelled = tmp_path / "results"
    for run in ("one/20261124T040000Z", "one/20261125T040000Z"):
        shutil.copytree(results / run, labelled / run)
    write_run(labelled, FakeRun(run="20261126T040000Z-mine", machine="one", rounds=7, noise=QUIET))
    other = labelled / "one/20261126T040000Z-mine"
    shutil.copytree(results / "one/20261124T040000Z/report", other / "report")
    assert publish(labelled, tmp_path / "site") == 0
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
    shutil.copytree(results / "one/20261124T040000Z", named / "one/index.html")
    assert publish(named, tmp_path / "site") == 0
    assert (tmp_path / "site/machines/one/index.html").is_file()
