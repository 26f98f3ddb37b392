"""Turns options into the numbered cells of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.plan import registry
from bench.plan.availability import Resources, Unavailable, affinity_problem, missing, too_large, why_unavailable
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level, PlanError, parse_scenarios
from bench.plan.registry import Mechanism
from bench.schema import CORE

BARE = ("parent", "bare")
SIZED = ("os_fork", "posix_spawn", "subprocess_run")
PROFILES = ("quick", "standard", "full")


@dataclass(frozen=True)
class Cell:
    """Interpreter, mechanism and scenario: one row of the result."""

    number: int
    python: Interpreter
    mechanism: Mechanism
    level: Level

    @property
    def is_core(self) -> bool:
        """Whether it belongs to the mechanisms that most answers rest on, in the bare parent."""
        return self.mechanism.name in CORE and (self.level.scenario.name, self.level.text) == BARE

    @property
    def name(self) -> str:
        """A readable name."""
        scenario = f"{self.level.scenario.name}={self.level.text}"
        return f"{self.mechanism.name} {scenario} {self.python.label}"


def wanted(profile: str, mechanisms: Sequence[str], scenarios: Sequence[str]) -> list[tuple[Mechanism, Level]]:
    """What the options ask for, before anything is known of the machine. Raises `PlanError`.

    Naming mechanisms or scenarios replaces the profile's list: the cells are then the named mechanisms
    (the core ones if none is named) at the named levels (the bare parent if none is named).
    """
    known = registry.mechanisms()
    for name in mechanisms:
        if name not in known:
            raise PlanError(f"{name}: no such mechanism; `python -m bench list` shows them all")
    if mechanisms or scenarios:
        return _cross(dict.fromkeys(mechanisms) or CORE, scenarios or ["parent=bare"])
    every = [name for name, mechanism in known.items() if mechanism.work in registry.WORKS]
    if profile == "quick":
        return _cross(CORE, ["parent=bare"])
    if profile == "standard":
        return [
            *_cross(every, ["parent=bare"]),
            *_cross(CORE, ["parent=equal", "affinity=free"]),
            *_cross(SIZED, ["rss=16MiB,64MiB,256MiB"]),
        ]
    if profile == "full":
        return [
            *_cross(every, ["parent=bare,equal", "affinity=free"]),
            *_cross((*SIZED, "mp_fork"), ["rss=0,16MiB,64MiB,256MiB,1GiB"]),
        ]
    raise PlanError(f"{profile}: no such profile; there is {', '.join(PROFILES)}")


def _cross(mechanisms: Iterable[str], scenarios: Sequence[str]) -> list[tuple[Mechanism, Level]]:
    levels = parse_scenarios(scenarios)
    return [(registry.mechanisms()[name], level) for level in levels for name in mechanisms]


def make(
    pairs: Sequence[tuple[Mechanism, Level]], pythons: Sequence[Interpreter], resources: Resources
) -> tuple[list[Cell], list[Unavailable]]:
    """Number the cells that can be measured here, and list those that cannot, each with its reason."""
    cells: list[Cell] = []
    unavailable: list[Unavailable] = []
    held_out = too_large(pairs, len(pythons), resources.memory)
    for mechanism, level in pairs:
        for python in pythons:
            reason = (
                why_unavailable(mechanism, python, resources)
                or missing(level.scenario.needs, python)
                or affinity_problem(level, resources)
                or held_out.get((mechanism.name, level.text), "")
            )
            if reason:
                scenario = level.scenario.name
                unavailable.append(Unavailable(python.label, mechanism.name, scenario, level.text, reason))
            else:
                cells.append(Cell(len(cells), python, mechanism, level))
    return cells, unavailable
