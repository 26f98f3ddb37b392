"""Lists the mechanisms and scenarios that the code under `bench/subject` defines, in the order of their definition."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import bench.subject.mechanisms as package
from bench.schema import Work

WORKS = (Work.CONTROL, Work.BASELINE, Work.FORK, Work.EXEC, Work.PYTHON_START, Work.PYTHON_CALL, Work.REUSE)
# Mechanisms for the certificate alone come last, and are in no profile.
_WORK_ORDER = (*WORKS, Work.KNOWN)


@dataclass(frozen=True)
class Mechanism:
    """A way to create and reap a child. The subject loads its `entry_point`, ``module:name``."""

    name: str
    work: Work
    control: str
    needs: tuple[str, ...]
    entry_point: str
    description: str


@dataclass(frozen=True)
class Scenario:
    """A state of the parent. Its `levels` have names, or they are numbers of `unit`."""

    name: str
    levels: tuple[str, ...]
    unit: str
    dose: str
    needs: tuple[str, ...]
    entry_point: str
    description: str


def _defined(module: str, mark: str) -> list[Callable[..., Any]]:
    loaded = importlib.import_module(f"bench.subject.{module}")
    return [value for value in vars(loaded).values() if hasattr(value, mark) and value.__module__ == loaded.__name__]


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0]


@cache
def mechanisms() -> dict[str, Mechanism]:
    """All mechanisms by name, those of the certificate (work ``known``) included."""
    registered = [
        Mechanism(
            make.__name__,
            Work(make.work),  # type: ignore[attr-defined]
            make.control,  # type: ignore[attr-defined]
            tuple(make.needs),  # type: ignore[attr-defined]
            f"mechanisms.{module.name}:{make.__name__}",
            _first_line(make),
        )
        for module in pkgutil.iter_modules(package.__path__)
        for make in _defined(f"mechanisms.{module.name}", "work")
    ]
    return {
        mechanism.name: mechanism
        for mechanism in sorted(registered, key=lambda mechanism: _WORK_ORDER.index(mechanism.work))
    }


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
