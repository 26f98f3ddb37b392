"""Turns a toy module into its mutations: which are worth a test run, and that a sample can be drawn again."""

from __future__ import annotations

from tests import ROOT
from tests.mutation.__main__ import read_targets
from tests.mutation.mutations import Spot, sample, worth_testing

SOURCE = """\
@dataclass(frozen=True)
class C:
    size: int | None = 3

def f(a: int | None) -> int | str:
    return zip(a, a, strict=True) and a + 1
"""


def spot(operator: str, line: int, column: int) -> Spot:
    """A mutation of the toy module."""
    return Spot("toy.py", f"core/{operator}", 0, line, column)


def test_what_only_guards_or_does_not_run_is_left_out() -> None:
    """Annotations, decorators and strict= are not mutated; numbers and operators that run are."""
    quiet = [
        spot("ReplaceTrueWithFalse", 1, 18),
        spot("ReplaceBinaryOperator_BitOr_BitAnd", 3, 14),
        spot("ReplaceBinaryOperator_BitOr_BitAnd", 5, 13),
        spot("ReplaceBinaryOperator_BitOr_BitAnd", 5, 31),
        spot("ReplaceTrueWithFalse", 6, 28),
    ]
    running = [
        spot("NumberReplacer", 3, 23),
        spot("ReplaceAndWithOr", 6, 34),
        spot("ReplaceBinaryOperator_Add_Sub", 6, 40),
    ]
    assert worth_testing([*reversed(running), *quiet], SOURCE) == running


def test_the_second_replacement_of_a_spot_is_left_out() -> None:
    """Of the many operators that could stand in one place, one is tried."""
    places = [spot(f"ReplaceBinaryOperator_Add_{name}", 6, 40) for name in ("Sub", "Mul", "Pow", "BitOr")]
    assert worth_testing(places, SOURCE) == places[:1]


def test_a_sample_is_drawn_again_by_its_seed() -> None:
    """The same seed gives the same part in the order of the file, another seed another; 1 gives all."""
    spots = [spot("NumberReplacer", line, 0) for line in range(100)]
    assert sample(spots, 0.1, 1) == sample(spots, 0.1, 1) != sample(spots, 0.1, 2)
    assert len(sample(spots, 0.1, 1)) == 10
    assert [each.line for each in sample(spots, 0.1, 1)] == sorted(each.line for each in sample(spots, 0.1, 1))
    assert sample(spots, 1.0, 1) == spots
    assert len(sample(spots[:3], 0.01, 1)) == 1


def test_targets_name_files_that_are_there() -> None:
    """Every module and every test that the list of targets names exists."""
    targets = read_targets()
    assert len({target.module for target in targets}) == len(targets)
    for target in targets:
        assert (ROOT / target.module).is_file(), target.module
        assert all((ROOT / test).exists() for test in target.tests), target.tests
