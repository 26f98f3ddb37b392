"""Turns opening each kind of page, as a file and from a server, into tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_page_loads_without_an_error_or_a_request_to_elsewhere(page: Page) -> None:
    """Every kind of page, the site's below the path of a project, has its title, and no script or request fails."""
    assert page.title()
    assert page.locator("h1").count() == 1


def test_the_site_works_from_a_folder(kind: str, opened: Callable[..., Page]) -> None:
    """Opened as files, with nothing that serves them, the pages load as well."""
    page = opened(kind, as_file=True)
    assert page.locator("h1").is_visible()
