"""Prints all mechanisms and scenarios, and why some of them cannot be measured here."""

from __future__ import annotations

from bench.plan import availability, registry
from bench.plan.levels import Level, parse_level
from bench.plan.registry import Scenario
from bench.plan.setup import prepare
from bench.schema.visible import visible


def main(python: str | None) -> int:
    """Print the list for interpreter `python` (default: the one behind the suite's environment); always 0."""
    setup = prepare(pythons=[python] if python else [])
    interpreter, resources = setup.pythons[0], setup.resources
    print(visible(f"Mechanisms, with Python {interpreter.label} ({interpreter.facts['executable']}):"))
    for work in registry.WORKS:
        print(f"\n{work}")
        for mechanism in registry.mechanisms().values():
            if mechanism.work == work:
                reason = availability.why_unavailable(mechanism, interpreter, resources)
                print(_entry(mechanism.name, mechanism.description, reason))
    print("\nScenarios, as in --scenario NAME=LEVEL[,LEVEL]:\n")
    for scenario in registry.scenarios().values():
        if scenario.by:  # nobody can write its level
            print(_entry(scenario.name, scenario.description, ""))
            continue
        reasons = [
            f"{level}: {reason}"
            for level in scenario.levels
            if (reason := availability.why_level_is_unavailable(_of(scenario, level), interpreter, resources))
        ]
        reason = availability.why_needs_are_unmet(scenario.needs, interpreter) or "; ".join(reasons)
        print(_entry(f"{scenario.name}={scenario.example}", scenario.description, reason))
    return 0


def _of(scenario: Scenario, text: str) -> Level:
    return Level((parse_level(scenario, text),))


def _entry(name: str, description: str, reason: str) -> str:
    line = f"  {name:<22} {description}"
    return f"{line}\n  {'':<22} UNAVAILABLE: {visible(reason)}" if reason else line
