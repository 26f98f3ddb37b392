"""Turns the state of a process into the recipe of its twin, by looking at subjects that are built by it."""

from __future__ import annotations

from bench.driver import pinning
from bench.driver.guard import GUARD
from bench.driver.launch import Settings
from bench.driver.process import SET_UP_DEADLINE_S, Subject, SubjectError
from bench.errors import UsageError
from bench.plan import registry
from bench.plan.levels import Level, Part
from bench.plan.setup import Setup
from bench.schema import Role
from bench.twin.recipe import Recipe, corrected, remainder
from bench.twin.shape import shapes_of
from bench.twin.state import State, read_state

SCENARIO = "twin"
# The subject whose dose is to be that of the process: a fork is what copies it.
MECHANISM = "os_fork"
_WARM_UP_CALLS = 3


def level_of(recipe: Recipe, name: str) -> Level:
    """The level of a cell whose parent is built by `recipe`, for the process of this name."""
    text = recipe.name(name)
    return Level((Part(registry.scenarios()[SCENARIO], text, 0, text, recipe=recipe.text, held=recipe.takes),))


def whole(state: State) -> Recipe:
    """A recipe for all that a process has: what it would take without what a subject has anyway."""
    threads, files = state.dose.threads or 1, state.dose.fds or 0
    return Recipe(shapes_of(state.mappings), threads - 1, files)


def find_recipe(state: State, setup: Setup) -> Recipe:
    """What a subject needs to have the dose of `state`. Raises `UsageError` where such a subject cannot be made.

    A first subject has the threads alone: its mappings are its own and theirs, and the rest is added. A second one
    shows what is still missing, as what its own pages and those of the process in its place differ by.
    """
    alone = Recipe((), whole(state).threads, 0)
    with pinning.inherited_affinity(setup.pins.allowed_cpus), GUARD.on_watch():
        bare = _look(alone, state.name, setup)
        files = max(0, (state.dose.fds or 0) - (bare.dose.fds or 0))
        first = Recipe(remainder(shapes_of(state.mappings), shapes_of(bare.mappings)), alone.threads, files)
        return corrected(first, state.dose, _look(first, state.name, setup).dose)


def settings_of(recipe: Recipe, name: str, setup: Setup) -> Settings:
    """How a twin is started. Its recipe is written to where it looks for it, so call this under the guard's watch."""
    level = level_of(recipe, name)
    GUARD.hold({part.recipe_name: part.recipe for part in level.parts})
    mechanism, python = registry.mechanisms()[MECHANISM], setup.pythons[0]
    has_control = bool(setup.control.folder) and not python.control_problem
    return Settings(
        python=python.executable,
        mechanism=mechanism.entry_point,
        control_mechanism=registry.mechanisms()[mechanism.control].entry_point if has_control else "",
        scenarios=level.words,
        cpu=setup.pins.subject_cpu,
        allowed_cpus=setup.pins.allowed_cpus if setup.pins.can_pin else (),
        control_folder=setup.control.folder if has_control else "",
    )


def _look(recipe: Recipe, name: str, setup: Setup) -> State:
    """What a subject with this recipe is when it is measured."""
    settings = settings_of(recipe, name, setup)
    try:
        with Subject(settings) as subject:
            subject.ready(SET_UP_DEADLINE_S)
            for role in (Role.MECHANISM, Role.CONTROL) if settings.control_mechanism else (Role.MECHANISM,):
                subject.block(role, _WARM_UP_CALLS, SET_UP_DEADLINE_S)
            return read_state(subject.pid)
    except SubjectError as error:
        raise UsageError(f"the twin cannot be built: {error}") from None
