"""Cells of CSV: no text of a run is calculated by whoever opens it."""

from __future__ import annotations

import pytest

from analysis.text.spreadsheet import text_cell


@pytest.mark.parametrize("text", ["=1+2", "+1", "-1", "@SUM(1)", " =1", "＝1", "＋1", "－1", "＠1"])
def test_what_a_spreadsheet_would_calculate_begins_with_an_apostrophe(text: str) -> None:
    """A formula is marked as text, also behind a blank and in wide letters."""
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "os_fork", "1=2", "a-b", "'=1", "–", "64MiB"])
def test_other_texts_stay(text: str) -> None:
    """What no spreadsheet calculates is not changed."""
    assert text_cell(text) == text
