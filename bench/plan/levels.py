"""Turns the values of --scenario into levels of scenarios, alone or combined."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench import own_file
from bench.own_file import OwnFile
from bench.plan import registry
from bench.plan.registry import Scenario
from bench.schema.usage import near

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


# The scenario whose level is a user's file.
PROGRAM = "program"


class PlanError(ValueError):
    """The options name something that does not exist. The text is one line that says what exists."""


@dataclass(frozen=True)
class Part:
    """One scenario at one level: `text` as it was written, `amount` in the scenario's unit (0 for names).

    `argument` is the level as the subject gets it. A level that is a user's `file` has its recorded name as `text`. A
    `recipe` is a text that the subject finds in a file. `held` is what it takes of limited resources, where the amount
    does not say.
    """

    scenario: Scenario
    text: str
    amount: int
    argument: str
    file: OwnFile | None = None
    recipe: str = ""
    held: Mapping[str, int] | None = None

    @property
    def recipe_name(self) -> str:
        """The name of the file that holds the recipe."""
        return f"{self.scenario.name}-{self.argument}"

    @property
    def takes(self) -> Mapping[str, int]:
        """How much of each limited resource it takes."""
        if self.held is not None:
            return self.held
        return {resource: of_one * self.amount for resource, of_one in self.scenario.takes.items()}


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

    @property
    def tells(self) -> bool:
        """Whether children tell when they began: the scenario `phases` is a part of it."""
        return any(part.scenario.name == "phases" for part in self.parts)

    @property
    def stays_alone(self) -> bool:
        """Whether its subject works when it is not asked to, so that no other may be measured beside it."""
        return any(part.scenario.alone for part in self.parts)

    @property
    def files(self) -> tuple[OwnFile, ...]:
        """The user's files that it needs."""
        return tuple(part.file for part in self.parts if part.file)

    @property
    def runs_program(self) -> bool:
        """Whether a user's program is the parent."""
        return any(part.scenario.name == PROGRAM for part in self.parts)

    def takes(self) -> Counter[str]:
        """How much of each limited resource it takes; several parents at once share some of them."""
        taken: Counter[str] = Counter()
        for part in self.parts:
            for resource, amount in part.takes.items():
                parents = self.subjects if resource in SHARED and part.scenario.name != AT_ONCE else 1
                taken[resource] += amount * parents
        return taken


def parse_level(scenario: Scenario, text: str) -> Part:
    """Read one level, a name or a number with a unit such as 64MiB. Raises `PlanError`."""
    if scenario.name == PROGRAM:
        file = own_file.look_at(text)
        return Part(scenario, file.name, 0, file.path, file)
    if scenario.by:
        raise PlanError(f"{scenario.name}={text}: such a level is made by `python -m {scenario.by}`, not by hand")
    if scenario.placeholder:
        return Part(scenario, text, 0, text)
    if not scenario.unit:
        if text not in scenario.levels:
            like = near(text, scenario.levels)
            raise PlanError(f"{scenario.name}={text}: no such level{like}; there is {', '.join(scenario.levels)}")
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
    match = re.fullmatch(r"([0-9]{1,12})(?:[eE]([0-9]{1,2}))?", text)
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
            # 64MiB and 65536KiB are one level, and so are two paths of one file.
            if not any(other.words == level.words or _same(other, level) for other in levels):
                levels.append(level)
    return levels


def _same(one: Level, other: Level) -> bool:
    """Whether both have one name; raises `PlanError` where they are of two files, which a run could not tell apart."""
    if one.name != other.name:
        return False
    for first, second in zip(one.files, other.files, strict=True):
        if not os.path.samefile(first.path, second.path):
            raise PlanError(
                f"{first.path} and {second.path}: have one name and one content, and a run tells programs apart by "
                "these; rename one"
            )
    return True


def with_files(word: str, change: Callable[[str], str]) -> str:
    """A value of --scenario with every file in it, the level of `program`, replaced by what `change` makes of it."""
    parts = []
    for part in _JOINT.split(word):
        name, equals, values = part.partition("=")
        if name == PROGRAM:
            values = ",".join(change(value.strip()) for value in values.split(","))
        parts.append(name + equals + values)
    return "+".join(parts)


def _parse_part(word: str) -> list[Part]:
    """Read ``NAME=LEVEL[,LEVEL]``."""
    name, equals, values = word.partition("=")
    scenario = registry.scenarios().get(name)
    if scenario is None:
        known = registry.scenarios()
        raise PlanError(f"{name}: no such scenario{near(name, known)}; there is {', '.join(known)}")
    if not equals or not values:
        example = scenario.levels[0] if scenario.levels else scenario.example
        raise PlanError(f"{word}: write NAME=LEVEL[,LEVEL], as in {name}={example}")
    return [parse_level(scenario, text.strip()) for text in values.split(",")]
