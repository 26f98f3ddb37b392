"""Turns options into the cells of a run, and says of each cell that is left out why it is unavailable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import registry
from bench.interpreters import Interpreter
from bench.registry import Mechanism, Scenario
from bench.surroundings import Surroundings

BARE = ("parent", "bare")
CORE = ("os_fork", "posix_spawn", "subprocess_run", "mp_forkserver", "mp_spawn")
SIZED = ("os_fork", "posix_spawn", "subprocess_run")
PROFILES = ("quick", "standard", "full")

# A run may fill this share of the memory that is free now with what its scenarios ask for.
MEMORY_SHARE = 0.6

_UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class PlanError(ValueError):
    """The options name something that does not exist; the text is one line that says what does."""


@dataclass(frozen=True)
class Level:
    """One level of a scenario: `text` as it was written, `amount` in the scenario's unit (0 for names)."""

    scenario: Scenario
    text: str
    amount: int

    @property
    def asked(self) -> str:
        """What the subject is told."""
        return str(self.amount) if self.scenario.unit else self.text


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


@dataclass(frozen=True)
class Unavailable:
    """A cell that cannot be measured here, and why."""

    python: str
    mechanism: str
    scenario: str
    level: str
    reason: str


def parse_level(scenario: Scenario, text: str) -> Level:
    """Read one level, a name or a number with a unit such as 64MiB. Raises `PlanError`."""
    if not scenario.unit:
        if text not in scenario.levels:
            raise PlanError(f"{scenario.name}={text}: no such level; there is {', '.join(scenario.levels)}")
        return Level(scenario, text, 0)
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)", text)  # so many digits a float can hold
    if not match or match[2].upper() not in _UNITS:
        raise PlanError(f"{scenario.name}={text}: not a size; write bytes or a number with KiB, MiB or GiB (64MiB)")
    amount = int(float(match[1]) * _UNITS[match[2].upper()])
    return Level(scenario, text if amount else "0", amount)


def parse_scenarios(words: Iterable[str]) -> list[Level]:
    """Read ``NAME=LEVEL[,LEVEL]`` words into levels, each once. Raises `PlanError`."""
    levels: list[Level] = []
    for word in words:
        name, equals, values = word.partition("=")
        scenario = registry.scenarios().get(name)
        if scenario is None:
            raise PlanError(f"{name}: no such scenario; there is {', '.join(registry.scenarios())}")
        if not equals or not values:
            raise PlanError(
                f"{word}: write NAME=LEVEL[,LEVEL], as in {name}={scenario.levels[0] if scenario.levels else '64MiB'}"
            )
        for text in values.split(","):
            level = parse_level(scenario, text.strip())
            # 64MiB and 65536KiB are one level.
            if not any((one.scenario, one.asked) == (level.scenario, level.asked) for one in levels):
                levels.append(level)
    return levels


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


def needs(control: str = "") -> set[str]:
    """All that mechanisms and scenarios need of an interpreter; what they need of the machine is in `Surroundings`.

    `control` is the folder of the C control, which an interpreter of another kind may not be able to load; or empty.
    """
    found = {need for mechanism in registry.mechanisms().values() for need in mechanism.needs}
    found |= {need for scenario in registry.scenarios().values() for need in scenario.needs}
    found -= {"control", "true", "sh"}
    return found | ({f"control:{control}"} if control else set())


def make(
    pairs: Sequence[tuple[Mechanism, Level]], pythons: Sequence[Interpreter], around: Surroundings
) -> tuple[list[Cell], list[Unavailable]]:
    """Number the cells that can be measured here, and list those that cannot, each with its reason."""
    cells: list[Cell] = []
    unavailable: list[Unavailable] = []
    held_out = _too_large(pairs, len(pythons), around.memory)
    for mechanism, level in pairs:
        for python in pythons:
            reason = (
                why_unavailable(mechanism, python, around)
                or missing(level.scenario.needs, python)
                or affinity_problem(level, around)
                or held_out.get((mechanism.name, level.text), "")
            )
            if reason:
                scenario = level.scenario.name
                unavailable.append(Unavailable(python.label, mechanism.name, scenario, level.text, reason))
            else:
                cells.append(Cell(len(cells), python, mechanism, level))
    return cells, unavailable


def why_unavailable(mechanism: Mechanism, python: Interpreter, around: Surroundings) -> str:
    """Why this mechanism cannot be measured with this interpreter here, or an empty string."""
    for need in mechanism.needs:
        if need == "control" and (problem := around.control_problem or python.control_problem):
            return f"no C control: {problem}"
        if need == "true" and not around.true:
            return "no program `true` on the PATH"
        if need == "sh" and not around.shell:
            return "no /bin/sh"
        if need in python.missing:
            return python.missing[need]
    return ""


def missing(needs: Iterable[str], python: Interpreter) -> str:
    """Why this interpreter cannot meet the first of `needs` that it cannot, or an empty string."""
    return next((python.missing[need] for need in needs if need in python.missing), "")


def affinity_problem(level: Level, around: Surroundings) -> str:
    """Why this level of `affinity` cannot be had here; an empty string for all other scenarios."""
    if level.scenario.name != "affinity":
        return ""
    if not around.can_pin:
        return "this system cannot pin a process to a CPU"
    if level.text == "free" and around.cpus < 2:
        return "only one CPU may be used: free is pinned"
    if level.text == "pinned" and not around.pinned:
        return "--cpu none: nothing is pinned"
    return ""


def _too_large(
    pairs: Sequence[tuple[Mechanism, Level]], pythons: int, memory: int | None
) -> dict[tuple[str, str], str]:
    """Sizes that do not fit: all subjects of a round are there at once, so the smallest are let in first."""
    if memory is None:
        return {}
    room = int(memory * MEMORY_SHARE)
    held_out: dict[tuple[str, str], str] = {}
    sizes = [
        (level.amount * pythons, mechanism.name, level.text)
        for mechanism, level in pairs
        if level.scenario.unit == "bytes"
    ]
    for size, name, text in sorted(sizes):
        if size > room:
            mib = 1 << 20
            held_out[name, text] = (
                f"{size // mib} MiB more than fit: {int(memory * MEMORY_SHARE) // mib} MiB may be used "
                f"({MEMORY_SHARE:.0%} of what is free), and {room // mib} MiB of it are left"
            )
        else:
            room -= size
    return held_out
