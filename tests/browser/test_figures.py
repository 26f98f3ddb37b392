"""Turns pointing at a figure and marking one mechanism, by pointer and by keyboard, into tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
WITH_FIGURES = ("report", "front page", "machine", "run")
_AT = "[...document.querySelectorAll('.mark.at')].map(({dataset}) => dataset.name + '\\n' + dataset.value)"
# Series of marks that are seen as always, and of those that stand back.
_SERIES = """() => {
    const of = (selector) => [...new Set([...document.querySelectorAll(selector)].map(({dataset}) => dataset.series))];
    return [of('.mark:not(.dim)'), of('.mark.dim'), of('tr.chosen'), of('.choice button[aria-pressed=true]')];
}"""


@pytest.fixture(params=WITH_FIGURES)
def drawn(request: pytest.FixtureRequest, page_of: Callable[[str], Page]) -> Page:
    """Each page that has figures, in turn, with no mechanism chosen."""
    page = page_of(request.param)
    for _ in range(2):
        page.keyboard.press("Escape")
    assert page.locator(".mark").count() > 1
    return page


def test_pointing_at_a_mark_shows_its_value(drawn: Page) -> None:
    """A pointer over a point brings a box with its name and value, inside of the window; away from it none is shown."""
    mark, box = drawn.locator(".drawing:visible .mark").first, drawn.locator(".pointed")
    mark.scroll_into_view_if_needed()
    place = mark.bounding_box()
    assert place is not None
    drawn.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    assert drawn.evaluate(_AT) == [box.inner_text()]
    assert any(letter.isdigit() for letter in box.inner_text().split("\n")[1])
    shown = box.bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= drawn.evaluate("innerWidth")
    drawn.mouse.move(1, 1)
    assert box.is_hidden()


def test_arrow_keys_go_from_mark_to_mark(drawn: Page) -> None:
    """In a figure that has the focus, arrow keys tell every point in the order of its table; Escape ends it."""
    svg = drawn.locator(".drawing svg").first
    svg.focus()
    names = svg.evaluate(
        "(svg) => [...svg.querySelectorAll('.mark')].map((mark) => [parseInt(/\\d+$/.exec(mark.id)), mark.dataset])"
        ".sort((a, b) => a[0] - b[0]).map(([, data]) => data.name + '\\n' + data.value)"
    )
    for key, name in (("ArrowRight", names[0]), ("ArrowRight", names[1]), ("End", names[-1]), ("ArrowDown", names[0])):
        drawn.keyboard.press(key)
        assert drawn.locator(".pointed").inner_text() == name
    drawn.keyboard.press("Escape")
    assert drawn.locator(".pointed").is_hidden()


def test_one_mechanism_stays_marked(drawn: Page) -> None:
    """Choosing a mechanism lets all others stand back in every figure and marks its rows, until it is chosen again."""
    plain, _, _, _ = drawn.evaluate(_SERIES)
    button = drawn.locator(".choice button").first
    name = button.get_attribute("data-series")
    button.focus()
    drawn.keyboard.press("Enter")
    seen, back, rows, pressed = drawn.evaluate(_SERIES)
    assert (seen, pressed) == ([name], [name])
    assert set(rows) <= {name}
    assert {*seen, *back} == set(plain)
    drawn.mouse.move(5, 5)
    assert drawn.evaluate(_SERIES)[0] == [name]
    button.click()
    assert drawn.evaluate(_SERIES) == [plain, [], [], []]


def test_a_finger_points_with_less_aim(browser: Browser, address: Callable[..., str]) -> None:
    """On a phone a tap 18 px beside a mark shows its value, inside of the window; a tap far from any hides it."""
    with browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as phone:
        page = phone.new_page()
        page.goto(address("report"))
        mark, box = page.locator(".drawing:visible .mark").first, page.locator(".pointed")
        mark.scroll_into_view_if_needed()
        place = mark.bounding_box()
        assert place is not None
        left, middle = place["x"], place["y"] + place["height"] / 2
        page.touchscreen.tap(left - 18, middle)
        assert page.evaluate(_AT) == [box.inner_text()]
        shown = box.bounding_box()
        assert shown is not None
        assert shown["x"] >= 0
        assert shown["x"] + shown["width"] <= PHONE["width"]
        page.touchscreen.tap(left - 60, middle)
        assert box.is_hidden()
