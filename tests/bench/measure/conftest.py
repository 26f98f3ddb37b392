"""Turns every run of this folder's tests into one that asks nothing twice and has a small certificate."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _short(short_runs: None) -> None:
    """All tests of this folder have short runs."""
