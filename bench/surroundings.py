"""Looks at what of this machine decides which cells can be measured."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from bench import memory
from bench.pinning import Pinning


@dataclass(frozen=True)
class Surroundings:
    """`true`: path of the program that `exec` mechanisms run, or empty; `memory`: free bytes, None if unknown."""

    true: str
    shell: bool
    control_problem: str
    cpus: int
    can_pin: bool
    pinned: bool
    memory: int | None


def look(pins: Pinning, control_problem: str) -> Surroundings:
    """The surroundings now."""
    found = shutil.which("true")
    return Surroundings(
        true=os.path.abspath(found) if found else "",
        shell=os.access("/bin/sh", os.X_OK),
        control_problem=control_problem,
        cpus=len(pins.allowed),
        can_pin=pins.possible,
        pinned=pins.subject is not None,
        memory=memory.available(),
    )
