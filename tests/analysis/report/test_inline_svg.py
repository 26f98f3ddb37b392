"""What a page holds of an SVG that may come from anybody: listed elements and attributes, in bounded time."""

from __future__ import annotations

import re

import pytest

from analysis.figures.marks import Mark
from analysis.report import inline_svg as module
from analysis.report.inline_svg import UnsafeSvg, inline_svg

DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"\n  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
ROOT = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">'
MARK = '<g class="mark" data-series="os_fork" data-name="a &lt;b&gt;" data-value="1 µs (1 to 2), 3 calls">'
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNiAAAABgADNjd8qAAAAABJRU5ErkJggg=="


def kept(inside: str) -> str:
    """What a page holds of an SVG with these elements."""
    return inline_svg(f"{ROOT}{inside}</svg>".encode(), "f").inside


def test_a_drawing_stays_as_it_is() -> None:
    """Shapes, text made of paths, clips and an image are kept; ids and what refers to them begin with the name."""
    drawn = (
        '<defs><path id="A" d="M 0 0 \nL 1 1 z"/><clipPath id="c"><rect x="0" y="0" width="5" height="5"/></clipPath>'
        "</defs>"
        '<g transform="translate(1 2) scale(0.1 -0.1)" clip-path="url(#c)"><use xlink:href="#A" x="1.5"/></g>'
        f'<image width="1" height="1" xlink:href="data:image/png;base64,{PNG}"/>'
        '<path style="fill: #ffffff; stroke-dasharray: 3.7,1.6" id="f-own" d="M 0 0"/>'
    )
    text = kept(f"<!-- 100 µs -->{drawn}")
    assert '<path id="f-A" d="M 0 0 L 1 1 z"></path>' in text
    assert 'clip-path="url(#f-c)"' in text
    assert 'href="#f-A"' in text
    assert f'href="data:image/png;base64,{PNG}"' in text
    assert 'style="fill: #ffffff; stroke-dasharray: 3.7,1.6"' in text
    assert 'id="f-own"' in text
    assert "100 µs" not in text


def test_marks_are_told_in_their_order() -> None:
    """Series, name and value of a mark are those in the file, and escaped again where they are shown."""
    svg = f"{DOCTYPE}{ROOT}{MARK}<title>a &lt;b&gt;</title><path d='M 0 0'/></g>{MARK}</g></svg>"
    found = inline_svg(svg.encode(), "f")
    assert found.marks == (Mark("os_fork", "a <b>", "1 µs (1 to 2), 3 calls"),) * 2
    assert found.view_box == "0 0 10 10"
    assert 'data-name="a &lt;b&gt;"' in found.inside
    assert "<title>a &lt;b&gt;</title>" in found.inside
    assert "<b" not in found.inside


def test_marks_are_in_the_order_of_their_ids() -> None:
    """What is drawn last may be the first row of the table; what follows a series is no mark, and keeps its series."""
    marks = "".join(
        MARK.replace("<g", f"<g id='f-mark-{place}'").replace("a &lt;", f"{place} &lt;") + "</g>" for place in (10, 9)
    )
    found = inline_svg(f"{ROOT}{marks}<g class='follows' data-series='x' data-name='y'/></svg>".encode(), "f")
    assert [mark.name for mark in found.marks] == ["9 <b>", "10 <b>"]
    assert found.inside.endswith('<g class="follows" data-series="x"></g>')


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<g onload='alert(1)'/>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><form/></body></foreignObject>",
        "<a xlink:href='javascript:alert(1)'><path d='M 0 0'/></a>",
        "<style>@import url(http://e.x)</style>",
        "<path style='fill: url(http://e.x/a)'/><path style='background: u\\72l(x)'/><path fill='url(#a)'/>",
        "<use xlink:href='http://e.x/a.svg#b'/><use href='data:image/svg+xml,x#y'/>",
        "<image xlink:href='http://e.x/a.png'/><image href='data:image/svg+xml;base64,PHN2Zz4='/>",
        "<image href='data:image/png;base64,PHN2Zz4='/>",
        "<animate attributeName='href' to='javascript:alert(1)'/><set attributeName='onload' to='alert(1)'/>",
        "<svg:script>alert(1)</svg:script><html:img src='x' onerror='alert(1)'/>",
        "<title>alert(1)</title><desc>alert(1)</desc><text>alert(1)</text>alert(1)<![CDATA[<script>alert(1)</script>]]>",
        "<rect class='unfit' id='x\" onload=\"alert(1)' width='1\" onload=\"alert(1)'/>",
        "<svg onload='alert(1)'><script>alert(1)</script></svg><metadata><script>alert(1)</script></metadata>",
        "<path d='M 0 0\"&gt;&lt;script&gt;alert(1)&lt;/script&gt;'/>",
        "<?xml-stylesheet href='http://e.x/a.css'?><filter id='a'/><mask id='b'/><linearGradient id='c'/>",
    ],
)  # fmt: skip
def test_nothing_live_and_nothing_from_elsewhere_is_kept(inside: str) -> None:
    """Scripts, handlers, links, styles, foreign content and whatever loads something leave nothing behind."""
    text = kept(inside)
    assert not re.search(r"alert|script|e\.x|url|on\w+=|<a\b|<image|<style|<use|class=", text), text
    assert not set(re.findall(r"<(\w+)", text)) - {"g", "path", "rect"}


@pytest.mark.parametrize(
    ("svg", "reason"),
    [
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + ROOT + "&a;</svg>", "document type"),
        ('<!DOCTYPE svg SYSTEM "file:///etc/passwd">' + ROOT + "</svg>", "document type"),
        (ROOT + "&nbsp;</svg>", "not well-formed"),
        (ROOT + "<g></svg>", "not well-formed"),
        ("", "not well-formed"),
        ("<html viewBox='0 0 1 1'></html>", "no SVG"),
        ("<svg viewBox='0 0 1e9 1'/>", "no SVG"),
        ("<svg viewBox='0 0 1 9999'/>", "one side"),
        (ROOT + "<g>" * 99 + "</g>" * 99 + "</svg>", "too many elements"),
        (ROOT + "<g/>" * (module.MOST_ELEMENTS + 1) + "</svg>", "too many elements"),
        (ROOT + "<g/>" * (module.MOST_BYTES // 4) + "</svg>", "larger than 2 MiB"),
        (ROOT + f"<path id='a' d='{'M 0 0' * 9999}'/>" + "<use href='#a'/>" * 9999 + "</svg>", "too often"),
    ],
)
def test_what_cannot_be_drawn_in_bounded_time_is_refused(svg: str, reason: str) -> None:
    """Entities, other document types, damage, strange shapes and too many parts are named, and nothing is shown."""
    with pytest.raises(UnsafeSvg, match=reason):
        inline_svg(svg.encode(), "f")


def test_one_element_never_stands_for_many() -> None:
    """A use of a group, of another use or of what comes later is left out, and so is a clip inside of a clip."""
    group = "<g id='g'><path id='p' d='M 0 0'/></g>"
    assert kept(f"{group}<use href='#g'/><use href='#later'/><path id='later'/>").count("<use") == 0
    assert kept(f"{group}<use id='u' href='#p'/><use href='#u'/>").count("<use") == 1
    assert kept(f"<g id='p'/>{group}<use href='#p'/>").count("<use") == 0
    clip = kept("<clipPath id='a'><path clip-path='url(#a)'/><g><path/></g></clipPath>")
    assert clip == '<clipPath id="f-a"><path></path></clipPath>'


def test_an_image_that_takes_much_memory_is_left_out() -> None:
    """A PNG says in its head how wide and high it is; one of 65,536 dots is left out, unread."""
    wide = PNG.replace("SUhEUgAA", "SUhEUgAB", 1)
    assert "<image" not in kept(f'<image href="data:image/png;base64,{wide}"/>')
