"""Turns the options that name CPUs and interpreters into the set-up of a measurement on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.driver import pinning
from bench.driver.pinning import Pinning
from bench.machine import control_build
from bench.machine.control_build import Control, Teller
from bench.plan import availability, interpreters
from bench.plan.availability import Resources
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level

NO_TELLER = Teller("", "not wanted")


@dataclass(frozen=True)
class Setup:
    """CPUs for subjects and controller, the C control, and the machine's resources.

    `paths` are those of interpreters, `modules` what they should be able to import, `needs` what else they are asked.
    `teller` is there where children shall tell when they began.
    """

    pins: Pinning
    control: Control
    resources: Resources
    paths: Sequence[str]
    modules: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    teller: Teller = NO_TELLER

    @cached_property
    def pythons(self) -> list[Interpreter]:
        """The interpreters to measure. They are probed at the first use. Raises `InterpreterError`."""
        return interpreters.find(self.paths, availability.needs(self.control.folder, self.needs), self.modules)


def prepare(
    cpu: str = "auto", pythons: Sequence[str] = (), levels: Iterable[Level] = (), needs: Iterable[str] = ()
) -> Setup:
    """Choose CPUs, build the control if it is missing, and read the resources. Default interpreter: the suite's own.

    Interpreters are asked for the modules that `levels` import, and for `needs` beside those of our mechanisms.
    Raises `UsageError` for a CPU that may not be used.
    """
    pins = pinning.choose(cpu)
    control = control_build.find()
    levels = list(levels)
    teller = control_build.find_teller() if any(level.tells for level in levels) else NO_TELLER
    resources = availability.read_resources(pins, control.problem, teller.problem)
    modules = frozenset(name for level in levels for name in level.modules)
    return Setup(pins, control, resources, pythons or (interpreters.default(),), modules, frozenset(needs), teller)
