"""Reads the resources of this machine, and says why a mechanism or level is unavailable here."""

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

# The scenarios of a run may fill this share of the memory that is free now.
MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class Resources:
    """What this machine has; `free_memory_bytes` is None where it is unknown.

    `true_program` is the path of the program that `exec` mechanisms run, or empty.
    """

    true_program: str
    has_shell: bool
    control_problem: str
    cpu_count: int
    can_pin: bool
    subjects_pinned: bool
    free_memory_bytes: int | None


def read_resources(pins: Pinning, control_problem: str) -> Resources:
    """The resources now."""
    true_program = shutil.which("true")
    return Resources(
        true_program=os.path.abspath(true_program) if true_program else "",
        has_shell=os.access("/bin/sh", os.X_OK),
        control_problem=control_problem,
        cpu_count=len(pins.allowed_cpus),
        can_pin=pins.can_pin,
        subjects_pinned=pins.subject_cpu is not None,
        free_memory_bytes=memory.available(),
    )


@dataclass(frozen=True)
class Unavailable:
    """A cell that cannot be measured here, and why."""

    python: str
    mechanism: str
    scenario: str
    level: str
    reason: str


def needs(control_folder: str = "") -> set[str]:
    """All that mechanisms and scenarios need of an interpreter. What they need of the machine is in `Resources`.

    `control_folder` holds the C control, or is empty. Some kinds of interpreters cannot load the control.
    """
    names = {need for mechanism in registry.mechanisms().values() for need in mechanism.needs}
    names |= {need for scenario in registry.scenarios().values() for need in scenario.needs}
    names -= {"control", "true", "sh"}
    return names | ({f"control:{control_folder}"} if control_folder else set())


def why_unavailable(mechanism: Mechanism, python: Interpreter, resources: Resources) -> str:
    """Why this mechanism cannot be measured with this interpreter here, or an empty string."""
    for need in mechanism.needs:
        if need == "control" and (problem := resources.control_problem or python.control_problem):
            return f"no C control: {problem}"
        if need == "true" and not resources.true_program:
            return "no program `true` on the PATH"
        if need == "sh" and not resources.has_shell:
            return "no /bin/sh"
        if need in python.missing:
            return python.missing[need]
    return ""


def why_needs_are_unmet(needs: Iterable[str], python: Interpreter) -> str:
    """Why this interpreter does not meet all of `needs`: the first reason, or an empty string."""
    return next((python.missing[need] for need in needs if need in python.missing), "")


def affinity_problem(level: Level, resources: Resources) -> str:
    """Why this level of `affinity` cannot be had here; an empty string for all other scenarios."""
    if level.scenario.name != "affinity":
        return ""
    if not resources.can_pin:
        return "this system cannot pin a process to a CPU"
    if level.text == "free" and resources.cpu_count < 2:
        return "only one CPU may be used: free is pinned"
    if level.text == "pinned" and not resources.subjects_pinned:
        return "--cpu none: nothing is pinned"
    return ""


def too_large(
    pairs: Sequence[tuple[Mechanism, Level]], interpreter_count: int, free_bytes: int | None
) -> dict[tuple[str, str], str]:
    """Sizes that do not fit, by mechanism and level, with the reason.

    All subjects of a round live at the same time. The smallest sizes are taken first.
    """
    if free_bytes is None:
        return {}
    usable_bytes = left_bytes = int(free_bytes * MEMORY_SHARE)
    refused: dict[tuple[str, str], str] = {}
    sizes = [
        (level.amount * interpreter_count, mechanism.name, level.text)
        for mechanism, level in pairs
        if level.scenario.unit == "bytes"
    ]
    for size, name, text in sorted(sizes):
        if size > left_bytes:
            mib = 1 << 20
            refused[name, text] = (
                f"{size // mib} MiB do not fit: {usable_bytes // mib} MiB may be used "
                f"({MEMORY_SHARE:.0%} of what is free), and {left_bytes // mib} MiB of it are left"
            )
        else:
            left_bytes -= size
    return refused
