"""Turns small fake runs into sites without drawing: pictures have what can be pointed at, and no ink."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from matplotlib.figure import Figure

from analysis import figures
from analysis.__main__ import main
from analysis.figures import marks
from tests.fake_run import CELLS, QUIET, FakeRun, Noise, write_run
from tests.rendered import Elements, elements

FIRST, SECOND, OTHER = "one/20261124T040000Z", "one/20261125T040000Z", "two/20261124T050000Z"
# No run here has what the last one shows.
KINDS = ("mechanisms", "page_faults", "size")


def small_run(results: Path, place: str, noise: Noise = QUIET) -> Path:
    """Write a run of a fork in two parents and of a program, at `place` (``machine/run``)."""
    machine, run = place.split("/")
    cells = [replace(CELLS[index], calls=5, blocks=2) for index in (0, 2, 3, 4)]
    return write_run(results, FakeRun(cells, run=run, machine=machine, rounds=6, noise=noise))


def some(results: Path, place: Path, *runs: str) -> Path:
    """A copy of these runs in a folder at `place`, to change."""
    for run in runs:
        shutil.copytree(results / run, place / run)
    return place


def publish(results: Path, site: Path, *options: str) -> int:
    """The exit status of the command."""
    return main(["publish", "--results", str(results), "--site", str(site), *options])


def publish_runs(results: Path, site: Path, *options: str) -> int:
    """The same without the project's documents, whose pages take most of the time."""
    with patch("analysis.site.command.DOCS", results / "docs"):
        return publish(results, site, *options)


def pages(site: Path) -> dict[Path, Elements]:
    """All pages of a site, parsed."""
    return {path: elements(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def contents(site: Path) -> dict[str, bytes]:
    """Every file of a site."""
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@contextmanager
def small_figures() -> Iterator[None]:
    """Three kinds of figures instead of all, and nothing is drawn: what they look like is held by their own tests."""
    few = [kind for kind in figures.kinds() if kind.name in KINDS]
    with (
        patch("analysis.figures.kinds", lambda: few),
        patch("analysis.figures.style.settle", lambda figure: None),
        patch("analysis.figures.style.to_bytes", _without_ink),
    ):
        yield


def _without_ink(figure: Figure, kind: str, name: str = "figure") -> bytes:
    if kind == "png":
        return b"\x89PNG\r\n\x1a\n"
    groups = "".join(f'<g id="mark-{number}"><path d="M 0 0"/></g>' for number in range(len(marks.marks_of(figure))))
    return marks.write_marks(f'<svg viewBox="0 0 255 100">{groups}</svg>'.encode(), figure, name)
