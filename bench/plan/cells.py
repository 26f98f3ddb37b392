"""Turns options into the numbered cells of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bench.own_file import OwnFile
from bench.plan import interpreters, own_mechanism, registry, sweep
from bench.plan.availability import (
    Resources,
    Unavailable,
    why_children_cannot_tell,
    why_level_is_unavailable,
    why_parent_lacks,
    why_unavailable,
)
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level, PlanError, parse_scenarios
from bench.plan.registry import Mechanism
from bench.schema import CORE, Work
from bench.schema.usage import near

BARE = ("parent", "bare")
SIZED = ("os_fork", "posix_spawn", "subprocess_run")
# Works whose every call starts a process: only of them is it news when the child began.
STARTS_A_CHILD = (Work.CONTROL, Work.FORK, Work.EXEC, Work.PYTHON_START, Work.PYTHON_CALL)
PROFILES = ("quick", "standard", "full", "sweep")


@dataclass(frozen=True)
class Cell:
    """Interpreter, mechanism and scenario: one row of the result."""

    number: int
    python: Interpreter
    mechanism: Mechanism
    level: Level

    @property
    def is_bare(self) -> bool:
        """Whether its parent is bare."""
        return (self.level.scenario, self.level.text) == BARE

    @property
    def is_core(self) -> bool:
        """Whether most answers rest on this cell: a core mechanism in the bare parent."""
        return self.mechanism.name in CORE and self.is_bare

    @property
    def files(self) -> tuple[OwnFile, ...]:
        """The user's files that it needs."""
        return (*self.level.files, *([self.mechanism.file] if self.mechanism.file else []))

    @property
    def program(self) -> tuple[str, str]:
        """What decides how much memory a user's program fills: the interpreter and the level."""
        return self.python.label, self.level.name

    @property
    def name(self) -> str:
        """A readable name."""
        return f"{self.mechanism.name} {self.level.name} {self.python.label}"


def identity_of(cell: Cell) -> tuple[str, str, str, str]:
    """What a cell is called in every run: interpreter, mechanism, scenario and level."""
    return cell.python.label, cell.mechanism.name, cell.level.scenario, cell.level.text


def requested(
    profile: str, mechanisms: Sequence[str], scenarios: Sequence[str], python: str = ""
) -> list[tuple[Mechanism, Level]]:
    """The mechanisms and levels that the options ask for, whatever this machine can do.

    A user's mechanism is looked at with the interpreter at `python`. Raises `PlanError` and `UsageError`.
    Named mechanisms or scenarios replace the profile's list. The cells are then the named mechanisms (if none is named:
    the core ones, or all that start workers) at the named levels (if none is named: the bare parent).
    """
    registered = registry.mechanisms()
    own = own_mechanism.find_all(mechanisms, python or interpreters.default())
    for name in mechanisms:
        if name not in registered and name not in own:
            raise PlanError(f"{name}: no such mechanism{near(name, registered)}; `python -m bench list` shows them all")
    if mechanisms or scenarios:
        return _cross(dict.fromkeys(mechanisms), scenarios or ["parent=bare"], own)
    # A first write is measured in the parents that a user asks for, since a bare one has nothing to write; workers
    # where they are asked for, since several at once take long.
    works = set(registry.WORKS) - {Work.FIRST_WRITE, Work.WORKERS}
    measurable = [name for name, mechanism in registered.items() if mechanism.work in works]
    if profile == "quick":
        return _cross(CORE, ["parent=bare"])
    if profile == "standard":
        return [
            *_cross(measurable, ["parent=bare"]),
            *_cross(CORE, ["parent=equal", "affinity=free"]),
            *_cross(SIZED, ["rss=16MiB,64MiB,256MiB"]),
        ]
    if profile == "full":
        return [
            *_cross(measurable, ["parent=bare,equal", "affinity=free"]),
            *_cross((*SIZED, "mp_fork"), ["rss=0,16MiB,64MiB,256MiB,1GiB"]),
            *_cross([name for name in measurable if registered[name].work in STARTS_A_CHILD], ["phases=told"]),
        ]
    if profile == "sweep":
        return [pair for mechanisms, scenarios in sweep.MATRIX for pair in _cross(mechanisms, scenarios)]
    raise PlanError(f"{profile}: no such profile{near(profile, PROFILES)}; there is {', '.join(PROFILES)}")


def _cross(
    mechanisms: Iterable[str], scenarios: Sequence[str], own: Mapping[str, Mechanism] = MappingProxyType({})
) -> list[tuple[Mechanism, Level]]:
    """All `mechanisms` at all levels; none named: the core, or, where the level is of workers, all that start some."""
    registered, named = {**registry.mechanisms(), **own}, list(mechanisms)
    starting_workers = [name for name, mechanism in registered.items() if mechanism.work is Work.WORKERS]
    return [
        (registered[name], level)
        for level in parse_scenarios(scenarios)
        for name in named or (starting_workers if level.is_of_workers else CORE)
    ]


def make(
    pairs: Sequence[tuple[Mechanism, Level]], pythons: Sequence[Interpreter], resources: Resources
) -> tuple[list[Cell], list[Unavailable]]:
    """Number the cells that can be measured here, and list those that cannot, each with its reason."""
    cells: list[Cell] = []
    unavailable: list[Unavailable] = []
    for mechanism, level in pairs:
        for python in pythons:
            reason = (
                why_unavailable(mechanism, python, resources)
                or why_parent_lacks(mechanism, level)
                or why_level_is_unavailable(level, python, resources)
                or why_children_cannot_tell(mechanism, level, resources)
            )
            if reason:
                unavailable.append(Unavailable(python.label, mechanism.name, level.scenario, level.text, reason))
            else:
                cells.append(Cell(len(cells), python, mechanism, level))
    return cells, unavailable
