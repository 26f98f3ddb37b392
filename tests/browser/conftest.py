"""Turns a Chromium of this machine into fixtures: one browser, one site, and pages of it that are watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium, pages
from tests.browser.watched import Watched
from tests.conftest import nothing_left_behind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
KINDS = ("report", "front page", "machine", "run", "comparison", "document")


@pytest.fixture(scope="package", autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail where the browser outlives its tests: while they run, it starts and ends processes as it likes."""
    yield from nothing_left_behind()


@pytest.fixture(scope="package")
def browser(_nothing_left_behind: None) -> Iterator[Browser]:
    """A headless Chromium; tests are skipped where there is none, or nothing that drives it."""
    path = chromium.find()
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(chromium.NAMES)}")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed; `make test` does it")
    # Chromium's sandbox wants a user that is not root, and refuses to start for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> pages.Built:
    """A site and a report; they are shared, so only read them."""
    return pages.make(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="package")
def address(built: pages.Built) -> Iterator[Callable[..., str]]:
    """Gives the address of a kind of page: of a file, or of the site as a server has it, below a path."""
    with pages.served(built.folder) as root:

        def address_of(kind: str, as_file: bool = False) -> str:
            if kind == "report":
                return built.report.as_uri()
            place = built.places()[kind]
            return (built.site / place).as_uri() if as_file else f"{root}/{pages.PROJECT}/{place}"

        yield address_of


@pytest.fixture
def opened(browser: Browser, address: Callable[..., str]) -> Iterator[Callable[..., Page]]:
    """Opens a page of a kind anew, with the options of a browser's context; closed and judged after the test."""
    contexts, watched = [], []

    def open_page(kind: str, as_file: bool = False, **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        watched.append(Watched(contexts[-1].new_page()))
        watched[-1].page.goto(address(kind, as_file))
        return watched[-1].page

    yield open_page
    for context in contexts:
        context.close()
    assert not [problem for each in watched for problem in each.problems]


@pytest.fixture(scope="package")
def _shared(browser: Browser, address: Callable[..., str]) -> Callable[[str], Watched]:
    """Opens a page of a kind once: most of a test's time is opening it."""

    @cache
    def open_once(kind: str) -> Watched:
        watched = Watched(browser.new_page())
        watched.page.goto(address(kind))
        return watched

    return open_once


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of page in turn."""
    name: str = request.param
    return name


@pytest.fixture
def page(kind: str, _shared: Callable[[str], Watched]) -> Iterator[Page]:
    """Each kind of page, wide and light, open since an earlier test: only look at it, and move through it."""
    watched = _shared(kind)
    watched.page.set_viewport_size(WIDE)
    watched.page.emulate_media(color_scheme="light", media="screen")
    yield watched.page
    assert not watched.problems
