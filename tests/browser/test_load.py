"""Turns opening each kind of page, as a file and from a server, into tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_page_loads_without_an_error_or_a_request_to_elsewhere(page: Page) -> None:
    """Every kind of page, the site's below the path of a project, has one title, and no script or request fails."""
    assert page.title()
    assert page.locator("h1").count() == 1


def test_the_site_works_from_a_folder(file_page: Callable[..., Page]) -> None:
    """Opened as files, with nothing that serves them, pages load and lead to each other: down to a run and back."""
    page = file_page("front page")
    for link in (
        "th a[href*='machines/']",
        "th a[href*='/20']",
        "nav a[href='../index.html']",
        "nav a[href$='compare.html']",
    ):
        page.locator(link).first.click(timeout=5_000)
        assert page.locator("h1").is_visible()
    assert page.url.endswith("/compare.html")
    assert page.url.startswith("file:")


def test_a_page_without_scripts_shows_all(kind: str, file_page: Callable[..., Page]) -> None:
    """Where scripts are forbidden, every row and figure is there, and no control that would do nothing."""
    page = file_page(kind, scripts=False)
    hidden = """(selector) => [...document.querySelectorAll(selector)]
        .filter((one) => !one.closest('details') && !one.checkVisibility()).map((one) => one.textContent)"""
    assert page.locator("main").is_visible()
    assert not page.evaluate(hidden, "main tr, main figure, main section, main p")
    assert page.locator("button:visible, input:visible, select:visible").count() == 0
