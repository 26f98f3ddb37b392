"""Turns matplotlib into one style: column width, fixed fonts, colours that colour-blind readers can tell apart.

Nothing here uses pyplot: no global figure, no display. No setting of the user changes a byte.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.figures.marks import write_marks
from analysis.figures.palette import GREY
from analysis.figures.ticks import apart, log_ticks, plain_ticks, round_values
from analysis.text import units

WIDTH_IN = 90 / 25.4  # one column of a two-column page, 90 mm
FOOT_IN = 0.13  # the strip at the lower edge that the footnote has for itself
NOTE_IN = 0.1  # one line of small print above it
PNG_DPI = 300
RASTER_DPI = 200  # of clouds of dots inside of an SVG
_PLACES = re.compile(rb' (?:d|x|y)="[^"]*"')
_DIGITS = re.compile(rb"(\.\d\d)\d+")

DASHES: tuple[Any, ...] = (
    "solid", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (7, 2)), (0, (4, 1, 1, 1, 1, 1))
)  # fmt: skip

SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 7,
    "figure.dpi": 100,
    "figure.titlesize": 8,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same glyphs on every machine
    "font.size": 7,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.4,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.columnspacing": 1.4,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": PNG_DPI,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "svg.fonttype": "path",  # shapes, so that no reader's font can shift a label
    "svg.hashsalt": "forkbench",
    "xtick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.labelsize": 6.5,
    "ytick.major.width": 0.6,
}


@contextmanager
def look() -> Iterator[None]:
    """Draw with matplotlib's defaults and `SETTINGS` only, then give the caller's settings back."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in SETTINGS.items():
            matplotlib.rcParams[name] = value  # type: ignore[index]
        yield


class SettledLayout(ConstrainedLayoutEngine):
    """A constrained layout that is the same to the last bit each time.

    Its solver (kiwisolver) keeps variables in the order of their addresses, so that sums end in other last bits from
    time to time; and matplotlib names the clip paths of an SVG by a hash of all bits.
    """

    def execute(self, fig: Figure) -> None:
        """Lay the figure out, then round where its axes stand: 1e-9 of its width is far below what is drawn."""
        super().execute(fig)
        for axes in fig.axes:
            x, y, width, height = (round(float(end), 9) for end in axes.get_position(original=True).bounds)
            axes.set_position((x, y, width, height))
            axes.set_in_layout(True)  # a position that is set takes axes out of the next layout


def new_figure(height_in: float) -> Figure:
    """An empty figure of column width that lays itself out (`constrained`), so that nothing overlaps."""
    foot = FOOT_IN / height_in
    figure = Figure(figsize=(WIDTH_IN, height_in), layout=SettledLayout(rect=(0, foot, 1, 1 - foot)))
    FigureCanvasAgg(figure)
    return figure


def _raise_foot(figure: Figure, share: float) -> None:
    """Keep `share` of the height free of axes, above what is kept free already."""
    engine = _layout(figure)
    foot = _foot(figure) + share
    engine.set(rect=(0, foot, 1, 1 - foot))


def _foot(figure: Figure) -> float:
    return float(_layout(figure).get()["rect"][1])


def _layout(figure: Figure) -> ConstrainedLayoutEngine:
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    return engine


def legend(figure: Figure, handles: Sequence[Artist], columns: int) -> None:
    """A legend below the axes and above the small print; the axes leave room for it. Nothing to explain: no legend."""
    if not handles:
        return
    box = figure.legend(
        handles=list(handles), loc="lower center", ncols=columns, bbox_to_anchor=(0.5, _foot(figure)), borderaxespad=0.2
    )
    _raise_foot(figure, box.get_window_extent().height / figure.bbox.height)


def note(figure: Figure, text: str) -> None:
    """A line of small print above the footnote; to be called before `legend`."""
    _small_print(figure, _foot(figure), text)
    _raise_foot(figure, NOTE_IN / figure.get_size_inches()[1])


def frame(figure: Figure, title: str, footnote: str) -> None:
    """Add what every figure has: its title, and in small print where its data comes from."""
    figure.suptitle(title, x=0.02, ha="left", weight="bold")
    _small_print(figure, 0.3 * FOOT_IN / figure.get_size_inches()[1], footnote)


def _small_print(figure: Figure, y: float, words: str) -> None:
    text = figure.text(0.02, y, words, ha="left", va="bottom", fontsize=5, color=GREY)
    text.set_in_layout(False)
    # A long name is set smaller rather than cut.
    text.set_fontsize(5 * min(1.0, 0.92 * figure.bbox.width / text.get_window_extent().width))


def settle(figure: Figure) -> None:
    """Lay `figure` out once for all of its files: each would do it anew, for a third of its time, and end elsewhere.

    With no layout left at all, not even an empty one, saving leaves out the draft that it makes for a layout.
    """
    _layout(figure).execute(figure)
    figure.set_layout_engine(None)


_NO_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def to_bytes(figure: Figure, kind: str, name: str = "figure") -> bytes:
    """`figure` as ``svg``, ``png`` or ``pdf``, without date or versions: the same figure gives the same bytes.

    An SVG has its marks and colours for a dark page; `name` begins its ids (see `analysis.figures.marks`).
    """
    metadata = _NO_METADATA[kind]
    target = io.BytesIO()
    figure.savefig(target, format=kind, metadata=metadata, dpi=PNG_DPI if kind == "png" else RASTER_DPI)
    return write_marks(_short_numbers(target.getvalue()), figure, name) if kind == "svg" else target.getvalue()


def _short_numbers(svg: bytes) -> bytes:
    """`svg` with places cut to 0.01 pt, finer than any screen or printer: half of a file of curves is digits."""
    return _PLACES.sub(lambda match: _DIGITS.sub(rb"\1", match[0]), svg)


def _label(axis: Axis, ticks: list[float], text: Any) -> None:
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_axis(axes: Axes, which: str, limits: tuple[float, float], kind: str, most: int = 6) -> None:
    """Make axis `which` (``x``, ``y``) logarithmic with labels of its `kind`: ``time``, ``bytes``, ``ratio``."""
    lo, hi = limits
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(lo, hi)
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    if kind == "bytes":
        ticks = next(
            (ticks for base in (2, 4, 8, 16) if len(ticks := round_values(lo, hi, base, (1,))) <= most), [lo, hi]
        )
        _label(axis, ticks, lambda value: units.tick_text(value, units.BYTE_UNITS))
        return
    ticks = log_ticks(lo, hi, most)
    ticks = apart(ticks, lo, hi) if which == "x" else ticks
    scale = (
        (lambda value: units.tick_text(value, units.TIME_UNITS)) if kind == "time" else (lambda value: f"{value:.6g}×")
    )
    _label(axis, ticks, scale)


def count_axis(axes: Axes, counts: Any) -> None:
    """Make the x axis one of numbers of things, each twice the one before at the same distance, with a tick at each."""
    ticks = sorted({float(count) for count in counts})
    axes.set_xscale("log", base=2)
    axes.set_xlim(ticks[0] / 1.15, ticks[-1] * 1.15)
    _label(axes.xaxis, ticks, lambda value: f"{value:.6g}")


def linear_axis(axes: Axes, limits: tuple[float, float], kind: str) -> None:
    """Make the y axis linear over `limits`, with labels of its `kind`: ``time``, ``ratio``."""
    axes.set_ylim(*limits)
    scale, name = units.time_unit(limits[1]) if kind == "time" else (1.0, "×")
    space = " " if kind == "time" else ""
    _label(axes.yaxis, plain_ticks(*limits), lambda value: f"{value / scale:.6g}{space}{name}")


def padded(values: Any, share: float = 0.06) -> tuple[float, float]:
    """Limits for a log axis around all positive `values`, with a margin of `share` of their span, at least 8 %."""
    positive = [float(value) for value in values if units.known(value) and float(value) > 0]
    lo, hi = (min(positive), max(positive)) if positive else (1.0, 10.0)
    factor = max((hi / lo) ** share, 1.08)
    return lo / factor, hi * factor
