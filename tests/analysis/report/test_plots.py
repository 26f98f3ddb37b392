"""The figures of runs in a folder: their file names, and which runs the figure across runs shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import figures
from analysis.errors import LoadError
from analysis.figures import Picture
from analysis.report import plots
from analysis.summary.analysed_run import AnalysedRun
from tests.fake_run import FakeCell, FakeRun, write_run
from tests.rendered import elements


def test_plots_of_one_run_are_named_by_their_figure(tmp_path: Path) -> None:
    """Every figure of the run that there is becomes an SVG and a PNG, and an older one that is none any more goes."""
    run = write_run(tmp_path, FakeRun([FakeCell()], rounds=6))
    out = tmp_path / "new" / "out"
    out.mkdir(parents=True)
    (out / "size.svg").write_text("of an earlier run")
    written = plots.write_plots(plots.draw_plots([run]), out)
    names = ["mechanisms", "where_time_goes", "calls", "page_faults", "blocked", "time_order"]
    assert [path.name for path in written] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert sorted(out.iterdir()) == sorted(written)


def test_plots_of_several_runs_share_the_figure_across_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two runs each figure begins with its run's name, and the figure across runs shows both, once."""
    runs = [write_run(tmp_path, FakeRun([FakeCell()], run=f"2026110{day}T040000Z")) for day in (2, 1)]

    def drawn(kind: figures.FigureKind, analysed: AnalysedRun) -> Picture:
        return Picture(kind.name, kind.title, "A sentence.", b"svg", b"png")

    monkeypatch.setattr(figures, "draw", drawn)
    paths = plots.write_plots(plots.draw_plots(runs), tmp_path)
    names = [path.name for path in paths if path.suffix == ".svg"]
    assert names.count("across_runs.svg") == 1
    assert "20261101T040000Z-mechanisms.svg" in names
    assert "20261102T040000Z-time_order.svg" in names
    text = next(path for path in paths if path.name == "across_runs.svg").read_text(encoding="utf-8")
    assert all(f"os_fork, {run.name}, Python 3.11.7" in text for run in runs)


def _as_drawn(kind: figures.FigureKind, analysed: AnalysedRun) -> Picture:
    """A figure of a run without the work of drawing it."""
    if kind.name == "size":
        return Picture(kind.name, kind.title, reason="one size <only>")
    return Picture(kind.name, kind.title, f"`{kind.name}` of {analysed.run.name} & <b>more</b>.", b"<svg/>", b"png")


def test_a_page_shows_all_figures_of_runs_and_asks_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like figures of two machines stand together with their sentences; links lead to the files beside the page."""
    monkeypatch.setattr(figures, "draw", _as_drawn)
    runs = [write_run(tmp_path, FakeRun([FakeCell(calls=2)], rounds=6, machine=name)) for name in ("a", "b")]
    out = tmp_path / "out"
    *written, page = plots.plot(runs, out)
    text = page.read_text(encoding="utf-8")
    shown = elements(text)
    assert page == out / "index.html"
    assert sorted(out.iterdir()) == sorted([*written, page])
    groups = [attributes["id"] for tag, attributes in shown.found if tag == "section"]
    assert groups[:4] == ["machines", "across_runs", "mechanisms", "where_time_goes"]
    assert groups[-1] == "missing"
    assert text.count("<code>mechanisms</code> of 20261124T040000Z &amp; &lt;b&gt;more&lt;/b&gt;.") == 2
    assert "one size <only>" in shown.text
    assert not {"script", "link", "b", "only"} & set(shown.tags)
    sources = [str(attributes["src"]) for tag, attributes in shown.found if tag == "img"]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    links = [str(attributes["href"]) for tag, attributes in shown.found if tag == "a"]
    assert {link for link in links if not link.startswith("#")} == {path.name for path in written}
    assert len(plots.plot(runs, out)) == len(written) + 1


def test_a_page_of_somebody_else_stays(tmp_path: Path) -> None:
    """An index.html that `plot` did not write is neither replaced, nor are figures laid beside it."""
    run = write_run(tmp_path, FakeRun([FakeCell(calls=2)], rounds=6))
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("<h1>Mine</h1>")
    with pytest.raises(LoadError, match="is not a page of `plot`"):
        plots.plot([run], out)
    assert (out / "index.html").read_text() == "<h1>Mine</h1>"
    assert len(list(out.iterdir())) == 1
