"""What can be pointed at in a figure, as it is written into the SVG, and the colours of a dark page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from analysis.figures import marks, palette, style

GROUP = "{http://www.w3.org/2000/svg}g"
TITLE = "{http://www.w3.org/2000/svg}title"
HOSTILE = '"><script>\'&<g id="one-mark-0">\x00\ud800\nline'
DARK_GROUND = "#15181c"


def _figure() -> tuple[Figure, int]:
    """A figure in which one artist of each kind that figures use is marked, with the number of marks."""
    picture = style.new_figure(1.5)
    axes = picture.add_subplot()
    artists = [
        *axes.plot([1, 2, 3], [1, 2, 1], color=palette.BLUE, marker="o", markevery=[1]),
        *axes.plot([1], [1], marker="o", markerfacecolor="white"),
        *axes.step([1, 2], [1, 2]),
        axes.vlines([1, 2], [1, 1], [2, 2], color=palette.VERMILION),
        axes.scatter([1, 2], [1, 2], color=palette.BLACK),
        axes.barh(1, 2)[0],
        axes.text(1, 1, HOSTILE.replace("\x00", "").replace("\ud800", "")),
    ]
    for number, artist in enumerate(artists):
        marks.mark(artist, f"series {number} {HOSTILE}", f"name {number}", f"value {number} {HOSTILE}")
    marks.follow(axes.plot([1, 2], [1, 2])[0], HOSTILE)
    return picture, len(artists)


def _svg(name: str) -> bytes:
    with style.look():
        return style.to_bytes(_figure()[0], "svg", name)


def test_every_kind_of_artist_becomes_a_group_with_its_words() -> None:
    """Lines, markers, collections, bars and texts are groups with the words they were given, and hostile ones are text.

    What no XML file can hold is replaced.
    """
    with style.look():
        picture, count = _figure()
        root = ElementTree.fromstring(style.to_bytes(picture, "svg", "one"))
    found = {group.get("id", ""): group for group in root.iter(GROUP) if group.get("class") == "mark"}
    assert sorted(found) == [f"one-mark-{number}" for number in range(count)]
    shown = HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    for number in range(count):
        group = found[f"one-mark-{number}"]
        assert group.get("data-series") == f"series {number} {shown}"
        assert group.get("data-name") == f"name {number}"
        assert group.get("data-value") == f"value {number} {shown}"
        title = group.find(TITLE)
        assert title is not None
        assert title.text == f"name {number}: value {number} {shown}"
        assert len(group) > 1, "nothing to point at"
    followers = [group for group in root.iter(GROUP) if group.get("class") == "follows"]
    assert [group.get("data-series") for group in followers] == [shown]
    assert not [each for each in root.iter() if each.tag.endswith("script")]


def test_figures_of_a_page_share_no_id() -> None:
    """Two figures with other names have no id in common, each id is there once, and every reference finds its own."""
    ids = []
    for name in ("one", "<o>ther"):
        elements = list(ElementTree.fromstring(_svg(name)).iter())
        names = [each.get("id", "") for each in elements if each.get("id")]
        ids.append(set(names))
        assert len(names) == len(set(names))
        values = [value for each in elements for value in each.attrib.values()]
        used = {found for value in values for found in re.findall(r"^#(\S+)$|url\(#([^)]+)\)", value)}
        assert used
        assert {one or other for one, other in used} <= set(names)
    assert not ids[0] & ids[1]
    assert all(name.startswith("-o-ther-") for name in ids[1])


def test_the_same_figure_gives_the_same_marks() -> None:
    """Two drawings of the same figure have equal bytes."""
    assert _svg("one") == _svg("one")


def _luminance(colour: str) -> float:
    """Relative luminance of ``#RRGGBB`` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*palette.COLOURS, palette.GREY, style.SETTINGS["axes.edgecolor"]])
def test_colours_can_be_told_from_a_dark_ground(colour: str) -> None:
    """Every colour of lines and texts is drawn in one with a contrast of 4.5 on the dark ground."""
    rules = dict(re.findall(r'stroke: (#\w+)"\]\{stroke:(#\w+)', _svg("one").decode()))
    assert rules["#ffffff"] == DARK_GROUND
    assert _contrast(rules.get(colour.lower(), colour), DARK_GROUND) >= 4.5


def test_the_shape_of_a_marker_has_no_colour_of_its_own() -> None:
    """A marker is recoloured where it is used: its shape has no stroke, and every use of it has one."""
    root = ElementTree.fromstring(_svg("one"))
    svg = "{http://www.w3.org/2000/svg}"
    shapes = [path for defs in root.iter(f"{svg}defs") for path in defs.iter(f"{svg}path")]
    assert shapes
    assert not [path for path in shapes if "stroke: " in path.get("style", "")]
    markers = [use for use in root.iter(f"{svg}use") if "style" in use.attrib]
    assert markers
    assert all("stroke: #" in use.get("style", "") for use in markers)


def test_dark_rules_hold_inside_of_figures_only() -> None:
    """A page that takes a figure into itself keeps its own colours."""
    text = _svg("one").decode()
    root = ElementTree.fromstring(text)
    rules = re.findall(r"(?<=[{}])([^{}]+)\{[^{}]+\}", text[text.index("<style>") : text.index("</style>")])
    assert rules
    assert all(rule.startswith(f".{root.get('class')}") for rule in rules)
