"""Reads what this machine has to measure with, and says why a mechanism or level is unavailable here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.driver.pinning import Pinning
from bench.machine import memory
from bench.plan import registry
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level
from bench.plan.registry import Mechanism

# A run may fill this share of the memory that is free now with what its scenarios ask for.
MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class Resources:
    """`true`: path of the program that `exec` mechanisms run, or empty; `memory`: free bytes, None if unknown."""

    true: str
    shell: bool
    control_problem: str
    cpus: int
    can_pin: bool
    pinned: bool
    memory: int | None


def read_resources(pins: Pinning, control_problem: str) -> Resources:
    """The resources now."""
    found = shutil.which("true")
    return Resources(
        true=os.path.abspath(found) if found else "",
        shell=os.access("/bin/sh", os.X_OK),
        control_problem=control_problem,
        cpus=len(pins.allowed),
        can_pin=pins.possible,
        pinned=pins.subject is not None,
        memory=memory.available(),
    )


@dataclass(frozen=True)
class Unavailable:
    """A cell that cannot be measured here, and why."""

    python: str
    mechanism: str
    scenario: str
    level: str
    reason: str


def needs(control: str = "") -> set[str]:
    """All that mechanisms and scenarios need of an interpreter; what they need of the machine is in `Resources`.

    `control` is the folder of the C control, which an interpreter of another kind may not be able to load; or empty.
    """
    found = {need for mechanism in registry.mechanisms().values() for need in mechanism.needs}
    found |= {need for scenario in registry.scenarios().values() for need in scenario.needs}
    found -= {"control", "true", "sh"}
    return found | ({f"control:{control}"} if control else set())


def why_unavailable(mechanism: Mechanism, python: Interpreter, resources: Resources) -> str:
    """Why this mechanism cannot be measured with this interpreter here, or an empty string."""
    for need in mechanism.needs:
        if need == "control" and (problem := resources.control_problem or python.control_problem):
            return f"no C control: {problem}"
        if need == "true" and not resources.true:
            return "no program `true` on the PATH"
        if need == "sh" and not resources.shell:
            return "no /bin/sh"
        if need in python.missing:
            return python.missing[need]
    return ""


def missing(needs: Iterable[str], python: Interpreter) -> str:
    """Why this interpreter cannot meet the first of `needs` that it cannot, or an empty string."""
    return next((python.missing[need] for need in needs if need in python.missing), "")


def affinity_problem(level: Level, resources: Resources) -> str:
    """Why this level of `affinity` cannot be had here; an empty string for all other scenarios."""
    if level.scenario.name != "affinity":
        return ""
    if not resources.can_pin:
        return "this system cannot pin a process to a CPU"
    if level.text == "free" and resources.cpus < 2:
        return "only one CPU may be used: free is pinned"
    if level.text == "pinned" and not resources.pinned:
        return "--cpu none: nothing is pinned"
    return ""


def too_large(pairs: Sequence[tuple[Mechanism, Level]], pythons: int, memory: int | None) -> dict[tuple[str, str], str]:
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
