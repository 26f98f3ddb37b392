"""Turns a Chromium of this machine into fixtures: one browser, one site, and pages of it that are watched."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

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
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=chromium.arguments())
        yield started
        started.close()


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> pages.Built:
    """A site and a report; they are shared, so only read them. Of several processes with tests, one makes them."""
    base = tmp_path_factory.getbasetemp()
    record = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "browser-site"
    with record.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            record.write_bytes(pickle.dumps(pages.make(tmp_path_factory.mktemp("site"))))
    made: pages.Built = pickle.loads(record.read_bytes())
    return made


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


@pytest.fixture(scope="package")
def _opened(browser: Browser, address: Callable[..., str]) -> Callable[[str], Watched]:
    """Opens a page of a kind once: most of a test's time is opening it."""
    context = browser.new_context(viewport=WIDE)

    @cache
    def open_once(kind: str) -> Watched:
        watched = Watched(context.new_page())
        watched.page.goto(address(kind))
        return watched

    return open_once


@pytest.fixture(scope="package")
def _other_page(browser: Browser) -> Callable[[bool], Watched]:
    """Gives an empty page, in which scripts run or do not: the same one each time."""
    return cache(lambda scripts: Watched(browser.new_context(java_script_enabled=scripts, viewport=WIDE).new_page()))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of page in turn."""
    name: str = request.param
    return name


@pytest.fixture
def page_of(_opened: Callable[[str], Watched]) -> Iterator[Callable[[str], Page]]:
    """Gives the page of a kind, wide and light; other tests use it too, so leave details and fields as they were."""
    used: list[Watched] = []

    def ready(kind: str) -> Page:
        used.append(_opened(kind))
        page = used[-1].page
        page.bring_to_front()
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light", media="screen")
        return page

    yield ready
    assert not [problem for watched in used for problem in watched.problems]


@pytest.fixture
def page(kind: str, page_of: Callable[[str], Page]) -> Page:
    """The page of each kind in turn."""
    return page_of(kind)


@pytest.fixture
def file_page(_other_page: Callable[[bool], Watched], address: Callable[..., str]) -> Iterator[Callable[..., Page]]:
    """Opens a page of a kind anew, as a file, with or without scripts."""
    used: list[Watched] = []

    def open_file(kind: str, scripts: bool = True) -> Page:
        used.append(_other_page(scripts))
        used[-1].page.goto(address(kind, as_file=True))
        return used[-1].page

    yield open_file
    assert not [problem for watched in used for problem in watched.problems]
