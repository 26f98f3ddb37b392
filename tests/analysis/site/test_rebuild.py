"""Holds what a build writes anew, mends, takes away and leaves alone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from analysis.errors import LoadError
from analysis.site.build import build
from analysis.site.command import DOCS
from analysis.site.files import digest, digest_of_files, put
from tests.analysis.site.small_sites import FIRST, OTHER, SECOND, contents, publish, publish_runs, small_run, some
from tests.fake_run import Noise
from tests.rendered import elements


def states(site: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file: a file that was written anew has another inode."""
    files = (path for path in site.rglob("*") if path.is_file())
    return {str(path.relative_to(site)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_a_second_build_writes_nothing(results: Path, site: Path) -> None:
    """Without a change no file is written again."""
    before = states(site)
    assert publish(results, site) == 0
    assert states(site) == before


def test_a_changed_run_makes_its_page_and_those_above_it(results: Path, site: Path, tmp_path: Path) -> None:
    """A run with other figures gets a new page, the front page follows, and pages of other runs stay."""
    changed = shutil.copytree(results, tmp_path / "changed")
    shutil.rmtree(changed / OTHER)
    shutil.copytree(results / OTHER / "report", small_run(changed, OTHER, Noise()) / "report")
    before = states(site)
    assert publish(changed, site) == 0
    after = states(site)
    new = {place for place in after if after[place] != before.get(place)}
    assert f"machines/{OTHER}/index.html" in new
    assert {"index.html", "machines/two/index.html", "site.json"} <= new
    assert not [place for place in new if place.startswith("machines/one/")]


def test_links_are_neither_read_nor_followed(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A raw file that is a link leaves its run out, in one line; a link in the site's place is not written through."""
    changed = some(results, tmp_path / "changed", FIRST, OTHER)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    summary = changed / FIRST / "summary.csv"
    summary.unlink()
    summary.symlink_to(secret)
    place = tmp_path / "site"
    assert publish_runs(changed, place) == 1
    assert re.search(r"left out: .*summary\.csv: cannot be read", capsys.readouterr().err)
    assert not (place / f"machines/{FIRST}").exists()
    (place / "index.html").unlink()
    (place / "index.html").symlink_to(secret)
    publish_runs(changed, place)
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
    shutil.rmtree(fewer / "two")
    shutil.rmtree(fewer / FIRST)
    mine = site / f"machines/{FIRST}/mine.txt"
    mine.write_text("mine")
    assert publish(fewer, site) == 0
    assert not (site / "machines/two").exists()
    assert list(mine.parent.iterdir()) == [mine]
    assert (site / f"machines/{SECOND}/index.html").is_file()
    assert not (site / "machines/one/trend.svg").exists()
    assert "two" not in elements((site / "index.html").read_text()).text.split()


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
    results: Path, looked_at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert contents(site) == contents(looked_at)


def test_files_of_a_killed_build_are_known_to_the_next(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that is killed leaves no file that the next one, of fewer runs, does not take away."""
    site, both, other = tmp_path / "site", tmp_path / "both", tmp_path / "other"
    some(results, both, FIRST, OTHER)
    some(results, other, OTHER)

    class Killed(BaseException):
        pass

    def killed(place: Path, name: str, content: bytes | str) -> bool:
        if name.startswith("machines/two"):
            raise Killed
        return put(place, name, content)

    with monkeypatch.context() as changed:
        changed.setattr("analysis.site.build.put", killed)
        changed.setattr("analysis.site.build._Build._settle", lambda self: None)
        with pytest.raises(Killed):
            build(both, both / "docs", site)
    assert (site / f"machines/{FIRST}/run.zip").is_file()
    assert publish_runs(other, site) == 0
    assert not (site / "machines/one").exists()


def test_a_record_that_is_none_is_made_again(results: Path, looked_at: Path, site: Path) -> None:
    """A run of which the record says something else than a record does gets its page anew, and all is as before."""
    record = json.loads((site / "site.json").read_text())
    record["made"][f"machines/{OTHER}"]["about"] = {"run": 1}
    (site / "site.json").write_text(json.dumps(record))
    assert publish(results, site) == 0
    assert contents(site) == contents(looked_at)


def test_files_have_the_digest_of_their_contents(tmp_path: Path) -> None:
    """Read in parts, a file counts as in one piece; one that is not there does not, and a link is refused."""
    kept = {"a": b"", "b": b"1" * 600_000}
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    assert digest_of_files(tmp_path, ["b", "a", "c"]) == digest(kept)
    (tmp_path / "c").symlink_to("a")
    with pytest.raises(LoadError, match="links are not followed"):
        digest_of_files(tmp_path, ["c"])
