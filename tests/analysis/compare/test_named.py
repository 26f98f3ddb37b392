"""What a comparison of runs names beside its rows, word by word: sides, notes, differences, reasons to refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.analysis.compare.quiet_runs import (
    ASSUMED,
    FORK,
    NATIVE,
    NOOP,
    SPAWN,
    Compare,
    Refuse,
    quiet,
)
from tests.fake_run import FakeRun, write_run


def test_notes_name_each_mechanism_once_and_no_control(tmp_path: Path, compared: Compare) -> None:
    """What is absolute for another reason than being a control or a baseline is named once, by its reason."""
    bare = replace(FORK, mechanism="thread", control="")
    cells = [
        *(bare, replace(bare, level="equal"), replace(bare, mechanism="popen"), NATIVE, NOOP),
        replace(FORK, mechanism="mp_forkserver", total_ns=1e6),
    ]
    notes = compared(quiet(tmp_path, 1, cells), quiet(tmp_path, 2, cells))["notes"]
    assert notes[:2] == [
        "no relative latency to the same control on both sides: thread, popen",
        "more than 10 times the control, which then cancels no drift: mp_forkserver",
    ]
    assert notes[2] == ASSUMED
    assert notes[3].startswith("drift of the machine: native_fork took 1.000 times")
    assert len(notes) == 4
    assert compared(*(quiet(tmp_path / "none", number, [NATIVE, NOOP]) for number in (3, 4)))["notes"] == [ASSUMED]


def test_the_drift_of_the_machine_is_that_of_its_controls(tmp_path: Path, compared: Compare) -> None:
    """Each control is named with new over base: the median of 1.2, 1.5 and 2 of three cells is 1.5."""
    levels = [replace(FORK, level=level) for level in ("bare", "equal", "other")]
    after = [replace(cell, control_ns=65_000.0 * by) for cell, by in zip(levels, (2, 1.2, 1.5), strict=True)]
    base = quiet(tmp_path, 1, [*levels, SPAWN])
    new = quiet(tmp_path, 2, [*after, replace(SPAWN, control_ns=198_000.0)])
    assert compared(base, new)["notes"] == [
        ASSUMED,
        "drift of the machine: native_fork took 1.500 times as long as on the base side "
        "(median of 3 cells; relative latency is free of it)",
        "drift of the machine: native_spawn took 1.200 times as long as on the base side "
        "(median of 1 cell; relative latency is free of it)",
    ]


def test_runs_with_too_few_rounds_of_a_cell_are_named(tmp_path: Path, compared: Compare) -> None:
    """Five good rounds of eight are too few and named, six are not; a side without any good run has a reason."""
    runs = [quiet(tmp_path, 1, [FORK, SPAWN], rounds=8)]
    runs += [
        quiet(tmp_path, number, [FORK, replace(SPAWN, failing_rounds=tuple(range(failing)))], rounds=8)
        for number, failing in ((2, 2), (3, 3), (4, 8))
    ]
    good = quiet(tmp_path, 5, [FORK, SPAWN])
    left_out = "posix_spawn Python 3.11.7: {} with fewer than 6 rounds of it left out"

    def notes(*arguments: object) -> list[str]:
        return [note for note in compared(*arguments)["notes"] if "left out" in note]

    assert notes("--base", *runs[:2], "--new", good) == []
    assert notes("--base", *runs[:3], "--new", good) == [left_out.format("1 run")]
    assert notes("--base", good, "--new", *runs) == [left_out.format("2 runs")]
    found = compared("--base", good, "--new", *runs[2:])
    spawn = found["rows"][1]
    assert (spawn["verdict"], spawn["reason"]) == (None, "new: need at least 6 rounds, have 5")
    assert [spawn[name] for name in ("ratio", "ratio_lo", "ratio_hi", "smallest_change")] == [None] * 4
    assert not any("left out" in note for note in found["notes"])


def test_a_run_against_itself_is_the_same(tmp_path: Path, compared: Compare, refused: Refuse) -> None:
    """Under whatever path, every ratio is 1 and every verdict `same`; a run on both sides beside others is refused."""
    run, other = write_run(tmp_path, FakeRun()), quiet(tmp_path, 2, [NATIVE])
    link = tmp_path / "link"
    link.symlink_to(run)
    found = compared(run, link)
    assert found["notes"][0] == "both sides are the same: every ratio is 1, and says nothing of what runs scatter"
    assert {(row["verdict"], row["ratio"], row["ratio_lo"]) for row in found["rows"]} == {("same", 1.0, 1.0)}
    assert refused("--base", run, "--new", other, run) == (f"on both sides: {run.name}; name each run on one side only")


def test_a_side_is_called_by_its_runs(tmp_path: Path, compared: Compare) -> None:
    """Three runs are all named, of four the first and the number of the others."""
    runs = [quiet(tmp_path, number, [NATIVE]) for number in range(7)]
    found = compared("--base", *runs[:3], "--new", *runs[3:])
    assert found["base"] == "20261124T000000Z, 20261124T010000Z, 20261124T020000Z"
    assert found["new"] == found["rows"][0]["new"] == "20261124T030000Z and 3 more"


def test_a_run_that_holds_a_run_is_one_run(tmp_path: Path, compared: Compare, refused: Refuse) -> None:
    """A run's directory stands for itself whatever else is in it; one run by two paths is not two runs."""
    run, other = quiet(tmp_path, 1, [NATIVE]), quiet(tmp_path, 2, [NATIVE])
    (run / "copy").mkdir()
    (run / "copy" / "run.json").write_text("{}")
    assert compared(run, other)["base"] == run.name
    link = tmp_path / "link"
    link.symlink_to(run)
    said = "a run is named twice on one side; it would count as if it were two"
    assert refused("--base", run, link, "--new", other) == said


def test_runs_that_are_too_short_are_refused(tmp_path: Path, refused: Refuse) -> None:
    """No, one or five complete rounds are refused with their number; the short run may be on either side."""
    good = quiet(tmp_path, 9, [NATIVE])
    for rounds, have in ((0, "no complete round"), (1, "1 complete round"), (5, "5 complete rounds")):
        run = quiet(tmp_path, rounds, [NATIVE], rounds=rounds)
        said = f"{run}: {have}, a comparison needs at least 6; measure longer (--budget)"
        assert refused(run, good) == refused("--base", good, "--new", good, run) == said


def test_unlike_machines_are_named_in_their_order(tmp_path: Path, compared: Compare, refused: Refuse) -> None:
    """Two machines, on two sides or on one, are refused by name, and compared only where that is asked for."""
    one, other = quiet(tmp_path, 1, [NATIVE]), quiet(tmp_path, 2, [NATIVE], machine="a-machine")
    said = (
        "measured on different machines (fake-2cpu, a-machine): their ratio says little about the code; "
        "add --across-machines to compare them all the same"
    )
    assert refused(one, other) == said
    assert refused("--base", one, other, "--new", one) == said
    found = compared("--base", one, "--new", quiet(tmp_path, 3, [NATIVE]), other, "--across-machines")
    assert found["differences"] == [{"what": "machine", "base": "fake-2cpu", "new": "fake-2cpu, a-machine"}]


def test_sides_without_a_common_cell_say_what_they_have(tmp_path: Path, refused: Refuse) -> None:
    """Mechanisms in the order of their names, or the interpreters where none is on both sides."""
    base = quiet(tmp_path, 1, [SPAWN, NOOP])
    new = quiet(tmp_path, 3, [NATIVE])
    said = f"no common cell: {base.name} has noop, posix_spawn; {new.name} has native_fork; "
    assert refused(base, new) == (
        f"no common cell: {base.name} has noop, posix_spawn, {new.name} has native_fork; "
        "measure the same mechanisms and scenarios on both sides"
    ), said
    two = quiet(tmp_path, 4, [replace(SPAWN, python="3.8.1"), replace(SPAWN, python="3.9.1")])
    assert refused(base, two) == (
        f"no common cell: {base.name} measured Python 3.11.7, {two.name} Python 3.8.1, 3.9.1, "
        "and only where each side has one interpreter are different ones compared"
    )


def test_cells_of_one_side_are_listed_by_their_names(tmp_path: Path, compared: Compare) -> None:
    """What only base has is missing, what only new has is new, each with all that names a cell."""
    size = replace(FORK, scenario="rss", level="64MiB")
    found = compared(quiet(tmp_path, 1, [FORK, size]), quiet(tmp_path, 2, [FORK, SPAWN]))
    assert found["missing"] == [{"mechanism": "os_fork", "scenario": "rss", "level": "64MiB", "python": "3.11.7"}]
    assert found["new_cells"] == [
        {"mechanism": "posix_spawn", "scenario": "parent", "level": "bare", "python": "3.11.7"}
    ]
    assert [row["mechanism"] for row in found["rows"]] == ["os_fork"]


def test_nothing_comparable_is_refused_with_the_first_reason(tmp_path: Path, refused: Refuse) -> None:
    """Where no cell has enough rounds, the refusal carries the reason of the first one."""
    failing = [replace(cell, failing_rounds=(0, number)) for number, cell in enumerate((FORK, SPAWN))]
    run = quiet(tmp_path, 1, failing)
    assert refused(run, quiet(tmp_path, 2, [FORK, SPAWN])) == (
        "no cell can be compared: base: need at least 6 rounds, have 5"
    )


def test_differences_are_listed_in_order_with_their_values(tmp_path: Path, compared: Compare) -> None:
    """What explains most comes first, all else by its name; what differs between any two runs is left out."""
    facts: dict[str, Any] = {
        **{"kernel": "6.1", "governor": "powersave", "cpu_count": 2},
        **{"virtualisation": "none", "thp": "never", "cpu_model": "x", "cpu_model_name": "X", "blank": " a \n b "},
    }
    old: dict[str, Any] = {
        "machine_facts": {**facts, "blank": ""},
        **{"options": {"profile": "quick", "budget_s": 10}, "suite": {"version": "1", "commit": None}},
        **{"control": {"available": False, "reason": "none"}, "unfit": ["é"], "seed": 3, "label": "a"},
        "pythons": {
            "3.11.7": {"version": "3.11.7", "implementation": "cpython", "executable": "python", "compiler": "GCC 12"}
        },
    }
    other = {name: f"other {name}" for name in facts} | {"blank": " a \n b "}
    new: dict[str, Any] = {
        "machine_facts": other,
        **{"options": {"profile": "quick", "budget_s": 60}, "suite": {"version": "2", "commit": "abc"}},
        **{"control": {"available": True, "reason": None}, "unfit": [], "seed": 4, "label": "b", "status": "partial"},
        "pythons": {
            "3.11.7": {"version": "3.11.7", "implementation": "cpython", "executable": "python", "compiler": "GCC 13"}
        },
    }
    found = compared(quiet(tmp_path, 1, [FORK], document=old), quiet(tmp_path, 2, [FORK], document=new))
    listed = [(each["what"], each["base"], each["new"]) for each in found["differences"]]
    assert listed == [
        ("kernel", "6.1", "other kernel"),
        ("cpu_model", "x", "other cpu_model"),
        ("cpu_model_name", "X", "other cpu_model_name"),
        ("cpu_count", "2", "other cpu_count"),
        ("virtualisation", "none", "other virtualisation"),
        ("thp", "never", "other thp"),
        ("governor", "powersave", "other governor"),
        ("blank", "–", "a b"),
        ("control", "false", "true"),
        ("option budget_s", "10.0", "60.0"),
        ("python compiler", "GCC 12", "GCC 13"),
        ("status", "complete", "partial"),
        ("suite commit", "–", "abc"),
        ("suite version", "1", "2"),
        ("unfit", '["é"]', "–"),
    ]


def test_facts_of_several_interpreters_keep_their_labels(tmp_path: Path, compared: Compare) -> None:
    """With two interpreters a side, each one's facts are compared under its own label, and the labels themselves."""
    pythons = {label: {"version": label, "compiler": "GCC 12"} for label in ("3.9.1", "3.10.1")}
    newer = {"3.9.1": pythons["3.9.1"], "3.10.1": {"version": "3.10.1", "compiler": "GCC 13"}}
    cells = [replace(FORK, python=label) for label in pythons]
    runs = [
        quiet(tmp_path, number, cells, document={"pythons": facts}) for number, facts in enumerate((pythons, newer))
    ]
    assert compared(*runs)["differences"] == [{"what": "python 3.10.1 compiler", "base": "GCC 12", "new": "GCC 13"}]
    one = quiet(tmp_path, 3, cells[:1], document={"pythons": {"3.9.1": pythons["3.9.1"]}})
    named = {each["what"]: (each["base"], each["new"]) for each in compared(one, runs[0])["differences"]}
    assert named["python"] == ("3.9.1", "3.10.1, 3.9.1")


def test_a_directory_that_holds_no_run_is_refused(tmp_path: Path, refused: Refuse) -> None:
    """An empty directory is not a side without runs."""
    (tmp_path / "empty").mkdir()
    said = refused(tmp_path / "empty", quiet(tmp_path, 1, [NATIVE]))
    assert said.startswith(f"{tmp_path / 'empty'}: no run (no run.json)")
