"""Turns the bytes of an SVG into what a page may hold of it: listed elements and attributes, and nothing else.

A committed figure may be hostile: its elements are written anew, never copied. What is not listed is left out with all
that it holds: scripts, styles, links, foreign content, whatever loads something. What cannot be drawn in bounded time
is refused: a `use` shows a single path only, so that no element can stand for thousands of others.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from xml.parsers import expat

from analysis.errors import LoadError
from analysis.figures.marks import Mark
from bench.schema.visible import visible

MOST_BYTES = 2 << 20
MOST_ELEMENTS = 40_000
MOST_DEPTH = 40
MOST_PATH = 16 << 20  # letters of all paths as often as they are drawn
MOST_PIXELS = 4_000  # an image is so wide or high at most
MOST_WORDS = 300

_NAME = r"[A-Za-z_][\w.-]{0,120}"
_ID = re.compile(_NAME)
_NUMBER = r"\d{1,5}(?:\.\d{1,9})?"
_NUMBERS = re.compile(r"[-+0-9.eE,\s]{1,200}")
_POINTS = re.compile(r"[-+0-9.eE,\s]*")
_PATH = re.compile(r"[-+0-9.eE,\sMmLlHhVvCcSsQqTtAaZz]*")
_TRANSFORM = re.compile(r"(?:(?:matrix|translate|scale|rotate)\([-+0-9.eE,\s]+\)\s*){1,9}")
_PAINT = re.compile(r"#[0-9a-fA-F]{3,8}|[a-z]{1,20}|[-+0-9.eE,\s]{1,100}")
_LOCAL = re.compile(rf"#({_NAME})")
_CLIP = re.compile(rf"url\(#({_NAME})\)")
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
# What matplotlib writes, and nothing else of a document type.
_DOCTYPE = ("svg", "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd", "-//W3C//DTD SVG 1.1//EN", 0)

_PAINTS = (
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "stroke-opacity", "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "opacity",
)  # fmt: skip
_PLACES = ("x", "y", "width", "height", "cx", "cy", "r", "rx", "ry", "x1", "y1", "x2", "y2")
_VALUES: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(_PLACES, _NUMBERS),
    **dict.fromkeys(_PAINTS, _PAINT),
    "d": _PATH,
    "points": _POINTS,
    "transform": _TRANSFORM,
}
_SHAPES = ("path", "rect", "line", "circle", "ellipse", "polygon", "polyline", "use")
_ELEMENTS = frozenset({*_SHAPES, "g", "defs", "clipPath", "image", "title"})
_DATA = ("data-series", "data-name", "data-value")
_TOLD = {"mark": _DATA, "follows": _DATA[:1]}  # what `analysis.figures.marks` writes for each class


class UnsafeSvg(LoadError):
    """This SVG is not shown; the text is the reason, fit to be shown to the reader."""


@dataclass(frozen=True)
class InlineSvg:
    """An SVG fit for a page: its `view_box`, what is inside of its root as markup, and what can be pointed at."""

    view_box: str
    inside: str
    marks: tuple[Mark, ...]


def inline_svg(data: bytes, name: str) -> InlineSvg:
    """What a page may hold of the SVG `data`; all ids begin with `name`, so that no two figures share one.

    Raises `UnsafeSvg` for what is no such file, or too large, or has a document type of its own.
    """
    if len(data) > MOST_BYTES:
        raise UnsafeSvg(f"the SVG is larger than {MOST_BYTES >> 20} MiB")
    rebuilt = _Rebuilt(name)
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_entity
    parser.StartElementHandler = rebuilt.start
    parser.EndElementHandler = rebuilt.end
    parser.CharacterDataHandler = rebuilt.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnsafeSvg(f"the SVG is not well-formed (line {error.lineno})") from None
    return InlineSvg(rebuilt.view_box, "".join(rebuilt.out), rebuilt.marks())


def _refuse_doctype(*declared: object) -> None:
    if declared != _DOCTYPE:
        raise UnsafeSvg("the SVG has a document type of its own")


def _refuse_entity(*_: object) -> None:
    raise UnsafeSvg("the SVG declares entities")


class _Rebuilt:
    """Writes the allowed part of a document while it is read."""

    def __init__(self, name: str) -> None:
        self.out: list[str] = []
        self._marks: list[tuple[int, Mark]] = []
        self.view_box = ""
        self._name = name
        self._open: list[str] = []
        self._skipped = 0  # how many elements are open that are left out
        self._count = 0
        self._drawn = 0
        self._ids: dict[str, int] = {}  # of those seen: the letters of a path, or -1 for what is none
        # A figure has few styles and uses few glyphs, each of them hundreds of times.
        self._styles: dict[str, str] = {}
        self._used_ids: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Write the start of an element, or begin to leave it out."""
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) + self._skipped > MOST_DEPTH:
            raise UnsafeSvg("the SVG has too many elements for a page")
        if not self._open and not self._skipped:
            self._root(tag, attributes)
        elif self._skipped or not self._fits(tag, attributes):
            self._skipped += 1
        else:
            told = self._told(tag, attributes)
            self.out.append(f"<{tag}{self._kept(tag, attributes)}{told}>")
            self._open.append("mark" if told and attributes["class"] == "mark" else tag)

    def end(self, tag: str) -> None:
        """Close what was opened."""
        if self._skipped:
            self._skipped -= 1
        else:
            self._open.pop()
            if self._open:
                self.out.append(f"</{tag}>")

    def text(self, text: str) -> None:
        """Only the title of a mark holds text."""
        if self._open and self._open[-1] == "title" and not self._skipped:
            self.out.append(escape(_words(text)))

    def _root(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.view_box = attributes.get("viewBox", "")
        numbers = re.fullmatch(rf"{_NUMBER} {_NUMBER} ({_NUMBER}) ({_NUMBER})", self.view_box)
        if tag != "svg" or not numbers:
            raise UnsafeSvg("the file is no SVG with a viewBox of four numbers")
        width, height = float(numbers[1]), float(numbers[2])
        if not width / 20 <= height <= 20 * width:
            raise UnsafeSvg("the SVG is no picture: one side is more than 20 times as long as the other")
        self._open.append(tag)

    def _fits(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Whether an element may stand where it stands."""
        if tag not in _ELEMENTS or self._open[-1] in ("title", *_SHAPES, "image"):
            return False
        if tag == "title":
            return self._open[-1] == "mark"
        if self._open[-1] == "clipPath" and tag not in _SHAPES:
            return False
        if tag == "use":
            return self._draw(self._ids.get(self._used(attributes), -1))
        if tag == "path":
            return self._draw(len(attributes.get("d", "")))
        return tag != "image" or _is_small_png(attributes)

    def _draw(self, letters: int) -> bool:
        self._drawn += max(letters, 0)
        if self._drawn > MOST_PATH:
            raise UnsafeSvg("the SVG draws its paths too often for a page")
        return letters >= 0

    def _kept(self, tag: str, attributes: Mapping[str, str]) -> str:
        """The allowed attributes of an element, with values of the allowed kind, as they are written."""
        kept: list[str] = []
        if _ID.fullmatch(attributes.get("id", "")) and (full := self._full(attributes["id"])) not in self._ids:
            kept.append(f' id="{escape(full)}"')
            self._ids[full] = len(attributes.get("d", "")) if tag == "path" else -1
        for name, value in attributes.items():
            allowed = _VALUES.get(name)
            # No value that fits its pattern has a letter to be escaped.
            if allowed and allowed.fullmatch(value):
                kept.append(f' {name}="{" ".join(value.split())}"')
        if "style" in attributes and (style := self._style(attributes["style"])):
            kept.append(f' style="{style}"')
        clip = _CLIP.fullmatch(attributes.get("clip-path", ""))
        if clip and "clipPath" not in self._open:
            kept.append(f' clip-path="url(#{escape(self._full(clip[1]))})"')
        if tag == "use":
            kept.append(f' href="#{escape(self._used(attributes))}"')
        elif tag == "image":
            kept.append(f' href="data:image/png;base64,{escape(_target(attributes, _PNG))}"')
        return "".join(kept)

    def _told(self, tag: str, attributes: Mapping[str, str]) -> str:
        """What a mark tells, or which series something follows, as attributes that are written; empty: nothing."""
        kind = attributes.get("class", "")
        needed = _TOLD.get(kind, ())
        if tag != "g" or not needed or not all(name in attributes for name in needed):
            return ""
        told = {name: _words(attributes[name]) for name in needed}
        if len(told) == len(_DATA):
            self._marks.append((_place(attributes.get("id", "")), Mark(*told.values())))
        return "".join(f' {name}="{escape(value)}"' for name, value in {"class": kind, **told}.items())

    def _used(self, attributes: Mapping[str, str]) -> str:
        """The id that a `use` names, as the page has it."""
        link = _link(attributes)
        if link not in self._used_ids:
            self._used_ids[link] = self._full(_target(attributes, _LOCAL))
        return self._used_ids[link]

    def _style(self, text: str) -> str:
        """Declarations of how a shape is painted, written as `analysis.figures.marks` looks for them."""
        if text not in self._styles:
            pairs = (declaration.partition(":") for declaration in text.split(";"))
            kept = ((name.strip(), value.strip()) for name, _, value in pairs)
            allowed = (f"{name}: {value}" for name, value in kept if name in _PAINTS and _PAINT.fullmatch(value))
            self._styles[text] = escape("; ".join(allowed))
        return self._styles[text]

    def marks(self) -> tuple[Mark, ...]:
        """Their order in the file is that of drawing; that of the table is in their ids."""
        return tuple(mark for _, mark in sorted(self._marks, key=lambda placed: placed[0]))

    def _full(self, own: str) -> str:
        return own if own.startswith(f"{self._name}-") else f"{self._name}-{own}"


def _target(attributes: Mapping[str, str], pattern: re.Pattern[str]) -> str:
    """What a reference leads to, by its `pattern`; empty: nothing that is allowed."""
    found = pattern.fullmatch(_link(attributes))
    return "".join(found[1].split()) if found else ""


def _link(attributes: Mapping[str, str]) -> str:
    return attributes.get("href", attributes.get("xlink:href", ""))


def _is_small_png(attributes: Mapping[str, str]) -> bool:
    """Whether an image is a PNG that takes little memory when it is shown."""
    try:
        head = base64.b64decode(_target(attributes, _PNG)[:32], validate=True)
    except binascii.Error:
        return False
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return False
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    return width <= MOST_PIXELS and height <= MOST_PIXELS


def _place(own: str) -> int:
    """The number at the end of a mark's id."""
    digits = re.search(r"-(\d{1,9})$", own)
    return int(digits[1]) if digits else 0


def _words(text: str) -> str:
    return visible(text)[:MOST_WORDS]
