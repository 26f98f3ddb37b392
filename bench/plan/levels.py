"""Turns the values of --scenario into levels of scenarios, alone or combined."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.plan import registry
from bench.plan.registry import Scenario

_UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
# The need of a level that names a module; these are levels of such scenarios that name none.
MODULE_NEED, NO_MODULES = "module:{level}", ("light", "heavy")
WORKER_SCENARIOS = ("workers", "worker_imports")
# The scenario that the controller carries out: it starts so many parents.
AT_ONCE = "at_once"
# Resources of the machine or of a user, not of one process.
SHARED = ("memory", "commit", "threads")
# What joins the parts of a combination: a plus before the next NAME=.
_JOINT = re.compile(r"\+(?=[a-z_]+=)")


class PlanError(ValueError):
    """The options name something that does not exist. The text is one line that says what exists."""


@dataclass(frozen=True)
class Part:
    """One scenario at one level: `text` as it was written, `amount` in the scenario's unit (0 for names).

    `argument` is the level as the subject gets it.
    """

    scenario: Scenario
    text: str
    amount: int
    argument: str


@dataclass(frozen=True)
class Level:
    """The state of a parent: one scenario at one level, or several of them, applied in this order."""

    parts: tuple[Part, ...]

    @property
    def scenario(self) -> str:
        """The names of the scenarios, joined by ``+``: the column `scenario` of cells.csv."""
        return "+".join(part.scenario.name for part in self.parts)

    @property
    def text(self) -> str:
        """The levels as they were written, joined by ``+``: the column `level` of cells.csv."""
        return "+".join(part.text for part in self.parts)

    @property
    def name(self) -> str:
        """As it is written behind --scenario."""
        return "+".join(f"{part.scenario.name}={part.text}" for part in self.parts)

    @property
    def unit(self) -> str:
        """The unit of its level; empty where that is a name, or where there are several."""
        return self.parts[0].scenario.unit if len(self.parts) == 1 else ""

    @property
    def words(self) -> tuple[str, ...]:
        """What a subject is told, one word a part."""
        return tuple(f"{part.scenario.entry_point}={part.argument}" for part in self.parts)

    @property
    def needs(self) -> tuple[str, ...]:
        """What all parts need of an interpreter."""
        return tuple(need for part in self.parts for need in part.scenario.needs)

    @property
    def subjects(self) -> int:
        """How many parents there are at the same time."""
        return next((part.amount for part in self.parts if part.scenario.name == AT_ONCE), 1)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it imports by their name."""
        named = [part.text for part in self.parts if MODULE_NEED in part.scenario.needs]
        return tuple(name for name in named if name not in NO_MODULES)

    @property
    def is_of_workers(self) -> bool:
        """Whether it says how many workers are started, or what they import."""
        return any(part.scenario.name in WORKER_SCENARIOS for part in self.parts)

    @property
    def has_dose(self) -> bool:
        """Whether its amounts can be verified."""
        return any(part.scenario.dose for part in self.parts)

    def takes(self) -> Counter[str]:
        """How much of each limited resource it takes; several parents at once share some of them."""
        taken: Counter[str] = Counter()
        for part in self.parts:
            for resource, of_one in part.scenario.takes.items():
                parents = self.subjects if resource in SHARED and part.scenario.name != AT_ONCE else 1
                taken[resource] += of_one * part.amount * parents
        return taken


def parse_level(scenario: Scenario, text: str) -> Part:
    """Read one level, a name or a number with a unit such as 64MiB. Raises `PlanError`."""
    if scenario.placeholder:
        return Part(scenario, text, 0, text)
    if not scenario.unit:
        if text not in scenario.levels:
            raise PlanError(f"{scenario.name}={text}: no such level; there is {', '.join(scenario.levels)}")
        return Part(scenario, text, 0, text)
    amount = _bytes(text) if scenario.unit == "bytes" else _count(text)
    if amount is None:
        wanted = (
            "not a size; write bytes or a number with KiB, MiB or GiB (64MiB)"
            if scenario.unit == "bytes"
            else f"not a number of {scenario.unit}; write digits, or 1e6 for a million"
        )
        raise PlanError(f"{scenario.name}={text}: {wanted}")
    if amount < scenario.least:
        raise PlanError(f"{scenario.name}={text}: too few {scenario.unit}; write {scenario.least} or more")
    return Part(scenario, text if amount else "0", amount, str(amount))


def _bytes(text: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)", text)  # a float can hold so many digits
    if not match or match[2].upper() not in _UNITS:
        return None
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _count(text: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,12})(?:[eE]([0-9]))?", text)
    return int(match[1]) * 10 ** int(match[2] or 0) if match else None


def parse_scenarios(words: Iterable[str]) -> list[Level]:
    """Read ``NAME=LEVEL[,LEVEL][+NAME=LEVEL…]`` words into levels, each once. Raises `PlanError`."""
    levels: list[Level] = []
    for word in words:
        parts = [_parse_part(part) for part in _JOINT.split(word)]
        for combination in itertools.product(*parts):
            level = Level(combination)
            names = [part.scenario.name for part in combination]
            if len(set(names)) < len(names):
                raise PlanError(f"{word}: names a scenario twice; a combination has each once")
            # 64MiB and 65536KiB are one level.
            if not any(other.words == level.words for other in levels):
                levels.append(level)
    return levels


def _parse_part(word: str) -> list[Part]:
    """Read ``NAME=LEVEL[,LEVEL]``."""
    name, equals, values = word.partition("=")
    scenario = registry.scenarios().get(name)
    if scenario is None:
        raise PlanError(f"{name}: no such scenario; there is {', '.join(registry.scenarios())}")
    if not equals or not values:
        example = scenario.levels[0] if scenario.levels else scenario.example
        raise PlanError(f"{word}: write NAME=LEVEL[,LEVEL], as in {name}={example}")
    return [parse_level(scenario, text.strip()) for text in values.split(",")]
