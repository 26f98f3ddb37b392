"""Turns the values of --scenario into levels of scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.plan import registry
from bench.plan.registry import Scenario

_UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class PlanError(ValueError):
    """The options name something that does not exist. The text is one line that says what exists."""


@dataclass(frozen=True)
class Level:
    """One level of a scenario: `text` as it was written, `amount` in the scenario's unit (0 for names)."""

    scenario: Scenario
    text: str
    amount: int

    @property
    def argument(self) -> str:
        """The level as it stands on the subject's command line."""
        return str(self.amount) if self.scenario.unit else self.text


def parse_level(scenario: Scenario, text: str) -> Level:
    """Read one level, a name or a number with a unit such as 64MiB. Raises `PlanError`."""
    if not scenario.unit:
        if text not in scenario.levels:
            raise PlanError(f"{scenario.name}={text}: no such level; there is {', '.join(scenario.levels)}")
        return Level(scenario, text, 0)
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)", text)  # a float can hold so many digits
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
            if not any((other.scenario, other.argument) == (level.scenario, level.argument) for other in levels):
                levels.append(level)
    return levels
