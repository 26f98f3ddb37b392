"""Texts as Markdown shows them: escaped sentences and names, and tables."""

from __future__ import annotations

from analysis.text import markdown


def test_escape_keeps_code_and_underscores_inside_of_words() -> None:
    """Markup is escaped in a sentence; code between backticks and the underscore of `os_fork` stay as they are."""
    assert markdown.escape("os_fork *a* _b_ <c> `x|y*`") == r"os_fork \*a\* \_b\_ \<c\> `x|y*`"


def test_escape_all_leaves_no_markup() -> None:
    """Of a name from a file nothing is markup, backticks and inner underscores included."""
    assert markdown.escape_all(r"a_b|`c`\<d>") == r"a\_b\|\`c\`\\\<d\>"


def test_a_table_aligns_its_columns_and_keeps_its_cells() -> None:
    """Columns not named are aligned at the right, a bar never ends a cell, and an empty cell holds a blank."""
    text = markdown.table(["name", "p50"], [["`a|b`", "1"], [r"c\|d", ""]], left=[0])
    assert text.splitlines() == ["| name | p50 |", "|---|--:|", r"| `a\|b` | 1 |", r"| c\|d |   |"]
