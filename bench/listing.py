"""Prints the mechanisms and scenarios that there are, and of each what keeps it from being measured here."""

from __future__ import annotations

from bench import control, interpreters, pinning, plan, registry, surroundings


def main(python: str | None) -> int:
    """Print the list for interpreter `python` (default: the one behind the suite's environment); always 0."""
    folder, problem = control.find()
    interpreter = interpreters.find([python or interpreters.default()], plan.needs(folder))[0]
    around = surroundings.look(pinning.choose("auto"), problem)
    print(f"Mechanisms, with Python {interpreter.label} ({interpreter.facts['executable']}):")
    for work in registry.WORKS:
        print(f"\n{work}")
        for mechanism in registry.mechanisms().values():
            if mechanism.work == work:
                print(_entry(mechanism.name, mechanism.text, plan.why_unavailable(mechanism, interpreter, around)))
    print("\nScenarios, as in --scenario NAME=LEVEL[,LEVEL]:\n")
    for scenario in registry.scenarios().values():
        levels = "|".join(scenario.levels) or ("64MiB" if scenario.unit == "bytes" else "N")
        reasons = [
            f"{level}: {reason}"
            for level in scenario.levels
            if (reason := plan.affinity_problem(plan.parse_level(scenario, level), around))
        ]
        reason = plan.missing(scenario.needs, interpreter) or "; ".join(reasons)
        print(_entry(f"{scenario.name}={levels}", scenario.text, reason))
    return 0


def _entry(name: str, text: str, reason: str) -> str:
    line = f"  {name:<22} {text}"
    return f"{line}\n  {'':<22} UNAVAILABLE: {reason}" if reason else line
