"""Holds which CPUs subjects and controller get, on machines of known CPUs."""

from __future__ import annotations

import os

import pytest

from bench.driver import pinning
from bench.driver.pinning import Pinning
from bench.errors import UsageError

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")


class Kernel:
    """The CPUs that a process may use, as it asks for them and as it changes them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *cpus: int) -> None:
        self.cpus = set(cpus)
        self.asked: list[tuple[int, ...]] = []
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(self.cpus) if pid == 0 else set())
        monkeypatch.setattr(os, "sched_setaffinity", self.set)

    def set(self, pid: int, cpus: object) -> None:
        """Note and follow."""
        assert pid == 0
        self.asked.append(tuple(sorted(cpus)))  # type: ignore[call-overload]
        self.cpus = set(self.asked[-1])


@pytest.mark.parametrize(
    ("cpus", "asked", "subject", "controller"),
    [
        ((1, 3, 5), "auto", 5, 1),
        ((1, 3, 5), "3", 3, 1),
        ((1, 3, 5), "1", 1, 3),
        ((0, 1), "0", 0, 1),
        ((4,), "auto", 4, None),
        ((1, 3, 5), "none", None, None),
    ],
)
def test_subjects_get_one_cpu_and_the_controller_another(
    monkeypatch: pytest.MonkeyPatch, cpus: tuple[int, ...], asked: str, subject: int | None, controller: int | None
) -> None:
    """The last CPU for subjects, or the one asked for; the first other one for the controller, where there is one."""
    Kernel(monkeypatch, *cpus)
    assert pinning.choose(asked) == Pinning(subject, controller, cpus, True)


def test_a_cpu_that_may_not_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names those that may."""
    Kernel(monkeypatch, 1, 3)
    with pytest.raises(UsageError, match=r"^--cpu 2: this process may not use that CPU; use one of 1, 3$"):
        pinning.choose("2")


@pytest.mark.parametrize("why", ["no call", "Windows"])
def test_a_system_that_cannot_pin_measures_unpinned(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Nothing is pinned there, a CPU that was asked for is refused, and no call is made."""
    kernel = Kernel(monkeypatch, 0, 1)
    if why == "Windows":
        monkeypatch.setattr(pinning.sys, "platform", "win32")  # type: ignore[attr-defined]
    else:
        monkeypatch.delattr(os, "sched_setaffinity")
    for count, cpus in ((3, (0, 1, 2)), (None, (0,))):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        pins = pinning.choose("auto")
        assert pins == Pinning(None, None, cpus, False)
        pinning.apply(pins)
        pinning.undo(pins)
    with pytest.raises(UsageError, match="--cpu 1: this system cannot pin"):
        pinning.choose("1")
    assert kernel.asked == []


def test_the_controller_is_pinned_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """`apply` pins it to its own CPU, `undo` gives it back all; with one CPU or none pinned it stays as it is."""
    kernel = Kernel(monkeypatch, 0, 1, 2)
    pins = pinning.choose("auto")
    pinning.apply(pins)
    assert kernel.cpus == {0}
    pinning.undo(pins)
    assert kernel.cpus == {0, 1, 2}
    pinning.apply(pinning.choose("none"))
    assert kernel.asked == [(0,), (0, 1, 2)]


def test_what_starts_meanwhile_may_use_all_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside the block all CPUs are allowed, behind it those from before; with none named nothing is changed."""
    kernel = Kernel(monkeypatch, 0)
    with pinning.inherited_affinity((0, 1)):
        assert kernel.cpus == {0, 1}
    assert kernel.cpus == {0}
    with pinning.inherited_affinity(()):
        assert kernel.cpus == {0}
    assert len(kernel.asked) == 2
