"""Turns the folder of a test into whether it may take a run as read that was read before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.read_once import read_once

# What they hold is reading, and summing up, itself.
READING = {"read", "stats", "summary", "validate"}


@pytest.fixture(autouse=True)
def _read_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let tests of what is made of runs read each run once."""
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    if folder in READING:
        yield
    else:
        with read_once():
            yield
