"""Turns what is drawn into what can be pointed at: a series, a name and a value in words, written into the SVG.

A page shows the words beside the pointer, marks one series through all of its figures, and lists them as a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from weakref import WeakKeyDictionary
from xml.sax.saxutils import escape, quoteattr

from matplotlib.artist import Artist
from matplotlib.figure import Figure

_IDS = re.compile(r'( id="|href="#|url\(#)')
_DARK = {  # what the dark page shows for each colour: the same hue, light enough for a dark ground
    "#ffffff": "#15181c",
    "#000000": "#e8e8e8",
    "#444444": "#a8a8a8",
    "#dddddd": "#34393f",
    "#6e6e6e": "#a0a0a0",
    "#0072b2": "#4db2ee",
    "#009e73": "#2cc79a",
    "#d55e00": "#ff8a3c",
    "#cc79a7": "#e49cc4",
}


@dataclass(frozen=True)
class Mark:
    """One point, line or bar: the `series` that it belongs to (a mechanism), its `name`, its `value` in words."""

    series: str
    name: str
    value: str


_marks: WeakKeyDictionary[Figure, list[Mark]] = WeakKeyDictionary()


def mark(artist: Artist, series: str, name: str, value: str) -> None:
    """Let `artist`, which is already part of a figure, be pointed at.

    `value` is a text with its unit, interval and number of calls: ``346 µs (340 to 352), 12,288 calls``.
    """
    figure = artist.get_figure(root=True)
    assert isinstance(figure, Figure)
    marks = _marks.setdefault(figure, [])
    artist.set_gid(f"mark-{len(marks)}")
    marks.append(Mark(series, name, value))


def marks_of(figure: Figure) -> list[Mark]:
    """The marks of `figure` in the order in which they were made: the rows of its table."""
    return list(_marks.get(figure, ()))


def write_marks(svg: bytes, figure: Figure, name: str) -> bytes:
    """`svg` of `figure` with its marks, colours for a dark page, and ids that no other figure of a page has.

    A mark is a ``<g id="NAME-mark-0" class="mark">`` with ``data-series``, ``data-name``, ``data-value`` and a title.
    """
    name = re.sub(r"[^\w-]", "-", name, flags=re.ASCII)
    text = _IDS.sub(lambda match: f"{match[1]}{name}-", svg.decode("utf-8"))
    for number, each in enumerate(marks_of(figure)):
        opening = f'<g id="{name}-mark-{number}">'
        data = " ".join(
            f"data-{key}={quoteattr(value)}"
            for key, value in (("series", each.series), ("name", each.name), ("value", each.value))
        )
        title = f"<title>{escape(f'{each.name}: {each.value}')}</title>"
        text = text.replace(opening, f'<g id="{name}-mark-{number}" class="mark" {data}>{title}', 1)
    start = text.index(">", text.index("<svg")) + 1
    return (text[:start] + f"\n<style>{dark_style()}</style>" + text[start:]).encode("utf-8")


def dark_style() -> str:
    """Rules for a dark page. A program that knows no such rules, as an editor of drawings, keeps the light ones."""
    rules = ["svg{fill:#e8e8e8}"]
    for light, dark in _DARK.items():
        rules += [f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}' for kind in ("fill", "stroke")]
    return f"@media screen and (prefers-color-scheme:dark){{{''.join(rules)}}}"
