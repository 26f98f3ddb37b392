"""Turns texts into cells of CSV that a spreadsheet shows and does not calculate."""

from __future__ import annotations

# A program that opens CSV takes a cell with one of these in front for a formula, in their wide forms too (OWASP,
# "CSV Injection"); it looks for them behind blanks.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def text_cell(text: str) -> str:
    """`text` with an apostrophe in front of what would be a formula: spreadsheets take it for the mark of a text."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
