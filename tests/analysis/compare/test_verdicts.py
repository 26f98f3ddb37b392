"""What a verdict rests on, worked out by hand from runs without noise: spread, correction, control, margin, notes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from analysis.__main__ import main
from bench import schema
from tests.edit_run import scale_rounds
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK = FakeCell(calls=3, blocks=1)
SPAWN = FakeCell("posix_spawn", 177_000.0, 165_000.0, "exec", "native_spawn", calls=3, blocks=1, path="posix_spawn")
NATIVE = FakeCell("native_fork", 65_000.0, work="control", control="", calls=3, blocks=1)
NOOP = FakeCell("noop", 150.0, work="baseline", control="", calls=3, blocks=1)
# A round takes as many times as long as its place here says; the middle four of the logarithms are around .025.
LADDER = [math.exp(step / 100) for step in range(6)]
# Of six such values: winsorised sum of squares .00095, by 4 * 3.
LADDER_ERROR = math.sqrt(0.00095 / 12)

Compare = Callable[..., dict[str, Any]]


@pytest.fixture
def compared(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Gives what `python -m analysis compare … --format json` prints."""

    def call(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["compare", *map(str, arguments), "--format", "json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return call


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Gives the line with which `compare` refuses what it was given."""

    def call(*arguments: object) -> str:
        capsys.readouterr()
        assert main(["compare", *map(str, arguments)]) == 2
        text = capsys.readouterr()
        assert text.out == ""
        return text.err.removeprefix("analysis compare: ").rstrip("\n")

    return call


def quiet(results: Path, number: int, cells: Sequence[FakeCell], **about: Any) -> Path:
    """Write a run in which every call of a cell takes the same time; `number` is in its name."""
    fields: dict[str, Any] = {"rounds": 6, "noise": QUIET, "run": f"20261124T{number:02}0000Z"}
    return write_run(results, FakeRun(cells=cells, **(fields | about)))


def reach(spread: float, comparisons: int = 1, runs: float = 2.0) -> float:
    """Half the width of the interval between runs without noise: `runs` is the sum of 1 / runs over both sides."""
    return float(stats.norm.ppf(1 - 0.025 / comparisons)) * spread * math.sqrt(runs)


def half(row: dict[str, Any], name: str) -> float:
    """Half the width of the interval of ``relative`` or ``absolute``, on logarithms, checked to be around its ratio."""
    lo, ratio, hi = (math.log(row[f"{name}_{part}"]) for part in ("lo", "ratio", "hi"))
    assert ratio - lo == pytest.approx(hi - ratio, abs=4e-6)
    return (hi - lo) / 2


def test_an_assumed_spread_is_that_of_what_is_compared(tmp_path: Path, compared: Compare) -> None:
    """Single runs: 0.2 % for relative latency and 5 % for absolute latency, each by the square root of two runs."""
    found = compared(quiet(tmp_path, 1, [FORK]), quiet(tmp_path, 2, [replace(FORK, total_ns=132_000.0)]))
    (row,) = found["rows"]
    assert half(row, "relative") == pytest.approx(reach(0.002), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05), abs=2e-6)
    assert (row["rests_on"], row["ratio"], row["verdict"]) == ("relative", 1.1, "slower")
    assert (row["ratio_lo"], row["ratio_hi"]) == (row["relative_lo"], row["relative_hi"])
    smallest = math.expm1(reach(0.002) + stats.norm.ppf(0.8) * 0.002 * math.sqrt(2))
    # The margin of 1.25 % is to be passed as well, and it is wider than this interval.
    assert reach(0.002) < math.log1p(0.0125)
    assert row["smallest_change"] > smallest
    expected = math.expm1(math.log1p(0.0125) + stats.norm.ppf(0.8) * 0.002 * math.sqrt(2))
    assert row["smallest_change"] == pytest.approx(expected, abs=1e-6)


def test_a_row_says_which_side_is_which(tmp_path: Path, compared: Compare) -> None:
    """Times, ratios and numbers of rounds of base and new stand under their own names, and are total times."""
    slow = replace(FORK, total_ns=130_000.0, control_ns=100_000.0, call_share=0.1)
    base, new = quiet(tmp_path, 1, [FORK]), quiet(tmp_path, 2, [slow], rounds=7)
    found = compared(base, new, "--margin", 3)
    (row,) = found["rows"]
    assert (row["base"], row["new"]) == (found["base"], found["new"]) == (base.name, new.name)
    assert (row["base_ns"], row["new_ns"]) == (120_000, 130_000)
    assert (row["base_rounds"], row["new_rounds"]) == (6, 7)
    assert (row["base_rel"], row["new_rel"]) == (pytest.approx(120 / 65, abs=1e-6), 1.3)
    assert row["relative_ratio"] == pytest.approx(1.3 / (120 / 65), abs=1e-6)
    assert row["absolute_ratio"] == pytest.approx(130 / 120, abs=1e-6)
    assert (row["verdict"], found["margin"], found["confidence"]) == ("faster", 0.03, 0.95)
    identity = [row[name] for name in ("mechanism", "work", "scenario", "level", "python")]
    assert identity == ["os_fork", "fork", "parent", "bare", "3.11.7"]


def test_the_values_shown_are_medians_over_all_rounds(tmp_path: Path, compared: Compare) -> None:
    """Seven rounds of one run and six of another: the value of the side is the median of all thirteen."""
    runs = [quiet(tmp_path / "base", 1, [FORK], rounds=7), quiet(tmp_path / "base", 2, [FORK])]
    scale_rounds(runs[0], {(0, "mechanism"): [1, 2, 3, 4, 5, 6, 7]})
    scale_rounds(runs[1], {(0, "mechanism"): [2, 3, 6, 8, 9, 10]})
    found = compared(tmp_path / "base" / "fake-2cpu", quiet(tmp_path, 3, [FORK]))
    # 1 2 2 3 3 4 [5] 6 6 7 8 9 10
    assert found["rows"][0]["base_ns"] == 5 * 120_000
    assert found["rows"][0]["base_rounds"] == 13
    assert found["rows"][0]["base_rel"] == pytest.approx(5 * 120 / 65, abs=1e-6)


def test_intervals_between_runs_are_corrected_for_their_number(tmp_path: Path, compared: Compare) -> None:
    """Four cells: each interval is at 1 - 0.05 / 4 and as much wider, relative and absolute alike."""
    cells = [FORK, SPAWN, NATIVE, replace(FORK, scenario="rss", level="64MiB")]
    found = compared(quiet(tmp_path, 1, cells), quiet(tmp_path, 2, [*cells, NOOP]))
    assert found["confidence"] == pytest.approx(0.9875)
    assert len(found["rows"]) == 4
    for row in found["rows"]:
        assert half(row, "absolute") == pytest.approx(reach(0.05, comparisons=4), abs=2e-6)
    assert half(found["rows"][0], "relative") == pytest.approx(reach(0.002, comparisons=4), abs=2e-6)


def test_intervals_within_a_run_are_corrected_for_their_number(tmp_path: Path, compared: Compare) -> None:
    """Two comparisons of six rounds that differ by 0 to 5 %: Student's t with 3 degrees of freedom at 97.5 %."""
    cells = [replace(FORK, python=python, total_ns=1e9) for python in ("3.9.1", "3.10.1", "3.12.1")]
    run = scale_rounds(quiet(tmp_path, 1, cells), {(1, "mechanism"): LADDER, (2, "mechanism"): LADDER[::-1]})
    found = compared(run, "--by", "python")
    assert found["confidence"] == pytest.approx(0.975)
    assert [row["new"] for row in found["rows"]] == ["3.10.1", "3.12.1"]
    for row in found["rows"]:
        assert row["ratio"] == pytest.approx(math.exp(0.025), abs=1e-6)
        for name in ("absolute", "relative"):
            assert half(row, name) == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 3) * LADDER_ERROR, abs=2e-6)
    # The confidence of the whole is spread over the comparisons made, not over the cells there are.
    alone = compared(quiet(tmp_path, 2, cells[:2]), "--by", "python")
    assert alone["confidence"] == 0.95


def test_the_spread_is_measured_where_there_are_runs_enough(tmp_path: Path, compared: Compare) -> None:
    """Four runs beyond one on each side that agree leave no doubt; with three, 0.2 % a run is assumed."""
    base = [quiet(tmp_path / "base", number, [FORK]) for number in range(3)]
    new = [quiet(tmp_path / "new", number, [replace(FORK, total_ns=121_200.0)]) for number in range(3)]
    (row,) = compared("--base", *base, "--new", *new)["rows"]
    assert (row["ratio_lo"], row["ratio"], row["ratio_hi"]) == (1.01, 1.01, 1.01)
    assert row["verdict"] == "same"
    (row,) = compared("--base", *base, "--new", *new[:2])["rows"]
    assert half(row, "relative") == pytest.approx(reach(0.002, runs=1 / 3 + 1 / 2), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05, runs=1 / 3 + 1 / 2), abs=2e-6)


def test_unlike_controls_make_no_relative_ratio(tmp_path: Path, compared: Compare) -> None:
    """A control that is another one, or is on one side only, cancels nothing: absolute latency, and a note says so."""
    other = replace(FORK, control="native_spawn", control_ns=30_000.0)
    fork = quiet(tmp_path, 1, [FORK])
    for number, cell in ((2, other), (3, replace(FORK, control=""))):
        run = quiet(tmp_path, number, [cell])
        for sides in ((fork, run), (run, fork)):
            found = compared(*sides)
            (row,) = found["rows"]
            assert [row[f"relative_{part}"] for part in ("ratio", "lo", "hi")] == [None] * 3
            assert (row["rests_on"], row["ratio"], row["verdict"]) == ("absolute", 1.0, "unclear")
            assert found["notes"] == [
                "no relative latency to the same control on both sides: os_fork",
                "absolute latency differs from run to run with the machine: a spread of 5 % a run is assumed until "
                "3 runs on each side measure it",
            ]
    # Nor is its time compared with that of another control.
    assert compared(fork, quiet(tmp_path, 4, [FORK]))["notes"] == [
        "drift of the machine: native_fork took 1.000 times as long as on the base side "
        "(median of 1 cell; relative latency is free of it)"
    ]


def test_unlike_controls_within_a_run(tmp_path: Path, compared: Compare) -> None:
    """Cells of one run with unlike controls are compared by absolute latency alone."""
    shell = replace(SPAWN, mechanism="popen", control="native_python", control_ns=20_000.0)
    (row,) = compared(quiet(tmp_path, 1, [SPAWN, shell]), "--by", "mechanism")["rows"]
    assert (row["relative_ratio"], row["ratio"], row["verdict"]) == (None, 1.0, "same")
    like = replace(shell, control="native_spawn")
    (row,) = compared(quiet(tmp_path, 2, [SPAWN, like]), "--by", "mechanism")["rows"]
    assert (row["relative_ratio"], row["rests_on"]) == (8.25, "absolute")


@pytest.mark.parametrize(
    ("base", "new", "rests_on"),
    [(10.0, 10.0, "relative"), (10.01, 10.0, "absolute"), (10.0, 10.01, "absolute"), (1.0, 1.0, "relative")],
)
def test_a_control_steadies_up_to_ten_times_itself(
    tmp_path: Path, compared: Compare, base: float, new: float, rests_on: str
) -> None:
    """At ten times its control on both sides a verdict is relative; beyond it on either side it is absolute."""
    runs = [
        quiet(tmp_path, number, [replace(FORK, control_ns=1e5, total_ns=rel * 1e5)])
        for number, rel in enumerate((base, new))
    ]
    found = compared(*runs)
    (row,) = found["rows"]
    assert row["rests_on"] == rests_on
    # What the control does not steady moves from run to run as absolute latency does.
    assert half(row, "relative") == pytest.approx(reach(0.002 if rests_on == "relative" else 0.05), abs=2e-6)
    assert half(row, "absolute") == pytest.approx(reach(0.05), abs=2e-6)
    named = "more than 10 times the control, which then cancels no drift: os_fork" in found["notes"]
    assert named is (rests_on == "absolute")


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
    assert notes[2].startswith("absolute latency differs from run to run")
    assert notes[3].startswith("drift of the machine: native_fork took 1.000 times")
    assert len(notes) == 4
    assert compared(quiet(tmp_path, 3, [NATIVE, NOOP]), quiet(tmp_path, 4, [NATIVE, NOOP]))["notes"] == []


def test_the_drift_of_the_machine_is_that_of_its_controls(tmp_path: Path, compared: Compare) -> None:
    """Each control is named with new over base: the median of 1.2, 1.5 and 2 of three cells is 1.5."""
    levels = [replace(FORK, level=level) for level in ("bare", "equal", "other")]
    after = [replace(cell, control_ns=65_000.0 * by) for cell, by in zip(levels, (2, 1.2, 1.5), strict=True)]
    base = quiet(tmp_path, 1, [*levels, SPAWN])
    new = quiet(tmp_path, 2, [*after, replace(SPAWN, control_ns=82_500.0)])
    assert compared(base, new)["notes"] == [
        "drift of the machine: native_fork took 1.500 times as long as on the base side "
        "(median of 3 cells; relative latency is free of it)",
        "drift of the machine: native_spawn took 0.500 times as long as on the base side "
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


def test_the_same_run_on_both_sides_is_named(tmp_path: Path, compared: Compare) -> None:
    """A run against itself is compared, and a note says that it is one run, under whatever path."""
    run, other = quiet(tmp_path, 1, [NATIVE]), quiet(tmp_path, 2, [NATIVE])
    link = tmp_path / "link"
    link.symlink_to(run)
    assert compared(run, link)["notes"] == ["the same run is on both sides"]
    assert compared("--base", run, "--new", other, run)["notes"] == ["the same run is on both sides"]
    assert compared(run, other)["notes"] == []


def test_a_side_is_called_by_its_runs(tmp_path: Path, compared: Compare) -> None:
    """Three runs are all named, of four the first and the number of the others."""
    runs = [quiet(tmp_path, number, [NATIVE]) for number in range(5)]
    found = compared("--base", *runs[:3], "--new", *runs[1:])
    assert found["base"] == "20261124T000000Z, 20261124T010000Z, 20261124T020000Z"
    assert found["new"] == found["rows"][0]["new"] == "20261124T010000Z and 3 more"


def test_a_run_that_holds_a_run_is_one_run(tmp_path: Path, compared: Compare, refused: Callable[..., str]) -> None:
    """A run's directory stands for itself whatever else is in it; one run by two paths is not two runs."""
    run, other = quiet(tmp_path, 1, [NATIVE]), quiet(tmp_path, 2, [NATIVE])
    (run / "copy").mkdir()
    (run / "copy" / "run.json").write_text("{}")
    assert compared(run, other)["base"] == run.name
    link = tmp_path / "link"
    link.symlink_to(run)
    said = "a run is named twice on one side; it would count as if it were two"
    assert refused("--base", run, link, "--new", other) == said


def test_runs_that_are_too_short_are_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    """No, one or five complete rounds are refused with their number; the short run may be on either side."""
    good = quiet(tmp_path, 9, [NATIVE])
    for rounds, have in ((0, "no complete round"), (1, "1 complete round"), (5, "5 complete rounds")):
        run = quiet(tmp_path, rounds, [NATIVE], rounds=rounds)
        said = f"{run}: {have}, a comparison needs at least 6; measure longer (--budget)"
        assert refused(run, good) == refused("--base", good, "--new", good, run) == said


def test_unlike_machines_are_named_in_their_order(
    tmp_path: Path, compared: Compare, refused: Callable[..., str]
) -> None:
    """Two machines, on two sides or on one, are refused by name, and compared only where that is asked for."""
    one, other = quiet(tmp_path, 1, [NATIVE]), quiet(tmp_path, 2, [NATIVE], machine="a-machine")
    said = (
        "measured on unlike machines (fake-2cpu, a-machine): their ratio says little about the code; "
        "add --across-machines to compare them all the same"
    )
    assert refused(one, other) == said
    assert refused("--base", one, other, "--new", one) == said
    found = compared("--base", one, "--new", one, other, "--across-machines")
    assert found["differences"] == [{"what": "machine", "base": "fake-2cpu", "new": "fake-2cpu, a-machine"}]


def test_sides_without_a_common_cell_say_what_they_have(tmp_path: Path, refused: Callable[..., str]) -> None:
    """Mechanisms in the order of their names, or the interpreters where none is on both sides."""
    base, none = quiet(tmp_path, 1, [SPAWN, NOOP]), quiet(tmp_path, 2, [])
    new = quiet(tmp_path, 3, [NATIVE])
    said = f"no common cell: {base.name} has noop, posix_spawn; {new.name} has native_fork; "
    assert refused(base, new) == (
        f"no common cell: {base.name} has noop, posix_spawn, {new.name} has native_fork; "
        "measure the same mechanisms and scenarios on both sides"
    ), said
    two = quiet(tmp_path, 4, [replace(SPAWN, python="3.8.1"), replace(SPAWN, python="3.9.1")])
    assert refused(base, two) == (
        f"no common cell: {base.name} measured Python 3.11.7, {two.name} Python 3.8.1, 3.9.1, "
        "and only where each side has one interpreter are unlike ones compared"
    )
    assert f"{none.name} Python ," in refused(base, none)


def test_cells_of_one_side_are_listed_by_their_names(tmp_path: Path, compared: Compare) -> None:
    """What only base has is missing, what only new has is new, each with all that names a cell."""
    size = replace(FORK, scenario="rss", level="64MiB")
    found = compared(quiet(tmp_path, 1, [FORK, size]), quiet(tmp_path, 2, [FORK, SPAWN]))
    assert found["missing"] == [{"mechanism": "os_fork", "scenario": "rss", "level": "64MiB", "python": "3.11.7"}]
    assert found["new_cells"] == [
        {"mechanism": "posix_spawn", "scenario": "parent", "level": "bare", "python": "3.11.7"}
    ]
    assert [row["mechanism"] for row in found["rows"]] == ["os_fork"]


def test_several_interpreters_are_matched_by_label(tmp_path: Path, compared: Compare) -> None:
    """Where a side has two interpreters, unlike ones are never compared, and rows come in the order of new."""
    pythons = ("3.9.1", "3.10.1", "3.12.1")
    cells = [replace(FORK, python=python, total_ns=1e5 * place) for place, python in enumerate(pythons, 1)]
    found = compared(quiet(tmp_path, 1, cells[:2]), quiet(tmp_path, 2, [cells[2], *cells[1::-1]]))
    assert [(row["python"], row["ratio"]) for row in found["rows"]] == [("3.10.1", 1.0), ("3.9.1", 1.0)]
    assert [cell["python"] for cell in found["new_cells"]] == ["3.12.1"]
    one_each = compared(quiet(tmp_path, 3, cells[:1]), quiet(tmp_path, 4, cells[1:2]))
    assert [(row["python"], row["absolute_ratio"]) for row in one_each["rows"]] == [("3.10.1", 2.0)]


def test_nothing_comparable_is_refused_with_the_first_reason(tmp_path: Path, refused: Callable[..., str]) -> None:
    """Where no cell has enough rounds, the refusal carries the reason of the first one."""
    failing = [replace(cell, failing_rounds=(0, number)) for number, cell in enumerate((FORK, SPAWN))]
    run = quiet(tmp_path, 1, failing)
    assert refused(run, quiet(tmp_path, 2, [FORK, SPAWN])) == (
        "no cell can be compared: base: need at least 6 rounds, have 5"
    )


def test_differences_are_listed_in_order_with_their_values(tmp_path: Path, compared: Compare) -> None:
    """What explains most comes first, all else by its name; what differs between any two runs is left out."""
    facts: dict[str, Any] = {
        **{"kernel": "6.1", "governor": "powersave", "zswap": {"b": 1, "a": "é"}, "cpu_count": 2},
        **{"virtualisation": "none", "thp": "never", "cpu_model": "x", "cpu_model_name": "X", "blank": " a \n b "},
    }
    old: dict[str, Any] = {
        "machine_facts": {**facts, "blank": ""},
        **{"options": {"budget_s": 10, "label": "x", "seed": 1}, "suite": {"version": "1", "commit": None}},
        **{"control": {"available": False, "reason": "none"}, "unfit": ["steal"], "seed": 3, "label": "a"},
        "pythons": {"3.11.7": {"version": "3.11.7", "compiler": "GCC 12"}},
    }
    other = {name: f"other {name}" for name in facts} | {"blank": " a \n b "}
    new: dict[str, Any] = {
        "machine_facts": other,
        **{"options": {"budget_s": 60, "label": "y", "seed": 2}, "suite": {"version": "2", "commit": "abc"}},
        **{"control": {"available": True}, "unfit": [], "seed": 4, "label": "b", "status": "partial"},
        "pythons": {"3.11.7": {"version": "3.11.7", "compiler": "GCC 13"}},
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
        ("option budget_s", "10", "60"),
        ("python compiler", "GCC 12", "GCC 13"),
        ("status", "complete", "partial"),
        ("suite commit", "–", "abc"),
        ("suite version", "1", "2"),
        ("unfit", '["steal"]', "–"),
        ("zswap", '{"a": "é", "b": 1}', "other zswap"),
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


def test_rounds_are_matched_by_their_number(tmp_path: Path, compared: Compare) -> None:
    """Twice as long in each shared round is 2, although rounds drift apart and each cell failed in another one."""
    cells = [
        replace(FORK, python="3.9.1", failing_rounds=(0,), level="bare"),
        replace(FORK, python="3.10.1", total_ns=240_000.0, failing_rounds=(7,)),
    ]
    drift = [1, 7, 2, 11, 3, 5, 13, 4]
    run = scale_rounds(quiet(tmp_path, 1, cells, rounds=8), {(cell, "mechanism"): drift for cell in (0, 1)})
    (row,) = compared(run, "--by", "python")["rows"]
    assert (row["ratio_lo"], row["ratio"], row["ratio_hi"], row["verdict"]) == (2.0, 2.0, 2.0, "slower")
    assert (row["base_rounds"], row["new_rounds"]) == (7, 7)


def test_within_a_run_the_verdict_is_of_absolute_latency(tmp_path: Path, compared: Compare) -> None:
    """Where the control is slower in the same measure, the relative ratio is 1 and the verdict all the same slower."""
    slow = replace(FORK, python="3.10.1", total_ns=180_000.0, control_ns=97_500.0)
    run = quiet(tmp_path, 1, [replace(FORK, python="3.9.1"), slow])
    found = compared(run, "--by", "python")
    (row,) = found["rows"]
    assert (row["rests_on"], row["ratio"], row["verdict"]) == ("absolute", 1.5, "slower")
    assert [row[f"relative_{part}"] for part in ("lo", "ratio", "hi")] == [1.0, 1.0, 1.0]
    assert (found["base"], found["new"], row["base"], row["new"]) == ("3.9.1", "3.10.1", "3.9.1", "3.10.1")
    assert found["notes"] == [f"compared round by round within one run ({run.name}), by python"]
    (row,) = compared(run, "--by", "python", "--margin", 50.1)["rows"]
    assert row["verdict"] == "same"


def test_within_a_run_pairs_agree_in_all_else(tmp_path: Path, compared: Compare) -> None:
    """Along each column, cells are paired that differ in it and agree in the others, by their names."""
    cells = [
        replace(FORK, scenario=scenario, level=level, python=python)
        for python in ("3.9.1", "3.10.1")
        for scenario, level in (("parent", "bare"), ("rss", "0"), ("rss", "1GiB"))
    ] + [replace(SPAWN, python="3.9.1"), replace(SPAWN, mechanism="popen", python="3.9.1")]
    run = quiet(tmp_path, 1, cells)

    def pairs(*arguments: str) -> list[tuple[str, ...]]:
        names = ("mechanism", "scenario", "level", "python", "base", "new")
        return [tuple(row[name] for name in names) for row in compared(run, "--by", *arguments)["rows"]]

    assert pairs("python") == [
        ("os_fork", "parent", "bare", "3.10.1", "3.9.1", "3.10.1"),
        ("os_fork", "rss", "0", "3.10.1", "3.9.1", "3.10.1"),
        ("os_fork", "rss", "1GiB", "3.10.1", "3.9.1", "3.10.1"),
    ]
    by_level = [("os_fork", "rss", "1GiB", python, "0", "1GiB") for python in ("3.9.1", "3.10.1")]
    assert pairs("level") == by_level
    assert pairs("level", "--base", "1GiB") == [(*each[:2], "0", each[3], "1GiB", "0") for each in by_level]
    # Of the base scenario the first level counts; its other levels are no scenario of their own.
    assert [each[4:] for each in pairs("scenario")] == [("parent=bare", "rss=0"), ("parent=bare", "rss=1GiB")] * 2
    assert [each[4:] for each in pairs("scenario", "--base", "rss")] == [("rss=0", "parent=bare")] * 2
    assert pairs("mechanism") == [("popen", "parent", "bare", "3.9.1", "posix_spawn", "popen")]
    by_work = [("posix_spawn", "os_fork (fork)"), ("popen", "os_fork (fork)")]
    assert [(each[0], each[4]) for each in pairs("work")] == by_work
    assert [each[5] for each in pairs("path")] == ["posix_spawn (posix_spawn)", "popen (posix_spawn)"]


def test_within_a_run_what_cannot_be_compared_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    """An unknown column, the number of the cell, an unknown value, five rounds: a line that says what there is."""
    run = quiet(tmp_path, 1, [FORK, replace(FORK, level="equal")])
    columns = ", ".join(schema.CELLS.header[1:])
    for name in ("cell", "colour"):
        assert refused(run, "--by", name) == f"--by {name}: not a column of cells.csv; choose one of {columns}"
    assert refused(run, "--by", "level", "--base", "x") == "--base x: no cell has this level; choose one of bare, equal"
    assert refused(run, "--by", "work") == (f"{run}: no two cells differ in work and agree in all else (work is fork)")
    short = quiet(tmp_path, 2, [FORK, replace(FORK, level="equal")], rounds=5)
    assert refused(short, "--by", "level") == f"{short}: 5 complete rounds, a comparison needs at least 6"
    empty = quiet(tmp_path, 3, [])
    assert refused(empty, "--by", "level").endswith("(level is nowhere)")


def test_rounds_beyond_the_complete_ones_do_not_count(tmp_path: Path, compared: Compare) -> None:
    """A run that was cut off in its seventh round is compared by six, although the seventh holds calls."""
    torn = quiet(tmp_path, 1, [FORK, SPAWN], torn=True)
    found = compared(torn, quiet(tmp_path, 2, [FORK, SPAWN]))
    assert [(row["base_rounds"], row["ratio"]) for row in found["rows"]] == [(6, 1.0), (6, 1.0)]


def test_a_cell_that_always_failed_has_no_rounds_of_another(tmp_path: Path, compared: Compare) -> None:
    """Where every subject of a cell failed it has 0 rounds, between runs and within one."""
    failing = replace(SPAWN, failing_rounds=tuple(range(6)))
    run = quiet(tmp_path, 1, [FORK, failing, replace(SPAWN, mechanism="popen"), replace(SPAWN, mechanism="spawn")])
    spawn = compared(run, run)["rows"][1]
    assert (spawn["reason"], spawn["base_rounds"], spawn["base_ns"]) == (
        "base: need at least 6 rounds, have 0",
        0,
        None,
    )
    rows = compared(run, "--by", "mechanism", "--base", "popen")["rows"]
    assert [(row["new"], row["new_rounds"], row["reason"]) for row in rows] == [
        ("posix_spawn", 0, "base: need at least 6 rounds, have 0"),
        ("spawn", 6, ""),
    ]


def test_a_directory_that_holds_no_run_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    """An empty directory is not a side without runs."""
    (tmp_path / "empty").mkdir()
    said = refused(tmp_path / "empty", quiet(tmp_path, 1, [NATIVE]))
    assert said.startswith(f"{tmp_path / 'empty'}: no run (no run.json)")
