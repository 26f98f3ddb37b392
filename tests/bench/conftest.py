"""Turns what every run asks its interpreter into what was asked once, and makes its certificate small."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest

from bench.plan import interpreters
from bench.plan.interpreters import Interpreter
from tests.quick_bench import small_certificate

_ask = interpreters.find


@cache
def _known(paths: tuple[str, ...], needs: frozenset[str], modules: frozenset[str]) -> list[Interpreter]:
    return _ask(paths, needs, modules)


def _find(paths: Any, needs: Any, modules: Any = ()) -> list[Interpreter]:
    return deepcopy(_known(tuple(paths), frozenset(needs), frozenset(modules)))


@pytest.fixture(scope="module")
def same_interpreters() -> Iterator[None]:
    """The interpreter stays the same between the runs of tests, and none of them depends on what else works here."""
    with patch.object(interpreters, "find", _find):
        yield


@pytest.fixture(scope="module")
def short_runs(same_interpreters: None) -> Iterator[None]:
    """Runs in this process ask nothing twice, and their certificate takes milliseconds."""
    with small_certificate():
        yield
