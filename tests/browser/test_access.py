"""Turns what people need who see, point or hear less into tests: an accessibility engine, the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What the keyboard has to reach: what can be used, and what scrolls.
_REACHABLE = """() => {
    const found = document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, [tabindex="0"]');
    window.wanted = new Set([...found].filter((one) => one.checkVisibility({visibilityProperty: true})));
    window.unseen = [];
    document.addEventListener('focusin', ({target}) => {
        window.wanted.delete(target);
        const style = getComputedStyle(target), place = target.getBoundingClientRect();
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        const inside = place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.right > 0;
        if (!ring || !inside) window.unseen.push(target.outerHTML.slice(0, 100));
    });
    return window.wanted.size;
}"""
_LEFT = "[...window.wanted].map((one) => one.outerHTML.slice(0, 100))"
# A region that scrolls and that no key reaches hides what is in it.
_SCROLLING = """[...document.querySelectorAll('*')].filter((one) =>
    one !== document.scrollingElement && one !== document.body
    && /auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth
    && one.tabIndex < 0 && !one.querySelector('a, button')).map((one) => one.outerHTML.slice(0, 100))"""


def axe(page: Page, options: dict[str, Any]) -> list[str]:
    """What the accessibility engine finds: rule, element and reason, one line each."""
    engine = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed; `make test` does it")
    if not page.evaluate("'axe' in window"):
        page.evaluate(engine.AXE_SCRIPT)
    # Nothing to load; and letters in a figure are paths, of which it sees nothing but their number.
    options = {"preload": False, "resultTypes": ["violations"]} | options
    found = page.evaluate("(options) => axe.run({exclude: [['.drawing svg > *']]}, options)", options)
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def test_an_accessibility_engine_finds_nothing(page: Page) -> None:
    """axe has no finding on any kind of page."""
    assert not axe(page, {})


@pytest.mark.parametrize("kind", ["report", "machine"])
def test_contrast_is_enough_in_the_dark_too(kind: str, page_of: Callable[[str], Page]) -> None:
    """axe has no finding about colours on the two pages that hold all pieces of pages."""
    page = page_of(kind)
    page.emulate_media(color_scheme="dark")
    assert not axe(page, {"runOnly": ["color-contrast", "link-in-text-block"]})


def test_the_keyboard_alone_reaches_everything(page: Page) -> None:
    """The tab key gets to every link, button, field and scrolling region, and each shows that it is there."""
    count = page.evaluate(_REACHABLE)
    assert count
    for _ in range(count + 2):
        page.keyboard.press("Tab")
    assert not page.evaluate(_LEFT)
    assert not page.evaluate("window.unseen")
    assert not page.evaluate(_SCROLLING)
