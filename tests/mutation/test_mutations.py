"""Turns a toy module into its mutations: which are worth a test run, and that a sample can be drawn again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.engine import PATIENCE_S
from tests.mutation.__main__ import (
    Survivor,
    Target,
    describe,
    end_subjects,
    read_targets,
    reason_for,
    spots_of,
    try_all,
)
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


TOY = """\
def larger(first, second):
    if first < second:
        return second
    return first
"""
TOY_TEST = """\
from toy import larger

def test_larger():
    assert (larger(1, 2), larger(3, 1), larger(2, 2)) == (2, 3, 2)
"""
ACCEPTED = """\
[[accepted]]
module = "toy.py"
before = "if first < second:"
after = "if first <= second:"
reason = "of two equal ones either is the larger"
"""


def toy_copy(folder: Path, test: str) -> Path:
    """A checkout of one module, whose test is `test`, with one accepted mutation."""
    (folder / "tests" / "mutation").mkdir(parents=True)
    (folder / "tests" / "mutation" / "accepted.toml").write_text(ACCEPTED)
    (folder / "toy.py").write_text(TOY)
    (folder / "test_toy.py").write_text(test)
    return folder


def test_a_survivor_that_was_looked_at_comes_with_its_reason(tmp_path: Path) -> None:
    """Module, line before and line after decide it; any other mutation of the same line is unexplained."""
    copy, place = toy_copy(tmp_path, TOY_TEST), spot("ReplaceComparisonOperator_Lt_LtE", 2, 13)
    before, after = "if first < second:", "if first <= second:"
    reason = reason_for(place, before, after, copy)
    assert describe(Survivor(place, before, after, reason)).splitlines() == [
        "  toy.py:2: accepted: of two equal ones either is the larger",
        "    - if first < second:",
        "    + if first <= second:",
    ]
    assert reason_for(place, before, "if not first < second:", copy) == ""
    assert reason_for(Spot("other.py", "", 0, 2, 13), before, after, copy) == ""
    assert describe(Survivor(place, before, after, "")).startswith("  toy.py:2: UNEXPLAINED\n")


def test_tests_that_notice_nothing_let_a_mutation_live(tmp_path: Path) -> None:
    """A test that looks kills all but the equivalent mutation, one that does not look kills none; files stay."""
    pytest.importorskip("cosmic_ray", reason="cosmic-ray is in an environment of its own: make mutation")
    for name, test, lines in (
        ("looks", TOY_TEST, {"if first <= second:"}),
        ("does not", "def test_nothing(): pass", {"if first <= second:", "if not first < second:"}),
    ):
        copy = toy_copy(tmp_path / name, test)
        survivors = try_all(Target("toy.py", ("test_toy.py",)), spots_of("toy.py", copy), [copy])
        assert {survivor.after for survivor in survivors} == lines
        assert (copy / "toy.py").read_text() == TOY


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc")
def test_subjects_that_killed_tests_left_are_ended(tmp_path: Path) -> None:
    """A process that names a file of the copy is killed, another one is not."""
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with (
        subprocess.Popen([*waits, str(tmp_path / "copy" / "main.py")], stdin=subprocess.PIPE) as left,
        subprocess.Popen([*waits, str(tmp_path / "other")], stdin=subprocess.PIPE) as other,
    ):
        end_subjects(tmp_path / "copy")
        assert left.wait(PATIENCE_S) == -signal.SIGKILL
        assert other.poll() is None
        other.communicate()
    assert other.returncode == 0
