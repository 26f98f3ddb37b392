"""Lists the mechanisms and scenarios that the code under `bench/subject` defines, in the order of their definition."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import bench.subject.mechanisms
import bench.subject.scenarios
from bench.own_file import OwnFile
from bench.schema import Work

WORKS = (
    Work.CONTROL,
    Work.BASELINE,
    Work.FORK,
    Work.EXEC,
    Work.PYTHON_START,
    Work.PYTHON_CALL,
    Work.REUSE,
    Work.FIRST_WRITE,
    Work.WORKERS,
)
# Mechanisms for the certificate alone come last, and are in no profile.
_WORK_ORDER = (*WORKS, Work.KNOWN)


@dataclass(frozen=True)
class Mechanism:
    """A way to create and reap a child. The subject loads its `entry_point`, ``module:name``.

    A user's own one has a `file`, and the entry point ``FILE.py:name``.
    """

    name: str
    work: Work
    control: str
    needs: tuple[str, ...]
    entry_point: str
    description: str
    file: OwnFile | None = None


@dataclass(frozen=True)
class Scenario:
    """A state of the parent. Its `levels` have names, or they are numbers of `unit`, or any text: a `placeholder`.

    `takes` says how much of each limited resource one unit takes (see `bench.plan.limits`), `least` is the smallest
    number of units; `gives` is what a parent has then that a mechanism may need. `by` is the command that makes its
    levels, where nobody can write one. A parent that may not be idle stays `alone`.
    """

    name: str
    levels: tuple[str, ...]
    unit: str
    dose: str
    needs: tuple[str, ...]
    takes: Mapping[str, int]
    placeholder: str
    least: int
    entry_point: str
    description: str
    gives: str = ""
    by: str = ""
    alone: bool = False

    @property
    def example(self) -> str:
        """A level as it may be written."""
        if self.levels:
            return "|".join(self.levels)
        return self.placeholder or ("64MiB" if self.unit == "bytes" else "N")


def _defined(package: ModuleType, mark: str) -> Iterator[tuple[Callable[..., Any], str]]:
    """The functions that a package's modules define and mark, each with its entry point in a subject."""
    folder = package.__name__.rpartition(".")[2]
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for value in vars(module).values():
            if hasattr(value, mark) and value.__module__ == module.__name__:
                yield value, f"{folder}.{found.name}:{value.__name__}"


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
            entry_point,
            _first_line(make),
        )
        for make, entry_point in _defined(bench.subject.mechanisms, "work")
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
            apply.takes,  # type: ignore[attr-defined]
            apply.placeholder,  # type: ignore[attr-defined]
            apply.least,  # type: ignore[attr-defined]
            entry_point,
            _first_line(apply),
            apply.gives,  # type: ignore[attr-defined]
            apply.by,  # type: ignore[attr-defined]
            apply.alone,  # type: ignore[attr-defined]
        )
        for apply, entry_point in _defined(bench.subject.scenarios, "dose")
    }
