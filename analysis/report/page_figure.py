"""Turns a figure's SVG and its finding into what a page shows: a picture that can be pointed at, and its table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analysis.errors import LoadError
from analysis.figures.marks import Mark
from analysis.report.inline_svg import inline_svg

COLUMNS = ("what", "which", "value, 95 % interval")
# Figures of one column are 90 mm wide, 255 pt.
COLUMN_PT = 300


@dataclass(frozen=True)
class Link:
    """A file to download: the `place` that it has beside the page, and what it is called there."""

    place: str
    text: str


@dataclass(frozen=True)
class PageFigure:
    """A figure of a page; `inside` is the markup that its SVG holds, empty where `reason` says why it is not shown."""

    name: str
    title: str
    finding: str
    links: tuple[Link, ...] = ()
    view_box: str = ""
    inside: str = ""
    marks: tuple[Mark, ...] = ()
    reason: str = ""

    @property
    def is_broad(self) -> bool:
        """Whether it is drawn wider than one column of a page, and stands alone in its row."""
        return float((self.view_box or "0 0 0 0").split()[2]) > COLUMN_PT

    @property
    def columns(self) -> Sequence[str]:
        """The heads of its table."""
        return COLUMNS

    @property
    def rows(self) -> list[list[str]]:
        """Its table: a row for each mark."""
        return [[mark.series, mark.name, mark.value] for mark in self.marks]

    @property
    def series(self) -> list[str]:
        """The series of each row."""
        return [mark.series for mark in self.marks]


def page_figure(name: str, title: str, finding: str, svg: bytes, links: Sequence[Link] = ()) -> PageFigure:
    """The figure of an SVG that may come from anybody; `name` is its place in the page and begins all ids in it."""
    try:
        drawn = inline_svg(svg, name)
    except LoadError as problem:
        return PageFigure(name, title, finding, tuple(links), reason=str(problem))
    # Safe by its making: `inline_svg` writes listed elements only, and escapes what they hold.
    return PageFigure(name, title, finding, tuple(links), drawn.view_box, Markup(drawn.inside), drawn.marks)


def chosen_from(figures: Sequence[PageFigure], mechanisms: Collection[str]) -> list[str]:
    """The `mechanisms` that are in a figure, in the order in which a reader meets them; other series are none."""
    met = dict.fromkeys(series for figure in figures for series in figure.series)
    return [series for series in met if series in mechanisms]
