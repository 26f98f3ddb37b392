"""Holds how the words of the files are put together for people."""

from __future__ import annotations

import pytest

from bench.plan.levels import parse_scenarios
from bench.schema import state_name


@pytest.mark.parametrize("written", ["parent=bare", "rss=64MiB", "rss=64MiB+threads=8", "rss=0+imports=json+fds=1e3"])
def test_a_state_is_named_as_it_is_written(written: str) -> None:
    """The columns of a state, alone or combined, become the word that asks for it."""
    (level,) = parse_scenarios([written])
    assert state_name(level.scenario, level.text) == written


def test_a_plus_inside_of_a_level_is_part_of_it() -> None:
    """Columns that do not pair up are shown as they are."""
    assert state_name("program", "a+b.py") == "program=a+b.py"
