"""Reads the resources of this machine, and says why a mechanism or level is unavailable here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from bench.driver.pinning import Pinning
from bench.machine.kernel_files import read_text
from bench.plan import limits, registry
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level, Part
from bench.plan.limits import Limits
from bench.plan.registry import Mechanism
from bench.schema import Work

# What a mechanism needs of its parent's state, which only the level tells.
OF_PARENT = "parent:"
WORKERS_NAMES = "workers_fork, workers_spawn or another of their work"
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"


@dataclass(frozen=True)
class Resources:
    """What this machine has, and what it allows.

    `true_program` is the path of the program that `exec` mechanisms run, or empty.
    """

    true_program: str
    has_shell: bool
    control_problem: str
    cpu_count: int
    can_pin: bool
    subjects_pinned: bool
    huge_pages: bool
    limits: Limits
    teller_problem: str = ""


def read_resources(pins: Pinning, control_problem: str, teller_problem: str = "") -> Resources:
    """The resources now."""
    true_program = shutil.which("true")
    return Resources(
        true_program=os.path.abspath(true_program) if true_program else "",
        has_shell=os.access("/bin/sh", os.X_OK),
        control_problem=control_problem,
        cpu_count=len(pins.allowed_cpus),
        can_pin=pins.can_pin,
        subjects_pinned=pins.subject_cpu is not None,
        # Of three words the one in brackets holds; without such a file there are no huge pages.
        huge_pages="[never]" not in read_text(HUGE_PAGES) and bool(read_text(HUGE_PAGES)),
        limits=limits.read(),
        teller_problem=teller_problem,
    )


@dataclass(frozen=True)
class Unavailable:
    """A cell that cannot be measured here, and why."""

    python: str
    mechanism: str
    scenario: str
    level: str
    reason: str


def needs(control_folder: str = "", more: Iterable[str] = ()) -> set[str]:
    """All that mechanisms and scenarios need of an interpreter. What they need of the machine is in `Resources`.

    `more` are needs of users' mechanisms. `control_folder` holds the C control, or is empty. Some kinds of interpreters
    cannot load the control.
    """
    names = set(more) | {need for mechanism in registry.mechanisms().values() for need in mechanism.needs}
    names |= {need for scenario in registry.scenarios().values() for need in scenario.needs}
    names = {need for need in names if need not in ("control", "true", "sh")}
    names = {need for need in names if "{" not in need and not need.startswith(OF_PARENT)}
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


def why_parent_lacks(mechanism: Mechanism, level: Level) -> str:
    """Why this mechanism has nothing to do in a parent of this level, or an empty string."""
    if level.is_of_workers and mechanism.work is not Work.WORKERS:
        return f"{mechanism.name} starts no workers; measure {WORKERS_NAMES} with {level.name}"
    given = {part.scenario.gives for part in level.parts if part.amount}
    for need in mechanism.needs:
        what = need[len(OF_PARENT) :]
        if need.startswith(OF_PARENT) and what not in given:
            names = [scenario.name for scenario in registry.scenarios().values() if scenario.gives == what]
            return f"the parent has no {what} of a scenario: add {' or '.join(names)} above 0"
    return ""


def why_children_cannot_tell(mechanism: Mechanism, level: Level, resources: Resources) -> str:
    """Why this mechanism has no child that could tell when it began, where `level` asks for it, or an empty string."""
    if level.tells and "true" in mechanism.needs and resources.teller_problem:
        return f"no program that tells when it began: {resources.teller_problem}"
    return ""


def why_needs_are_unmet(needs: Iterable[str], python: Interpreter) -> str:
    """Why this interpreter does not meet all of `needs`: the first reason, or an empty string."""
    return next((python.missing[need] for need in needs if need in python.missing), "")


def why_level_is_unavailable(level: Level, python: Interpreter, resources: Resources) -> str:
    """Why this state of a parent cannot be had with this interpreter here, or an empty string."""
    needs = [need.format(level=part.text) for part in level.parts for need in part.scenario.needs]
    surroundings = (_problem_of_surroundings(part, resources) for part in level.parts)
    return why_needs_are_unmet(needs, python) or next(filter(None, surroundings), "") or resources.limits.problem(level)


def _problem_of_surroundings(part: Part, resources: Resources) -> str:
    """Why this level of `affinity` or of huge pages cannot be had here; an empty string for all other scenarios."""
    if part.scenario.name == "thp" and part.amount and not resources.huge_pages:
        return f"this kernel gives no huge pages ({HUGE_PAGES})"
    if part.scenario.name != "affinity":
        return ""
    if not resources.can_pin:
        return "this system cannot pin a process to a CPU"
    if part.text == "free" and resources.cpu_count < 2:
        return "only one CPU may be used: free is pinned"
    if part.text == "pinned" and not resources.subjects_pinned:
        return "--cpu none: nothing is pinned"
    return ""
