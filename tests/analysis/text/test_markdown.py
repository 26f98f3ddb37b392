"""Texts as Markdown shows them: escaped sentences and names, and tables."""

from __future__ import annotations

import pytest

from analysis.text import markdown
from tests.rendered import rendered


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


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "```<img src=x>`",
    "`` ` <img src=x>`",
    "a` <b>b</b> `c",
    "[a](http://e.x) ![a](http://e.x) [b]: http://e.x",
    "&lt;img&gt; &#60;b&#62;",
    "# head",
    "## head",
    "- item",
    "+ item",
    "1. item",
    "2) item",
    "[x] task",
    "===",
    "---",
    "~~gone~~ **a** __b__ \\*c\\*",
    r"a\| \\| b|c \\",
    "www.e.x",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_becomes_an_element(text: str) -> None:
    """A text from a file is shown letter for letter, as a paragraph, in an item, as code and in a table."""
    escaped = markdown.escape_all(text)
    assert (rendered(escaped).tags, rendered(escaped).text.strip()) == (["p"], text)
    assert rendered(f"- {escaped}").tags == ["ul", "li"]
    assert rendered(f"before\n{escaped}").tags == ["p"]
    sentence = rendered(markdown.escape(text))
    assert set(sentence.tags) <= {"p", "code"}
    assert "code" in sentence.tags or sentence.text.strip() == text
    assert (rendered(markdown.code(text)).tags, rendered(markdown.code(text)).text.strip()) == (["p", "code"], text)
    cells = rendered(markdown.table(["x"], [[markdown.escape_all(text)], [markdown.code(text)]], [0]))
    assert cells.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td", "tr", "td", "code"]


def test_code_between_single_backticks_cannot_be_left() -> None:
    """A name that closes the code around it goes on as escaped text."""
    page = rendered(markdown.escape("`a` <img src=x> `b` and ```<img src=x>`"))
    assert page.tags == ["p", "code", "code"]


def test_no_line_ends_a_block_of_code() -> None:
    """A block of code holds lines of backticks."""
    page = rendered(markdown.code_block("a\n```\n<img src=x>\n`````", "sh"))
    assert (page.tags, page.text.strip()) == (["pre", "code"], "a\n```\n<img src=x>\n`````")


def test_addresses_are_no_links() -> None:
    """GitHub makes links of bare addresses: what it looks for is escaped."""
    assert markdown.escape_all("http://e.x www.e.x") == r"http\://e.x www\.e.x"
    assert markdown.escape("http://e.x WWW.e.x") == r"http\://e.x WWW\.e.x"


def test_a_box_to_tick_is_text() -> None:
    """GitHub makes a box of brackets at the beginning of an item."""
    assert markdown.escape_all("[x] task [y]") == r"\[x] task [y]"


def test_a_bar_behind_two_backslashes_ends_no_cell() -> None:
    """The first backslash makes a letter of the second, and the bar behind them needs one of its own."""
    assert markdown.table(["x"], [[r"`a\\|b`"], [r"a\|b"]], [0]).splitlines()[2:] == [r"| `a\\\|b` |", r"| a\|b |"]
