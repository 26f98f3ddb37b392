"""Lists the mechanisms and scenarios that the code under `bench/subject` defines, in the order of their definition."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import bench.subject.mechanisms as package

WORKS = ("control", "baseline", "fork", "exec", "python_start", "python_call", "reuse")
# What serves the certificate only comes last, and in no profile.
_ORDER = (*WORKS, "known")


@dataclass(frozen=True)
class Mechanism:
    """A way to create and reap a child; `where` is what the subject loads (``module:name``)."""

    name: str
    work: str
    control: str
    needs: tuple[str, ...]
    where: str
    text: str


@dataclass(frozen=True)
class Scenario:
    """A state of the parent; either it has named `levels`, or levels are numbers of `unit`."""

    name: str
    levels: tuple[str, ...]
    unit: str
    dose: str
    needs: tuple[str, ...]
    where: str
    text: str


def _defined(module: str, mark: str) -> list[Callable[..., Any]]:
    loaded = importlib.import_module(f"bench.subject.{module}")
    return [value for value in vars(loaded).values() if hasattr(value, mark) and value.__module__ == loaded.__name__]


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0]


@cache
def mechanisms() -> dict[str, Mechanism]:
    """All mechanisms by name, those of the certificate (work ``known``) included."""
    found = [
        Mechanism(
            make.__name__,
            make.work,  # type: ignore[attr-defined]
            make.control,  # type: ignore[attr-defined]
            tuple(make.needs),  # type: ignore[attr-defined]
            f"mechanisms.{module.name}:{make.__name__}",
            _first_line(make),
        )
        for module in pkgutil.iter_modules(package.__path__)
        for make in _defined(f"mechanisms.{module.name}", "work")
    ]
    return {one.name: one for one in sorted(found, key=lambda one: _ORDER.index(one.work))}


@cache
def scenarios() -> dict[str, Scenario]:
    """All scenarios by name."""
    return {
        apply.__name__: Scenario(
            apply.__name__,
            tuple(apply.levels),  # type: ignore[attr-defined]
            apply.unit,  # type: ignore[attr-defined]
            apply.dose,  # type: ignore[attr-defined]
            tuple(apply.needs),  # type: ignore[attr-defined]
            f"scenarios:{apply.__name__}",
            _first_line(apply),
        )
        for apply in _defined("scenarios", "dose")
    }
