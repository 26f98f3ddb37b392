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
# What matplotlib writes for people who read the file: a third of it says nothing to a browser.
_FOR_READERS = re.compile(r"<!--.*?-->\n?|(?<=\n) +", re.DOTALL)
_GROUP_ID = re.compile(r'<g id="([a-z0-9.]+_\d+)">')
_GLYPH = re.compile(r'((?: id="|href="#))DejaVuSans-(Bold-)?')
# The shape of a marker, which is drawn where a `use` names it. That has its stroke too, and can be recoloured: no rule
# of a figure reaches into a shape that is used.
_SHAPE = re.compile(r'(<path id="[^"]+" d="[^"]+" style=")stroke: #[0-9a-f]{6}(?:; )?')
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ROOT_CLASS = "forkbench-figure"
_DARK_GROUND = "#15181c"
_DARK = {  # what the dark page shows for each colour: the same hue, light enough for a dark ground
    "#ffffff": _DARK_GROUND,
    "#000000": "#e8e8e8",
    "#444444": "#a8a8a8",
    "#dddddd": "#34393f",
    "#e8e8e8": "#2c3138",
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
_followers: WeakKeyDictionary[Figure, list[str]] = WeakKeyDictionary()


def mark(artist: Artist, series: str, name: str, value: str) -> None:
    """Let `artist`, which is already part of a figure, be pointed at. It must not be rasterized.

    `value` is a text with its unit, interval and number of calls: ``346 µs (340 to 352), 12,288 calls``.
    """
    marks = _marks.setdefault(_figure_of(artist), [])
    artist.set_gid(f"mark-{len(marks)}")
    marks.append(Mark(series, name, value))


def follow(artist: Artist, series: str) -> None:
    """Let `artist`, such as the line through the points of `series`, be shown or dimmed with them; it says nothing."""
    followers = _followers.setdefault(_figure_of(artist), [])
    artist.set_gid(f"follows-{len(followers)}")
    followers.append(series)


def marks_of(figure: Figure) -> list[Mark]:
    """The marks of `figure` in the order in which they were made: the rows of its table."""
    return list(_marks.get(figure, ()))


def write_marks(svg: bytes, figure: Figure, name: str) -> bytes:
    """`svg` of `figure` with its marks, colours for a dark page, and ids that no other figure of a page has.

    A mark is a ``<g id="NAME-mark-0" class="mark">`` with ``data-series``, ``data-name``, ``data-value`` and a title;
    what follows a series is a ``<g id="NAME-follows-0" class="follows">`` with ``data-series``. Their order in the
    file is that of drawing: the number in the id is the row of the table.
    """
    name = re.sub(r"[^\w-]", "-", name, flags=re.ASCII)
    text = _IDS.sub(lambda match: f"{match[1]}{name}-", _smaller(_SHAPE.sub(r"\1", svg.decode("utf-8"))))
    groups = {f"{name}-mark-{number}": _group_of(each) for number, each in enumerate(marks_of(figure))}
    for number, series in enumerate(_followers.get(figure, ())):
        groups[f"{name}-follows-{number}"] = f' class="follows" data-series={_quoted(series)}>'
    opening = re.compile(rf'(<g id="({re.escape(name)}-(?:mark|follows)-\d+)")>')
    text = opening.sub(lambda match: match[1] + groups.get(match[2], ">"), text)
    text = text.replace("<svg ", f'<svg class="{ROOT_CLASS}" ', 1)
    start = text.index(">", text.index("<svg")) + 1
    return (text[:start] + f"\n<style>{dark_style()}</style>" + text[start:]).encode("utf-8")


def _smaller(text: str) -> str:
    """The text of an SVG without indentation, remarks and ids that nothing names, and with short names of glyphs."""
    text = _GROUP_ID.sub("<g>", _FOR_READERS.sub("", text))
    return _GLYPH.sub(lambda match: match[1] + ("b" if match[2] else "g"), text)


def _figure_of(artist: Artist) -> Figure:
    figure = artist.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _group_of(mark: Mark) -> str:
    words = {"series": mark.series, "name": mark.name, "value": mark.value}
    data = " ".join(f"data-{key}={_quoted(value)}" for key, value in words.items())
    return f' class="mark" {data}><title>{escape(_for_xml(f"{mark.name}: {mark.value}"))}</title>'


def _for_xml(text: str) -> str:
    """`text` without the characters that no XML file can hold, such as NUL or half a surrogate pair."""
    return _NOT_XML.sub("\ufffd", text)


def _quoted(text: str) -> str:
    return quoteattr(_for_xml(text))


def dark_style() -> str:
    """Rules for a dark page. A program that knows no such rules, such as an editor of drawings, keeps the light ones.

    They hold inside of figures only, so that a page can take a figure into itself.
    """
    rules = [f".{ROOT_CLASS}{{fill:#e8e8e8}}", f".{ROOT_CLASS} image{{filter:brightness(1.5)}}"]
    for light, dark in _DARK.items():
        rules += [f'.{ROOT_CLASS} [style*="{kind}: {light}"]{{{kind}:{dark}!important}}' for kind in ("fill", "stroke")]
    return f"@media screen and (prefers-color-scheme:dark){{{''.join(rules)}}}"
