"""Turns the figures of a report into a few, for tests that hold the same of one figure as of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from analysis import figures


@contextmanager
def few_figures(*names: str) -> Iterator[None]:
    """Let a report have the figures of these names alone; tests of the figures hold which there are."""
    few = tuple(kind for kind in figures.kinds() if kind.name in names)
    assert len(few) == len(names)
    with patch.object(figures, "kinds", lambda: few):
        yield
