"""Turns what every run asks its interpreter into what was asked once, and watches the machine for a shorter time."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest

from bench.machine import fitness
from bench.plan import interpreters
from bench.plan.interpreters import Interpreter

_ask, _watch = interpreters.find, fitness.measure_cpu_activity


@cache
def _known(paths: tuple[str, ...], needs: frozenset[str], modules: frozenset[str]) -> list[Interpreter]:
    return _ask(paths, needs, modules)


def _find(paths: Any, needs: Any, modules: Any = ()) -> list[Interpreter]:
    return deepcopy(_known(tuple(paths), frozenset(needs), frozenset(modules)))


@pytest.fixture(scope="module", autouse=True)
def _same_machine_for_all_runs() -> Iterator[None]:
    """The interpreter stays the same between the runs of tests, and none of them depends on what else works here."""
    with patch.object(interpreters, "find", _find), patch.object(fitness, "measure_cpu_activity", lambda: _watch(0.02)):
        yield
