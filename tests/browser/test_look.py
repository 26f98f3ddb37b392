"""Turns the look of each kind of page into tests: on a phone, in the dark, on paper."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib.image
import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PHONE: dict[str, int] = {"width": 360, "height": 740}
# A4 without margins of 1 cm, in CSS pixels.
PAPER: dict[str, int] = {"width": 718, "height": 1047}
_TOO_WIDE = """(() => {
    const scrolls = (one) => one && one !== document.body
        && (/auto|scroll/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
    return [...document.querySelectorAll('body *')].filter((one) =>
        one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('svg *') && !scrolls(one))
        .map((one) => one.outerHTML.slice(0, 100));
})()"""
_CUT = """[...document.querySelectorAll('body *')].filter((one) =>
    one.checkVisibility() && getComputedStyle(one).overflowX !== 'visible' && !one.closest('svg')
    && one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML.slice(0, 100))"""
# Letters of figures in pixels; drawings and captions that are wider than the screen.
_ON_A_PHONE = """(points) => {
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
    return [
        seen('.drawing svg').map((svg) => points * svg.clientWidth / svg.viewBox.baseVal.width),
        seen('.drawing, .wide caption span').filter((one) => one.getBoundingClientRect().right > innerWidth)
            .map((one) => one.outerHTML.slice(0, 100)),
    ];
}"""
LETTERS_PT = 6.5  # of the ticks of an axis
_COLORS = """[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]
    .map((color) => color.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765)"""


def brightness(place: Locator) -> float:
    """The median of what is seen of an element, from black (0) to white (1): that of its ground."""
    pixels = matplotlib.image.imread(io.BytesIO(place.screenshot()), format="png")
    return float(np.median(pixels[..., :3]))


def test_nothing_scrolls_sideways_on_a_phone(page: Page) -> None:
    """At 360 pixels the page is as wide as the screen; only tables and code scroll by themselves."""
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    too_wide = page.evaluate(_TOO_WIDE)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), too_wide
    assert not too_wide


def test_a_phone_shows_figures_and_captions_that_can_be_read(page: Page) -> None:
    """A figure is wider than a phone and scrolls by itself, and a caption is no wider than the screen."""
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    letters, too_wide = page.evaluate(_ON_A_PHONE, LETTERS_PT)
    assert all(size >= 11 for size in letters), letters
    assert not too_wide


def test_a_page_follows_the_colour_scheme(page: Page) -> None:
    """In the light, dark letters stand on a light ground, and in the dark it is the other way round; figures too."""
    figures = page.locator("figure:visible .drawing, figure:visible img")
    for scheme, light in (("light", True), ("dark", False)):
        page.emulate_media(color_scheme="light" if light else "dark")
        ground, letters = page.evaluate(_COLORS)
        assert (ground > 0.8) == light, scheme
        assert (letters < 0.3) == light, scheme
        if figures.count():
            assert (brightness(figures.first) > 0.8) == light, scheme


def test_a_page_prints_whole(page: Page) -> None:
    """On paper nothing is cut off, folded away is only figure data, dark pages are light, controls are away."""
    page.set_viewport_size({"width": PAPER["width"], "height": PAPER["height"]})
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), page.evaluate(_TOO_WIDE)
    assert not page.evaluate(_CUT)
    assert not [one for one in page.locator("nav, input, .choice").all() if one.is_visible()]
    details = page.locator("details:not(figure *) > :not(summary, .filter)")
    assert all(one.is_visible() for one in details.all()[:20])
