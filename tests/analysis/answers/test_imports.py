"""The answer what an import costs every later fork, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.analysis.answers.test_claims import FORK, lines, quiet
from tests.edit_run import scale_rounds

BARE = replace(FORK, total_ns=100_000.0)
QUESTION = "import cost"
# Of six logarithms the middle four count: 1.02, 1.04, 1.04 and 1.06 have the mean 3.9 % and a standard error of
# 1.1 %. That is 3.5 of them: beyond the 3.18 of one comparison (t of 3 degrees), within the 7.45 of ten.
DOUBTFUL = [1.02, 1.02, 1.04, 1.04, 1.06, 1.06]


def test_an_import_has_its_time_its_share_and_its_faults(tmp_path: Path) -> None:
    """From 100 to 150 µs are 50 µs and 50 %; from 40 + 57 to 50 + 67 faults are 20 more."""
    numpy = replace(BARE, scenario="imports", level="numpy", total_ns=150_000.0, parent_faults=50.0, child_faults=67.0)
    assert lines(quiet(tmp_path, [BARE, numpy]), QUESTION) == [
        "`import numpy` adds 50.0 µs (50.0 to 50.0) to every later `os_fork`, 50.0 % (50.0 to 50.0), "
        "with 20 more page faults a call."
    ]


def test_an_import_that_costs_nothing_is_told_so(tmp_path: Path) -> None:
    """Less than half a per cent in every round is nothing that matters; what saves time is no cost either."""
    cells = [BARE, replace(BARE, scenario="imports", level="this"), replace(BARE, scenario="imports", level="less")]
    cells[2] = replace(cells[2], total_ns=80_000.0, parent_faults=30.0)
    same, less = lines(quiet(tmp_path, cells), QUESTION)
    assert (
        same
        == "`import this` costs later `os_fork` nothing that matters: 0 % (0 to 0), with 0 more page faults a call."
    )
    assert less == (
        "`import less` takes 20.0 µs (20.0 to 20.0) off every later `os_fork`, -20.0 % (-20.0 to -20.0), "
        "with 10 fewer page faults a call."
    )


def test_what_holds_alone_is_unclear_among_ten(tmp_path: Path) -> None:
    """The same rounds of one import show a cost where it is the only one asked, and none where ten are."""
    imported = [replace(BARE, scenario="imports", level=f"module{number}") for number in range(10)]
    (alone,) = lines(scale_rounds(quiet(tmp_path / "one", [BARE, imported[0]]), {(1, "mechanism"): DOUBTFUL}), QUESTION)
    assert alone.startswith("`import module0` adds 4")
    ten = lines(scale_rounds(quiet(tmp_path / "ten", [BARE, *imported]), {(1, "mechanism"): DOUBTFUL}), QUESTION)
    assert len(ten) == 10
    assert ten[0].startswith("This run cannot tell what `import module0` costs later `os_fork`: 4 % (-4 to 13)")
    assert ten[0].endswith("More rounds would tell (`--rounds`).")


def test_each_import_is_compared_with_the_bare_parent_of_its_mechanism(tmp_path: Path) -> None:
    """An import without a bare parent of the same mechanism has no line, nor has what does not fork."""
    asyncio = replace(BARE, scenario="imports", level="asyncio", total_ns=200_000.0)
    cells = [
        BARE,
        replace(BARE, python="3.9.1", total_ns=180_000.0),
        replace(asyncio, python="3.9.1"),
        replace(asyncio, mechanism="mp_fork"),
        replace(BARE, mechanism="posix_spawn", path="posix_spawn"),
        replace(asyncio, mechanism="posix_spawn", path="posix_spawn"),
    ]
    (line,) = lines(quiet(tmp_path / "some", cells), QUESTION)
    assert line.startswith("Python 3.9.1: `import asyncio` adds 20.0 µs")
    (none,) = lines(quiet(tmp_path / "none", [asyncio]), QUESTION)
    assert none.startswith("This run cannot tell: no fork was measured both in a bare parent and with an import")
    assert "--scenario parent=bare --scenario imports=numpy" in none


def test_too_few_rounds_in_common_are_named(tmp_path: Path) -> None:
    """Seven rounds of each cell with five in common carry no comparison."""
    cells = [
        replace(BARE, failing_rounds=(0,)),
        replace(BARE, scenario="imports", level="numpy", failing_rounds=(1, 2)),
        BARE,
    ]
    (line,) = lines(quiet(tmp_path, cells[:2], rounds=8), QUESTION)
    assert line == "This run cannot tell of `import numpy` and `os_fork`: base: need at least 6 rounds, have 5."


def test_a_time_that_may_be_nothing_is_not_told(tmp_path: Path) -> None:
    """A share beyond chance beside a time that one long round makes doubtful: neither is claimed.

    Bare rounds of 1, 1, 1, 2, 20 and 20 times 100 µs each rise by 50 %, but the times by 50 µs to 1 ms: a trimmed
    mean of 300 µs with a standard error of 313 µs.
    """
    slow = [1.0, 1.0, 1.0, 2.0, 20.0, 20.0]
    imported = replace(BARE, scenario="imports", level="numpy", total_ns=150_000.0)
    run = scale_rounds(quiet(tmp_path, [BARE, imported]), {(0, "mechanism"): slow, (1, "mechanism"): slow})
    (line,) = lines(run, QUESTION)
    assert line.startswith("This run cannot tell what `import numpy` costs later `os_fork`: 50.0 % (50.0 to 50.0)")
