"""Turns sorting and filtering, by pointer and by keyboard, into tests of the tables of each kind of page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TABLES = ("report", "front page", "machine", "run", "comparison")
NANOSECONDS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, page_of: Callable[[str], Page]) -> Locator:
    """The first table of a page that has a column of times and more than one row."""
    page = page_of(request.param)
    tables = page.locator("table.sortable:visible").filter(has=page.locator("tbody tr:nth-child(2)"))
    return tables.filter(has_text=re.compile(r"\d (ns|µs|ms|s)\b")).first


def times(table: Locator, column: int) -> list[float]:
    """The times in a column from top to bottom, in ns; what is not one is left out."""
    texts = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
    found = [re.match(r"([\d.,]+)\s(ns|µs|ms|s)\b", text) for text in texts]
    return [float(match[1].replace(",", "")) * NANOSECONDS[match[2]] for match in found if match]


def column_of_times(table: Locator) -> int:
    """The first column that holds times in at least two rows."""
    count = table.locator("thead th").count()
    return next(column for column in range(count) if len(times(table, column)) > 1)


def test_a_table_sorts_by_what_the_column_means(table: Locator) -> None:
    """A click on a head sorts by duration whatever its unit, a second one turns the order round, and rows stay."""
    column = column_of_times(table)
    before = times(table, column)
    head = table.locator("thead th").nth(column)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert times(table, column) == sorted(before)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert times(table, column) == sorted(before, reverse=True)


def test_a_table_sorts_by_keyboard(page_of: Callable[[str], Page]) -> None:
    """Enter and the space bar on a focused head do what a click does, and the focus stays there."""
    page = page_of("run")
    head = page.locator("table.sortable:visible thead th:has(button)").last
    head.get_by_role("button").focus()
    for key, order in (("Enter", "ascending"), ("Space", "descending")):
        page.keyboard.press(key)
        assert head.get_attribute("aria-sort") == order
        assert page.evaluate("document.activeElement.closest('th[aria-sort]') !== null")


def test_a_table_filters(page_of: Callable[[str], Page]) -> None:
    """Words that are typed into the field leave the rows that hold all of them; without words all are back."""
    page = page_of("comparison")
    field = page.locator(".filter input:visible").first
    rows = page.locator(".filter:visible + .wide").first.locator("tbody tr")
    shown = rows.and_(page.locator(":visible"))
    every, word = rows.count(), rows.first.locator("th").inner_text().split()[0].lower()
    field.press_sequentially(word)
    texts = shown.all_inner_texts()
    assert 0 < len(texts) < every
    assert all(word in text.lower() for text in texts)
    field.press_sequentially(" no-such-word")
    assert shown.count() == 0
    field.fill("")
    assert shown.count() == every
