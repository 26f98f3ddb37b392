"""The profile `sweep`: the matrix that the questions about the parent rest on."""

from __future__ import annotations

from bench.plan import registry
from bench.plan.cells import requested

PAIRS = [(mechanism.name, level) for mechanism, level in requested("sweep", (), ())]


def test_every_state_of_a_parent_is_measured_with_a_fork() -> None:
    """Every scenario that changes a parent is in the matrix; `parent` and `affinity` change what is around it."""
    of_fork = {level.scenario for name, level in PAIRS if name == "os_fork" and len(level.parts) == 1}
    of_program = {level.scenario for name, level in PAIRS if name in ("posix_spawn", "subprocess_run")}
    # The environment matters to a new program, and to no fork.
    with_levels = {name for name, scenario in registry.scenarios().items() if scenario.unit or name == "imports"}
    assert with_levels - {"env", "workers"} <= of_fork
    assert "env" in of_program
    assert {level.parts[0].scenario.name for name, level in PAIRS if name == "workers_spawn"} == {"workers"}


def test_every_scenario_has_a_parent_without_it() -> None:
    """What is compared with the bare parent is measured in it too."""
    bare = {name for name, level in PAIRS if level.name == "parent=bare"}
    assert bare == {"os_fork", "posix_spawn", "subprocess_run"}


def test_no_cell_is_asked_for_twice_and_all_fit_into_six_minutes() -> None:
    """At most 120 cells, each once: a round of them takes about half a minute."""
    cells = [(name, level.words) for name, level in PAIRS]
    assert len(set(cells)) == len(cells) <= 120


def test_combinations_are_of_single_parents() -> None:
    """At least six forks of combined parents test a model that was fitted to parents of one scenario each."""
    combined = [level for name, level in PAIRS if name == "os_fork" and len(level.parts) > 1]
    single = {level.parts[0].scenario.name for _, level in PAIRS if len(level.parts) == 1}
    assert len(combined) >= 6
    assert {part.scenario.name for level in combined for part in level.parts} <= single
