"""Comparisons of runs and inside a run, from files to rows: what is matched, what it rests on, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.compare.between import compare, open_side, run_paths
from analysis.compare.differences import differences
from analysis.compare.rows import Comparison, ComparisonRow
from analysis.compare.within import compare_within
from analysis.errors import CompareError
from analysis.read.run import load_run
from tests.edit_run import Row, change_rows
from tests.fake_run import CELLS, QUIET, FakeCell, FakeRun, Noise, fake_document, write_run

FORK = FakeCell(calls=5, blocks=2)
SPAWN = FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", calls=5, blocks=2, path="posix_spawn")
NATIVE = FakeCell("native_fork", 65_000.0, work="control", control="", calls=5, blocks=2)
STEADY = Noise(drift=0.02, subject=0.01, ratio=0.002, block=0.002, call=0.01, slow=0)


def run(results: Path, number: int, cells: Sequence[FakeCell] = (FORK, SPAWN, NATIVE), **about: Any) -> Path:
    """Write one fake run; `number` sets it apart by name and by noise."""
    fields: dict[str, Any] = {"rounds": 12, "noise": STEADY, "seed": number, "run": f"20261124T{number:02}0000Z"}
    return write_run(results, FakeRun(cells=cells, **(fields | about)))


def slower(cell: FakeCell, factor: float) -> FakeCell:
    """`cell` with a mechanism that takes `factor` times as long beside the same control."""
    return replace(cell, total_ns=factor * cell.total_ns)


def between(base: Path, new: Path, **options: Any) -> Comparison:
    """Compare two runs."""
    return compare(open_side([base]), open_side([new]), **options)


def row(found: Comparison, mechanism: str = "os_fork") -> ComparisonRow:
    """The one row of `mechanism`."""
    rows = [row for row in found.rows if row.mechanism == mechanism]
    assert len(rows) == 1
    return rows[0]


def test_identical_and_slower_cells(tmp_path: Path) -> None:
    """A change of one mechanism is found in it alone, resting on relative latency although the machine drifted."""
    base = run(tmp_path, 1)
    new = run(tmp_path, 2, [replace(slower(FORK, 1.5 * 1.08), control_ns=1.5 * 65_000.0), SPAWN, NATIVE])
    found = between(base, new)
    fork = row(found)
    assert (fork.verdict, fork.rests_on) == ("slower", "relative")
    assert fork.ratio == pytest.approx(1.08, abs=0.01)
    assert fork.ratio_lo < fork.ratio < fork.ratio_hi
    assert fork.absolute_ratio == pytest.approx(1.5 * 1.08, rel=0.1)
    assert fork.base_rel == pytest.approx(120 / 65, rel=0.01)
    assert 0.0125 <= fork.smallest_change < 0.03
    assert row(found, "posix_spawn").verdict in ("same", "unclear")
    assert row(found, "native_fork").rests_on == "absolute"
    assert any("native_fork took 1." in note for note in found.notes)


def test_quiet_runs_have_known_ratios(tmp_path: Path) -> None:
    """Without noise every figure is what was written, and only the spread assumed between runs is left."""
    base = run(tmp_path, 1, [FORK], noise=QUIET)
    new = run(tmp_path, 2, [slower(FORK, 1.1)], noise=QUIET)
    fork = row(between(base, new))
    assert (fork.base_ns, fork.new_ns) == (120_000, 132_000)
    assert fork.ratio == pytest.approx(1.1)
    assert fork.ratio_hi / fork.ratio == pytest.approx(np.exp(1.96 * np.sqrt(2) * 0.002), rel=1e-5)
    assert fork.verdict == "slower"
    assert row(between(base, new, margin=0.2)).verdict == "same"


def test_single_absolute_runs_are_not_believed_too_much(tmp_path: Path) -> None:
    """Without a control, 8 % between two single runs is `unclear`, with four pairs of runs in turn it is `slower`."""
    bare = replace(FORK, control="")
    many = [[run(tmp_path, 2 * number + side, [slower(bare, 1 + 0.08 * side)], noise=replace(STEADY, drift=0.001))
             for number in range(4)] for side in (0, 1)]  # fmt: skip
    single = between(many[0][0], many[1][0])
    assert (row(single).verdict, row(single).rests_on) == ("unclear", "absolute")
    assert any("spread between runs: assumed" in note for note in single.notes)
    pooled = compare(open_side(many[0]), open_side(many[1]))
    assert row(pooled).verdict == "slower"
    assert row(pooled).base_rounds == 48


def test_a_control_that_is_a_small_part_steadies_nothing(tmp_path: Path) -> None:
    """At 50 times its control, a mechanism is compared by absolute latency, and a note says why."""
    server = FakeCell("mp_forkserver", 10e6, 0.2e6, "python_call", calls=2, blocks=2)
    found = between(run(tmp_path, 1, [server, FORK]), run(tmp_path, 2, [slower(server, 1.05), FORK]))
    row_of_server = row(found, "mp_forkserver")
    assert (row_of_server.verdict, row_of_server.rests_on) == ("unclear", "absolute")
    assert row(found).rests_on == "relative"
    assert any(note.startswith("more than 10 times the control") and "mp_forkserver" in note for note in found.notes)


def test_missing_new_and_failing_cells(tmp_path: Path) -> None:
    """Cells of one side only are listed; a cell with too few good rounds has a reason in place of a verdict."""
    failing = replace(SPAWN, failing_rounds=tuple(range(7)))
    base = run(tmp_path, 1, [FORK, SPAWN, NATIVE])
    new = run(tmp_path, 2, [FORK, failing, FakeCell("popen", control="", calls=2, blocks=1)])
    found = between(base, new)
    assert [cell["mechanism"] for cell in found.missing] == ["native_fork"]
    assert [cell["mechanism"] for cell in found.added] == ["popen"]
    spawn = row(found, "posix_spawn")
    assert spawn.verdict is None
    assert spawn.reason == "new: need at least 6 rounds, have 5"


def test_interpreters_are_matched(tmp_path: Path) -> None:
    """One interpreter a side is matched whatever its version, and the difference named; of several, the same ones."""
    one = run(tmp_path, 1, [FORK])
    other = run(tmp_path, 2, [replace(FORK, python="3.10.13")])
    found = between(one, other)
    assert row(found).python == "3.10.13"
    assert ("python", "3.11.7", "3.10.13") in found.differences
    both = run(tmp_path, 3, [FORK, replace(FORK, python="3.10.13")])
    found = between(one, both)
    assert [row.python for row in found.rows] == ["3.11.7"]
    assert [cell["python"] for cell in found.added] == ["3.10.13"]
    several = run(tmp_path, 4, [replace(FORK, python="3.8.1"), replace(FORK, python="3.9.1")])
    with pytest.raises(CompareError, match=r"no common cell.*3\.8\.1, 3\.9\.1"):
        between(both, several)


def test_unlike_machines_only_when_asked(tmp_path: Path) -> None:
    """Runs of two machines are refused in one line, compared with `across_machines`, and the machines named."""
    one, other = run(tmp_path, 1), run(tmp_path, 2, machine="other")
    with pytest.raises(CompareError, match="--across-machines"):
        between(one, other)
    found = between(one, other, across_machines=True)
    assert found.differences[0] == ("machine", "fake-2cpu", "other")


def test_runs_that_cannot_be_compared(tmp_path: Path) -> None:
    """No common cells, no complete round, fewer than six rounds: a line each that says which run and what is needed."""
    good = run(tmp_path, 1, [FORK])
    with pytest.raises(CompareError, match=r"no common cell: .* has os_fork, .* has posix_spawn"):
        between(good, run(tmp_path, 2, [SPAWN]))
    with pytest.raises(CompareError, match="no complete round, a comparison needs at least 6"):
        between(good, run(tmp_path, 3, [FORK], rounds=0, torn=True))
    with pytest.raises(CompareError, match="5 complete rounds"):
        between(good, run(tmp_path, 4, [FORK], rounds=5))
    with pytest.raises(CompareError, match="no cell can be compared: new: need at least 6 rounds, have 2"):
        between(good, run(tmp_path, 5, [replace(FORK, failing_rounds=tuple(range(10)))]))


def test_a_time_of_zero_gets_no_verdict(tmp_path: Path) -> None:
    """A call of 0 ns, which a clock of large steps may show, makes a ratio impossible: a reason, no infinite ratio."""
    base = run(tmp_path, 1, [NATIVE, FORK])
    seen: set[tuple[str, str]] = set()

    def one_step_a_block(row: Row) -> None:
        if row["cell"] == "0" and row["block"] != "-1":
            step = str(int((row["round"], row["block"]) not in seen))
            seen.add((row["round"], row["block"]))
            row |= {"total_ns": step, "call_ns": step, "ready_ns": ""}

    new = change_rows(run(tmp_path, 2, [NATIVE, FORK]), "samples.csv.gz", one_step_a_block)
    found = row(between(base, new), "native_fork")
    assert (found.verdict, found.reason) == (None, "new: 0 is not a time")
    assert np.isnan(found.ratio)


def test_partial_run_counts_its_complete_rounds(tmp_path: Path) -> None:
    """A run that was cut off in the middle of a line is compared by the rounds it completed, and named partial."""
    found = between(run(tmp_path, 1), run(tmp_path, 2, torn=True))
    assert row(found).new_rounds == 12
    assert ("status", "complete", "partial") in found.differences


def test_a_directory_of_runs_is_pooled(tmp_path: Path) -> None:
    """A machine's directory stands for all of its runs; a run named twice on one side is refused."""
    paths = [run(tmp_path, number, [FORK]) for number in (1, 2, 3)]
    assert run_paths([paths[0].parent]) == paths
    assert run_paths([paths[1]]) == [paths[1]]
    with pytest.raises(CompareError, match="twice"):
        run_paths([paths[0].parent, paths[1]])
    side = open_side([paths[0].parent])
    assert side.name == ", ".join(path.name for path in paths)
    assert row(compare(side, open_side([run(tmp_path, 4, [FORK])]))).base_rounds == 36


def test_short_runs_are_left_out_of_a_pool(tmp_path: Path) -> None:
    """Of several runs of a cell, those with fewer than six good rounds of it do not count, and a note says so."""
    failing = replace(FORK, failing_rounds=tuple(range(9)))
    base = open_side([run(tmp_path, 1, [FORK]), run(tmp_path, 2, [failing])])
    found = compare(base, open_side([run(tmp_path, 3, [FORK])]))
    assert row(found).verdict is not None
    assert any("os_fork Python 3.11.7: 1 run with fewer than 6 rounds" in note for note in found.notes)


def test_differences_name_what_differs() -> None:
    """Facts, options and interpreters that are not the same in all runs are listed, machine and kernel first."""
    facts = {"kernel": "6.1", "thp": "always", "architecture": "x86_64"}
    base = fake_document(FakeRun([FORK], document={"machine_facts": facts, "label": "x"}))
    new = deepcopy(base)
    assert differences([base, new], [base]) == []
    new.machine_facts |= {"kernel": "6.2", "extra": 1}
    new.options.budget_s, new.label = 10.0, "y"
    new.pythons["3.11.7"].compiler = "GCC 13"
    assert differences([base], [new]) == [
        ("kernel", "6.1", "6.2"),
        ("extra", "–", "1"),
        ("option budget_s", "60.0", "10.0"),
        ("python compiler", "GCC 12.2.0", "GCC 13"),
    ]
    assert differences([base, new], [new])[0] == ("kernel", "6.1, 6.2", "6.2")


@pytest.fixture
def two_pythons(tmp_path: Path) -> Path:
    """One run of two interpreters that differ in `subprocess_run` alone, on a machine that drifts a lot."""
    run_program = FakeCell("subprocess_run", 431_000.0, 165_000.0, "exec", "native_spawn", calls=5, blocks=2)
    cells = [replace(cell, python=python) for cell in (FORK, run_program) for python in ("3.9.18", "3.10.13")]
    cells[3] = slower(cells[3], 223 / 431)
    return run(tmp_path, 1, cells, rounds=20, noise=replace(STEADY, drift=0.2, subject=0.003))


def test_within_a_run_by_python(two_pythons: Path) -> None:
    """Interpreters of one run are compared round by round: half the time is `faster`, the same code is 1."""
    found = compare_within(load_run(two_pythons), "python")
    program = row(found, "subprocess_run")
    assert (program.verdict, program.rests_on) == ("faster", "absolute")
    assert program.ratio == pytest.approx(223 / 431, rel=0.01)
    assert (program.base, program.new) == ("3.9.18", "3.10.13")
    assert program.relative_ratio == pytest.approx(program.ratio, rel=0.01)
    fork = row(found)
    assert fork.verdict == "same"
    assert fork.ratio == pytest.approx(1, abs=0.005)
    turned = row(compare_within(load_run(two_pythons), "python", base="3.10.13"), "subprocess_run")
    assert turned.verdict == "slower"


def test_within_a_run_by_other_columns(tmp_path: Path) -> None:
    """Mechanisms are compared within their work, levels within their scenario, scenarios against the first one."""
    loaded = load_run(run(tmp_path, 1, CELLS))
    by_mechanism = compare_within(loaded, "mechanism").rows
    assert [(row.base, row.new) for row in by_mechanism] == [("posix_spawn", "subprocess_run")]
    by_scenario = compare_within(loaded, "scenario").rows
    assert [(row.base, row.new) for row in by_scenario] == [("parent=bare", "rss=64MiB")]
    by_work = compare_within(loaded, "work", base="fork").rows
    assert {row.new for row in by_work} >= {"posix_spawn (exec)", "native_fork (control)"}
    assert {row.base for row in by_work} == {"os_fork (fork)"}
    sizes = [replace(FORK, scenario="rss", level=level) for level in ("0", "64MiB", "1GiB")]
    by_level = compare_within(load_run(run(tmp_path, 2, sizes)), "level").rows
    assert [(row.base, row.new) for row in by_level] == [("0", "64MiB"), ("0", "1GiB")]


def test_within_a_run_only_shared_rounds_count(tmp_path: Path) -> None:
    """A round in which one of the two failed is in neither; with fewer than six left there is no verdict."""
    cells = [replace(FORK, python="3.9.1"), replace(FORK, failing_rounds=tuple(range(7)))]
    with pytest.raises(CompareError, match="need at least 6 rounds, have 5"):
        compare_within(load_run(run(tmp_path, 1, cells)), "python")


def test_within_a_run_bad_input(tmp_path: Path, two_pythons: Path) -> None:
    """An unknown column or value, a column that never differs, too few rounds: a line that says what there is."""
    loaded = load_run(two_pythons)
    with pytest.raises(CompareError, match="choose one of python, mechanism"):
        compare_within(loaded, "colour")
    with pytest.raises(CompareError, match=r"choose one of 3\.9\.18, 3\.10\.13"):
        compare_within(loaded, "python", base="3.8")
    with pytest.raises(CompareError, match="no two cells differ in level"):
        compare_within(loaded, "level")
    with pytest.raises(CompareError, match="3 complete rounds"):
        compare_within(load_run(run(tmp_path, 9, rounds=3)), "mechanism")
