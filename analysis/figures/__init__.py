"""Turns a run into figures: modules here and in the packages below hold one each, and are found by themselves.

A figure is three pure functions: `data` (analysed run -> frame), the drawing (frame -> Figure) and `says`
(frame -> a sentence or two about this data). What cannot be drawn raises `NoPicture` with the reason.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.summary.analysed_run import AnalysedRun

Draw = Callable[[pd.DataFrame], Figure]
NOT_FIGURES = ("dots", "marks", "palette", "style", "ticks")


class NoPicture(Exception):
    """This data has no such figure; the text is the reason, fit to be shown to the reader."""


@dataclass(frozen=True)
class FigureKind:
    """One figure of the report: `order` is its place; one of `one_parent` shows cells with the main parent only."""

    name: str
    title: str
    order: float
    data: Callable[[AnalysedRun], pd.DataFrame]
    draw: Draw
    says: Callable[[pd.DataFrame], str]
    one_parent: bool = False

    def footnote(self, analysed: AnalysedRun) -> str:
        """Where its data comes from."""
        return analysed.main_source_line if self.one_parent else analysed.source_line


@dataclass(frozen=True)
class Picture:
    """One figure as it was drawn from one run; `reason` says why there are no bytes, where there are none."""

    name: str
    title: str
    sentence: str = ""
    svg: bytes = b""
    png: bytes = b""
    reason: str = ""


_kinds: dict[str, FigureKind] = {}


def figure(
    name: str,
    title: str,
    order: float,
    data: Callable[[AnalysedRun], pd.DataFrame],
    says: Callable[[pd.DataFrame], str],
    one_parent: bool = False,
) -> Callable[[Draw], Draw]:
    """Register the decorated drawing under `name`, which is also its file name."""

    def mark(draw: Draw) -> Draw:
        _kinds[name] = FigureKind(name, title, order, data, draw, says, one_parent)
        return draw

    return mark


@cache
def kinds() -> tuple[FigureKind, ...]:
    """All figures in the order of the report; importing the modules of this package, and below, registers them."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        if module.name.rpartition(".")[2] not in NOT_FIGURES:
            importlib.import_module(module.name)
    gc.freeze()  # a figure is thousands of small objects: no search for garbage among them goes through all modules
    return tuple(sorted(_kinds.values(), key=lambda kind: (kind.order, kind.name)))


def draw(kind: FigureKind, analysed: AnalysedRun) -> Picture:
    """Draw one figure of the run as SVG and PNG, or say why it cannot be drawn."""
    try:
        frame = kind.data(analysed)
    except NoPicture as reason:
        return Picture(kind.name, kind.title, reason=str(reason))
    return to_picture(kind.name, kind.title, kind.draw, kind.says(frame), frame, kind.footnote(analysed))


def to_picture(name: str, title: str, drawing: Draw, sentence: str, frame: pd.DataFrame, footnote: str) -> Picture:
    """Draw `frame` as SVG and PNG, with the title and, in small print, where its data comes from."""
    with style.look():
        picture = drawing(frame)
        style.frame(picture, title, footnote)
        style.settle(picture)
        return Picture(name, title, sentence, style.to_bytes(picture, "svg", name), style.to_bytes(picture, "png"))
