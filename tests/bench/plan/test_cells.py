"""Holds how options become cells, and that what cannot be measured is left out with its reason."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plan import registry
from bench.plan.availability import MEMORY_SHARE, Resources
from bench.plan.cells import SIZED, make, requested
from bench.plan.interpreters import Interpreter
from bench.plan.levels import Level, PlanError, parse_level, parse_scenarios
from bench.schema import CORE

HERE = Resources("/bin/true", True, "", 2, True, True, 8 << 30)
PYTHON = Interpreter("3.11.7", "/usr/bin/python3", {}, {})
MIB = 1 << 20


def names(profile: str = "standard", mechanisms: tuple[str, ...] = (), scenarios: tuple[str, ...] = ()) -> set[str]:
    """Readable names of what the options ask for."""
    return {
        f"{mechanism.name} {level.scenario.name}={level.text}"
        for mechanism, level in requested(profile, mechanisms, scenarios)
    }


@pytest.mark.parametrize(
    ("word", "amount"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096B", 4096),
        ("64MiB", 64 * MIB),
        ("64mib", 64 * MIB),
        ("1.5 GiB", 1536 * MIB),
        ("2KB", 2000),
        ("3MB", 3_000_000),
        ("1GB", 10**9),
        ("0.5KiB", 512),
        ("0MiB", 0),
    ],
)
def test_sizes_are_read_with_their_unit(word: str, amount: int) -> None:
    """Binary and decimal units, in any case, with or without a fraction."""
    assert parse_level(registry.scenarios()["rss"], word).amount == amount


@given(st.integers(0, 1 << 50))
def test_a_whole_number_of_bytes_is_read_exactly(amount: int) -> None:
    """No rounding on the way from text to bytes."""
    level = parse_level(registry.scenarios()["rss"], str(amount))
    assert (level.amount, level.argument) == (amount, str(amount))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rss"], "rss: write NAME=LEVEL[,LEVEL], as in rss=64MiB"),
        (["parent="], "parent=: write NAME=LEVEL[,LEVEL], as in parent=bare"),
        (["parent=fat"], "parent=fat: no such level; there is bare, equal"),
        (["rss=big"], "rss=big: not a size"),
        (["rss=-1"], "rss=-1: not a size"),
        (["rss=64TiB"], "rss=64TiB: not a size"),
        (["rss=1,,2"], "rss=: not a size"),
        (["rss=1e9"], "rss=1e9: not a size"),
        (["rss=nan"], "rss=nan: not a size"),
        (["rss=" + "9" * 400], "rss=9"),
        (["moon=full"], "moon: no such scenario; there is parent, affinity, rss"),
        (["=1"], ": no such scenario"),
        ([""], ": no such scenario"),
    ],
)
def test_what_is_no_scenario_is_refused(words: list[str], said: str) -> None:
    """The message names the word and what there is instead, in one line."""
    with pytest.raises(PlanError) as caught:
        parse_scenarios(words)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=12))
def test_any_level_is_read_or_refused(text: str) -> None:
    """Nothing but `PlanError` comes of a word that is no level."""
    for scenario in registry.scenarios().values():
        try:
            level = parse_level(scenario, text)
        except PlanError:
            continue
        assert level.amount >= 0


def test_levels_are_taken_once_and_in_order() -> None:
    """A level named twice is one level; the order is that of the words."""
    levels = parse_scenarios(["rss=1MiB,0", "parent=bare", "rss=1MiB,0B"])
    assert [level.text for level in levels] == ["1MiB", "0", "bare"]


def test_unknown_mechanism_and_profile_are_refused() -> None:
    """A name that is none is told with where the names are."""
    with pytest.raises(PlanError, match=r"^os_frok: no such mechanism; `python -m bench list`"):
        requested("standard", ["os_fork", "os_frok"], [])
    with pytest.raises(PlanError, match=r"^slow: no such profile; there is quick, standard, full$"):
        requested("slow", [], [])


def test_the_quick_profile_is_the_core() -> None:
    """The core five in the bare parent."""
    assert names("quick") == {f"{name} parent=bare" for name in CORE}


def test_the_standard_profile_holds_all_and_the_core_in_more_states() -> None:
    """All mechanisms bare, the core equal and free too, three of them at three sizes, nothing else."""
    every = {mechanism.name for mechanism in registry.mechanisms().values() if mechanism.work != "known"}
    expected = {f"{name} parent=bare" for name in every}
    expected |= {f"{name} {state}" for name in CORE for state in ("parent=equal", "affinity=free")}
    expected |= {f"{name} rss={size}" for name in SIZED for size in ("16MiB", "64MiB", "256MiB")}
    assert names("standard") == expected
    assert len(requested("standard", [], [])) == len(expected)
    assert names("full") >= {f"{name} parent={level}" for name in every for level in ("bare", "equal")}


def test_named_mechanisms_and_scenarios_replace_the_profile() -> None:
    """Every named mechanism at every named level; the core, or the bare parent, where none is named."""
    assert names(mechanisms=("noop", "os_fork", "noop")) == {"noop parent=bare", "os_fork parent=bare"}
    assert names(scenarios=("rss=0,1MiB",)) == {f"{name} rss={size}" for name in CORE for size in ("0", "1MiB")}
    assert names("quick", ("os_fork",), ("affinity=free", "parent=equal")) == {
        "os_fork affinity=free",
        "os_fork parent=equal",
    }


def test_cells_are_numbered_in_order_for_every_interpreter() -> None:
    """Each pair is there once for each interpreter, and cells carry numbers from 0."""
    other = dataclasses.replace(PYTHON, label="3.9.18")
    planned, unavailable = make(requested("quick", [], []), [PYTHON, other], HERE)
    assert [cell.number for cell in planned] == list(range(10))
    assert {cell.python.label for cell in planned} == {"3.11.7", "3.9.18"}
    assert len({cell.name for cell in planned}) == 10
    assert unavailable == []


@pytest.mark.parametrize(
    ("mechanism", "change", "reason"),
    [
        ("native_fork", {"control_problem": "no C compiler found; install gcc"}, "no C control: no C compiler found"),
        ("posix_spawn", {"true_program": ""}, "no program `true` on the PATH"),
        ("os_system", {"has_shell": False}, "no /bin/sh"),
    ],
)
def test_what_the_machine_lacks_is_told(mechanism: str, change: dict[str, object], reason: str) -> None:
    """A mechanism whose need is not met is unavailable with the reason, the others are measured."""
    resources = dataclasses.replace(HERE, **change)  # type: ignore[arg-type]
    planned, unavailable = make(requested("standard", ["noop", mechanism], []), [PYTHON], resources)
    assert [cell.mechanism.name for cell in planned] == ["noop"]
    assert [cell.mechanism for cell in unavailable] == [mechanism]
    assert unavailable[0].reason.startswith(reason)


def test_without_fork_the_rest_is_measured() -> None:
    """On a system such as Windows all that forks is unavailable with its reason, and the rest is measured."""
    missing = {need: f"this Python has no {need}" for need in ("os.fork", "os.posix_spawn", "start:fork")}
    missing["start:forkserver"] = "this Python has no start method forkserver"
    windows = dataclasses.replace(PYTHON, missing=missing)
    resources = Resources("", False, "the control needs fork and posix_spawn", 4, False, False, None)
    planned, unavailable = make(requested("standard", [], []), [windows], resources)
    names = {cell.mechanism.name for cell in planned}
    assert names == {"noop", "thread", "python_c", "python_isolated", "mp_spawn", "thread_pool_task"}
    assert not any(cell.level.scenario.name == "affinity" for cell in planned)
    assert all(cell.reason for cell in unavailable)
    assert {cell.mechanism for cell in unavailable} >= {
        "os_fork",
        "mp_fork",
        "native_fork",
        "posix_spawn",
        "process_pool",
    }


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({"can_pin": False, "subjects_pinned": False}, {"pinned", "free"}),
        ({"subjects_pinned": False}, {"pinned"}),
        ({"cpu_count": 1}, {"free"}),
        ({}, set()),
    ],
)
def test_affinity_is_measured_where_it_can_be(change: dict[str, object], left_out: set[str]) -> None:
    """Neither level where nothing can be pinned, no pinned one when that was refused, no free one on a single CPU."""
    resources = dataclasses.replace(HERE, **change)  # type: ignore[arg-type]
    planned, unavailable = make(requested("standard", ["os_fork"], ["affinity=pinned,free"]), [PYTHON], resources)
    assert {cell.level for cell in unavailable} == left_out
    assert {cell.level.text for cell in planned} == {"pinned", "free"} - left_out


@given(st.lists(st.integers(0, 4096), min_size=1, max_size=8, unique=True), st.integers(0, 4096), st.integers(1, 3))
def test_what_is_let_in_fits_into_memory(sizes: list[int], memory: int, pythons: int) -> None:
    """All subjects of a round together stay within the share of what is free, and the smallest go first."""
    resources = dataclasses.replace(HERE, free_memory_bytes=memory * MIB)
    words = ["rss=" + ",".join(f"{size}MiB" for size in sizes)]
    labels = [dataclasses.replace(PYTHON, label=str(number)) for number in range(pythons)]
    planned, unavailable = make(requested("standard", ["os_fork"], words), labels, resources)
    taken = [cell.level.amount for cell in planned]
    assert sum(taken) <= memory * MIB * MEMORY_SHARE
    assert len(planned) + len(unavailable) == len(sizes) * pythons
    refused = [parse_level(registry.scenarios()["rss"], cell.level).amount for cell in unavailable]
    assert max(taken, default=0) <= min(refused, default=1 << 60)
    assert all(re.search(r"MiB", cell.reason) for cell in unavailable)


def test_unknown_memory_holds_nothing_back() -> None:
    """Where free memory cannot be told every size is tried."""
    planned, unavailable = make(
        requested("standard", ["os_fork"], ["rss=1GiB"]), [PYTHON], dataclasses.replace(HERE, free_memory_bytes=None)
    )
    assert (len(planned), unavailable) == (1, [])


def test_the_core_is_the_bare_core() -> None:
    """More blocks a round go to the core mechanisms in the bare parent only."""
    planned, _ = make(requested("standard", [], []), [PYTHON], HERE)
    assert {cell.mechanism.name for cell in planned if cell.is_core} == set(CORE)
    assert all(cell.level.text == "bare" for cell in planned if cell.is_core)


def test_a_level_tells_the_subject_a_number_or_its_name() -> None:
    """Amounts are told in bytes, named levels by name."""
    assert Level(registry.scenarios()["rss"], "64MiB", 64 * MIB).argument == str(64 * MIB)
    assert Level(registry.scenarios()["parent"], "equal", 0).argument == "equal"
