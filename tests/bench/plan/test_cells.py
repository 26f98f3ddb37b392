"""Holds how options become cells, and that what cannot be measured is left out with its reason."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.plan import registry
from bench.plan.availability import Resources
from bench.plan.cells import SIZED, make, requested
from bench.plan.interpreters import Interpreter
from bench.plan.levels import PlanError, parse_level, parse_scenarios
from bench.plan.limits import Limit, Limits
from bench.schema import CORE

HERE = Resources("/bin/true", True, "", 2, True, True, True, Limits({"memory": Limit(2 << 30, "free memory")}))
PYTHON = Interpreter("3.11.7", "/usr/bin/python3", {}, {})
MIB = 1 << 20


def names(profile: str = "standard", mechanisms: tuple[str, ...] = (), scenarios: tuple[str, ...] = ()) -> set[str]:
    """Readable names of what the options ask for."""
    return {
        f"{mechanism.name} {level.scenario}={level.text}"
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
        (["moon=full"], "moon: no such scenario; there is vmas, vmas_private, fds, "),
        (["fds=1.5"], "fds=1.5: not a number of files; write digits, or 1e6 for a million"),
        (["fds=1KiB"], "fds=1KiB: not a number of files"),
        (["fds=-1"], "fds=-1: not a number of files"),
        (["rss=1MiB+moon=1"], "moon: no such scenario"),
        (["rss=1MiB+"], "rss=1MiB+: not a size"),
        (["rss=1MiB+fds"], "rss=1MiB+fds: not a size"),
        (["rss=1MiB+fds="], "fds=: write NAME=LEVEL[,LEVEL], as in fds=N"),
        (["rss=1MiB+rss=2MiB"], "rss=1MiB+rss=2MiB: names a scenario twice"),
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


@settings(max_examples=40)  # of each scenario
@given(st.text(max_size=12))
def test_any_level_is_read_or_refused(text: str) -> None:
    """Nothing but an error of one line comes of a word that is no level."""
    for scenario in registry.scenarios().values():
        try:
            level = parse_level(scenario, text)
        except (PlanError, UsageError):
            continue
        assert level.amount >= 0


def test_levels_are_taken_once_and_in_order() -> None:
    """A level named twice is one level; the order is that of the words."""
    levels = parse_scenarios(["rss=1MiB,0", "parent=bare", "rss=1MiB,0B"])
    assert [level.text for level in levels] == ["1MiB", "0", "bare"]


def test_unknown_mechanism_and_profile_are_refused() -> None:
    """A name that is none is told with where the names are."""
    with pytest.raises(PlanError, match=r"^os_frok: no such mechanism, the nearest is os_fork; `python -m bench list`"):
        requested("standard", ["os_fork", "os_frok"], [])
    with pytest.raises(PlanError, match=r"^slow: no such profile; there is quick, standard, full, sweep$"):
        requested("slow", [], [])


def test_the_quick_profile_is_the_core() -> None:
    """The core five in the bare parent."""
    assert names("quick") == {f"{name} parent=bare" for name in CORE}


def test_the_standard_profile_holds_all_and_the_core_in_more_states() -> None:
    """All mechanisms bare, the core equal and free too, three of them at three sizes, nothing else."""
    left_out = ("known", "first_write", "workers")
    every = {mechanism.name for mechanism in registry.mechanisms().values() if mechanism.work not in left_out}
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
    resources = Resources("", False, "the control needs fork and posix_spawn", 4, False, False, False, Limits())
    planned, unavailable = make(requested("standard", [], []), [windows], resources)
    names = {cell.mechanism.name for cell in planned}
    assert names == {"noop", "thread", "python_c", "python_isolated", "mp_spawn", "thread_pool_task"}
    assert not any(cell.level.scenario == "affinity" for cell in planned)
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


@given(st.lists(st.integers(0, 4096), min_size=1, max_size=8, unique=True), st.integers(0, 4096))
def test_a_level_that_is_let_in_fits_by_itself(sizes: list[int], room: int) -> None:
    """What fits alone is measured, whatever else is; what does not is named with both figures and the limit."""
    resources = dataclasses.replace(HERE, limits=Limits({"memory": Limit(room * MIB, "the room")}))
    words = ["rss=" + ",".join(f"{size}MiB" for size in sizes)]
    planned, unavailable = make(requested("standard", ["os_fork"], words), [PYTHON], resources)
    assert {cell.level.text for cell in planned} == {f"{size}MiB" if size else "0" for size in sizes if size <= room}
    assert {cell.level: cell.reason for cell in unavailable} == {
        f"{size}MiB": f"rss={size}MiB: at most {room:.4g} MiB can be had here (the room)"
        for size in sizes
        if size > room
    }


def test_what_is_not_limited_holds_nothing_back() -> None:
    """Where free memory cannot be told every size is tried."""
    planned, unavailable = make(
        requested("standard", ["os_fork"], ["rss=1GiB"]), [PYTHON], dataclasses.replace(HERE, limits=Limits())
    )
    assert (len(planned), unavailable) == (1, [])


def test_a_combination_is_the_product_of_its_levels() -> None:
    """Every level of one part with every level of the others; names, levels and words in the order that was written."""
    levels = parse_scenarios(["rss=1MiB,2MiB+threads=8+fds=1e3", "rss=1024KiB+threads=8+fds=1000"])
    assert [level.name for level in levels] == ["rss=1MiB+threads=8+fds=1e3", "rss=2MiB+threads=8+fds=1e3"]
    first = levels[0]
    assert (first.scenario, first.text, first.unit) == ("rss+threads+fds", "1MiB+8+1e3", "")
    assert first.words == (
        f"scenarios.memory:rss={MIB}",
        "scenarios.kernel_objects:threads=8",
        "scenarios.kernel_objects:fds=1000",
    )
    assert first.takes() == {"memory": MIB, "threads": 8, "mappings": 16, "files": 1000}


def test_a_combination_needs_what_its_parts_need() -> None:
    """A part that cannot be had makes the whole unavailable, with its reason; modules are asked for by name."""
    python = dataclasses.replace(
        PYTHON, missing={"module:numpy": "this Python has no module numpy", "gc.freeze": "no gc.freeze"}
    )
    words = ["rss=1MiB+imports=numpy,json", "objects=10", "gc_frozen=10", "thp=2MiB,0", "fds=1e5+rss=1MiB"]
    resources = dataclasses.replace(HERE, huge_pages=False, limits=Limits({"files": Limit(99, "RLIMIT_NOFILE")}))
    planned, unavailable = make(requested("standard", ["os_fork"], words), [python], resources)
    assert [cell.level.name for cell in planned] == ["rss=1MiB+imports=json", "objects=10", "thp=0"]
    assert {f"{cell.scenario}={cell.level}": cell.reason for cell in unavailable} == {
        "rss+imports=1MiB+numpy": "this Python has no module numpy",
        "gc_frozen=10": "no gc.freeze",
        "thp=2MiB": "this kernel gives no huge pages (/sys/kernel/mm/transparent_hugepage/enabled)",
        "fds+rss=1e5+1MiB": "fds=1e5+rss=1MiB takes 100000 files; at most 99 files may be used (RLIMIT_NOFILE)",
    }


def test_the_core_is_the_bare_core() -> None:
    """More blocks a round go to the core mechanisms in the bare parent only."""
    planned, _ = make(requested("standard", [], []), [PYTHON], HERE)
    assert {cell.mechanism.name for cell in planned if cell.is_core} == set(CORE)
    assert all(cell.level.text == "bare" for cell in planned if cell.is_core)


def test_a_level_tells_the_subject_a_number_or_its_name() -> None:
    """Amounts are told in bytes or as a count, named levels by name."""
    words = [parse_level(registry.scenarios()[name], text).argument for name, text in
             (("rss", "64MiB"), ("objects", "2e6"), ("parent", "equal"), ("imports", "json.tool"))]  # fmt: skip
    assert words == [str(64 * MIB), "2000000", "equal", "json.tool"]
