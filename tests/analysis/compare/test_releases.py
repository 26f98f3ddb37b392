"""Holds which cells of two runs belong together where users' files have other contents."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from analysis.compare.releases import changed_files, partners

OLD, NEW, THIRD = "0123456789ab", "ba9876543210", "000000000000"


def test_another_content_of_the_same_file_is_the_same_cell() -> None:
    """Program, program in a combination, and mechanism are matched without the hash; all else as it is."""
    base = [
        ("os_fork", "program", f"server.py@{OLD}"),
        ("os_fork", "program+rss", f"server.py@{OLD}+64MiB"),
        (f"mine.py:f@{OLD}", "parent", "bare"),
        ("os_fork", "parent", "bare"),
        ("os_fork", "rss", "0"),
    ]
    new = [tuple(word.replace(OLD, NEW) for word in key) for key in base[:4]]
    assert partners(base, new) == dict(zip(new, base[:4], strict=True))


def test_equal_contents_come_first_and_what_is_ambiguous_stays_alone() -> None:
    """The unchanged file keeps its own cell; of two others that could be meant, none is chosen."""
    assert partners([("a.py@" + OLD,), ("a.py@" + NEW,)], [("a.py@" + NEW,), ("a.py@" + THIRD,)]) == {
        ("a.py@" + NEW,): ("a.py@" + NEW,),
        ("a.py@" + THIRD,): ("a.py@" + OLD,),
    }
    assert partners([("a.py@" + OLD,), ("a.py@" + NEW,)], [("a.py@" + THIRD,)]) == {}


def test_a_change_is_named_once_with_both_hashes() -> None:
    """Whatever the number of cells; a file that is the same is not named."""
    before: dict[Hashable, Any] = {"mechanism": f"mine.py:f@{OLD}", "level": f"server.py@{OLD}+8"}
    after: dict[Hashable, Any] = {"mechanism": f"mine.py:f@{OLD}", "level": f"server.py@{NEW}+8"}
    assert changed_files([(before, after), (before, after), (before, before)]) == [("content of server.py", OLD, NEW)]
