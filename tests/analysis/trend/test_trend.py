"""Tests of `trend` on runs: what it follows, what it marks, what it says of a change and of too few runs."""

from __future__ import annotations

import csv
import io
import statistics
from pathlib import Path

import msgspec
import numpy as np
import pytest

from analysis.__main__ import main
from analysis.figures import style
from analysis.read.run import find_runs, load_run
from analysis.trend.picture import draw
from analysis.trend.series import Measure, trend_of
from tests.analysis.trend.series_of_runs import CONTROL_NS, SCATTER, Trended, name_of, write_series
from tests.fake_run import PYTHON, QUIET, FakeCell, FakeRun, fake_document, write_run

STEPPED = [1.8 * around * (1.1 if day >= 6 else 1) for day, around in enumerate(SCATTER)]
STEADY = [1.8 * around for around in SCATTER]
FORK = "fake-2cpu os_fork relative"


def _size(values: list[float]) -> str:
    before, after = statistics.median(values[:6]), statistics.median(values[6:])
    return f"{100 * (after / before - 1):+.1f} %"


def facts(day: int) -> dict[str, object]:
    """The facts of a machine that got a new kernel on the seventh day, and a new suite."""
    document = {"cpu_model_name": "Example CPU", "kernel": "6.18.0" if day < 6 else "6.19.0"}
    return {"machine_facts": document, "suite": {"version": "0.1.0", "commit": "a" * 40 if day < 6 else "b" * 40}}


def test_a_step_is_marked_with_the_first_run_and_what_differed(tmp_path: Path, trended: Trended) -> None:
    """A step of 10 % with a new kernel is found in both measures, named by its first run, its kernel and its suite."""
    write_series(tmp_path, STEPPED, document=facts)
    series = trended("--results", tmp_path)
    assert list(series) == [FORK, "fake-2cpu os_fork absolute"]
    for one in series.values():
        (change,) = one["changes"]
        assert (change["kind"], change["first_run"], change["run_before"]) == ("step", name_of(6), name_of(5))
        assert change["ratio"] == pytest.approx(1.1, rel=3e-3)
        assert change["differences"] == [
            {"what": "kernel", "before": "6.18.0", "after": "6.19.0"},
            {"what": "suite commit", "before": "a" * 40, "after": "b" * 40},
        ]
        assert one["verdict"] == f"step of {_size(STEPPED)} from {name_of(6)}"


def test_steady_runs_show_no_change(tmp_path: Path, trended: Trended) -> None:
    """Twelve runs that scatter around one value are said to show none, with their noise."""
    write_series(tmp_path, STEADY)
    one = trended("--results", tmp_path)[FORK]
    assert (one["changes"], one["verdict"], one["more_runs_needed"]) == ([], "no change seen", 0)
    assert one["noise"] == pytest.approx(0.0013, abs=0.0002)


def test_a_drift_is_followed_from_its_second_run(tmp_path: Path, trended: Trended) -> None:
    """A relative latency that grows by 1 % a run is one drift; an absolute one may be the machine."""
    write_series(tmp_path, [1.01**day * value for day, value in enumerate(STEADY)])
    series = trended("--results", tmp_path)
    assert series["fake-2cpu os_fork absolute"]["changes"] == []
    (change,) = series[FORK]["changes"]
    assert (change["kind"], change["first_run"]) == ("drift", name_of(1))


def test_one_odd_run_is_no_change(tmp_path: Path, trended: Trended) -> None:
    """A single run twice as slow as its neighbours is kept as a point and claimed as nothing."""
    write_series(tmp_path, [value * (2 if day == 7 else 1) for day, value in enumerate(STEADY)])
    one = trended("--results", tmp_path)[FORK]
    assert one["changes"] == []
    assert one["points"][7]["value"] == pytest.approx(2 * STEADY[7], rel=1e-4)


def test_two_runs_are_a_picture_and_six_more_a_verdict(tmp_path: Path, trended: Trended) -> None:
    """Two runs get their points, and the number of runs that is missing; of two mechanisms one more is."""
    paths = write_series(tmp_path, STEADY[:2])
    one = trended(*paths)[FORK]
    assert len(one["points"]) == 2
    assert one["verdict"] == "too few runs: 6 more runs for a verdict"
    two = trended(*paths, "--mechanism", "os_fork", "--mechanism", "posix_spawn")
    assert {one["more_runs_needed"] for one in two.values()} == {7}
    assert main(["trend", *map(str, paths), "--out", str(tmp_path / "out")]) == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"trend.csv", "trend.svg", "trend.png"}


def test_a_run_without_the_mechanism_is_a_gap(tmp_path: Path, trended: Trended) -> None:
    """A run that lacks the mechanism has no point, and the step behind it is beside the last run that has one."""
    write_series(tmp_path, [*STEPPED[:6], None, *STEPPED[6:]])
    one = trended("--results", tmp_path)[FORK]
    assert [point["run"] for point in one["points"]] == [name_of(day) for day in range(13) if day != 6]
    (change,) = one["changes"]
    assert (change["run_before"], change["first_run"]) == (name_of(5), name_of(7))


def test_machines_are_followed_apart(tmp_path: Path, trended: Trended) -> None:
    """A slower machine that takes over is no step; each has its own series, figure and number of runs."""
    write_series(tmp_path, STEADY[:6], machine="one")
    write_series(tmp_path, [2 * value for value in STEADY[:6]], machine="two")
    series = trended("--results", tmp_path, "--out", tmp_path / "out")
    assert [(one["changes"], one["more_runs_needed"]) for one in series.values()] == [([], 2)] * 4
    assert {"trend-one.svg", "trend-two.svg"} <= {file.name for file in (tmp_path / "out").iterdir()}
    assert {one["machine"] for one in trended("--results", tmp_path, "--machine", "two").values()} == {"two"}


def test_a_label_follows_a_project(tmp_path: Path, trended: Trended) -> None:
    """Only runs with the label count, be others between them."""
    write_series(tmp_path, STEADY[:4])
    write_series(tmp_path, STEADY[:3], run=lambda day: f"{name_of(day)}-mine")
    points = trended("--results", tmp_path, "--label", "mine")[FORK]["points"]
    assert [point["label"] for point in points] == ["mine"] * 3


def test_missing_intervals_and_controls_are_left_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rounds carry no interval: its ends are empty, and the figure is drawn all the same."""
    paths = write_series(tmp_path, STEADY[:3], rounds=2)
    assert main(["trend", *map(str, paths), "--format", "csv", "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["lo"], row["hi"]) for row in rows] == [("", "")] * 6
    assert [float(row["value"]) for row in rows[3:]] == pytest.approx(
        [value * CONTROL_NS for value in STEADY[:3]], abs=1
    )


def test_a_new_interpreter_is_what_differed(tmp_path: Path, trended: Trended) -> None:
    """Where each run measured one interpreter, a new version of it is named; it does not begin a new series."""

    def document(day: int) -> dict[str, object]:
        return {"pythons": {PYTHON: fake_document_python() | {"version": "3.11.7" if day < 6 else "3.11.9"}}}

    write_series(tmp_path, STEPPED, document=document)
    (change,) = trended("--results", tmp_path)[FORK]["changes"]
    assert {"what": "python version", "before": "3.11.7", "after": "3.11.9"} in change["differences"]


def test_several_interpreters_of_a_run_are_series_of_their_own(tmp_path: Path) -> None:
    """A run of two interpreters has a series for each, and runs beside it join the one of their interpreter."""
    write_series(tmp_path, STEADY[:2])
    cells = [FakeCell(python=python, calls=3, blocks=1) for python in (PYTHON, "3.13.0")]
    write_run(tmp_path, FakeRun(cells=cells, rounds=6, noise=QUIET, run=name_of(2)))
    trend = trend_of([load_run(path) for path in find_runs(tmp_path)])
    relative = [one for one in trend.series if one.measure is Measure.RELATIVE]
    assert [(one.python, len(one.points)) for one in relative] == [(PYTHON, 3), ("3.13.0", 1)]


def fake_document_python() -> dict[str, object]:
    """The facts of the interpreter of a fake run."""
    (python,) = msgspec.to_builtins(fake_document(FakeRun()))["pythons"].values()
    return dict(python)


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_texts_name_the_change_and_its_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """A person reads the size of the step, the run that shows it first, and the kernels before and after."""
    paths = write_series(tmp_path, STEPPED, document=facts)
    assert main(["trend", *map(str, paths), "--format", form]) == 0
    text = capsys.readouterr().out.replace("\\", "")
    assert f"step of {_size(STEPPED)} from {name_of(6)} on" in text
    assert "kernel: 6.18.0 → 6.19.0; suite commit" in text


def test_the_figure_marks_the_step_before_its_first_run(tmp_path: Path) -> None:
    """Each panel has a line between the sixth run and the seventh, and the size of the step beside it."""
    write_series(tmp_path, STEPPED)
    with style.look():
        panels = draw(trend_of([load_run(path) for path in find_runs(tmp_path)]).series).axes
    assert len(panels) == 2
    for axes in panels:
        dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert [list(np.asarray(line.get_xdata())) for line in dashed] == [[5.5, 5.5]]
        assert [text.get_text() for text in axes.texts] == [_size(STEPPED)]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of the directory for figures is named, with what to do."""
    write_series(tmp_path / "runs", STEADY[:1])
    (tmp_path / "file").write_text("")
    assert main(["trend", "--results", str(tmp_path / "runs"), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown mechanism, machine or label, and an empty directory, get one line that says what there is."""
    write_series(tmp_path / "runs", STEADY[:1])
    for options, expected in (
        (
            ["--mechanism", "os_frok"],
            "--mechanism os_frok: not in 20261101T040000Z with parent=bare, the nearest is os_fork; there is os_fork",
        ),
        (
            ["--scenario", "parent=bar"],
            "--scenario parent=bar: not in 20261101T040000Z, the nearest is parent=bare; there is parent=bare",
        ),
        (["--machine", "none"], "no run of --machine none; there is fake-2cpu"),
        (["--label", "none"], "no run with the label none to follow"),
    ):
        assert main(["trend", "--results", str(tmp_path / "runs"), *options]) == 2
        error = capsys.readouterr().err
        assert expected in error
        assert error.count("\n") == 1
    (tmp_path / "empty").mkdir()
    assert main(["trend", "--results", str(tmp_path / "empty")]) == 2
    assert "make one with: make bench" in capsys.readouterr().err


def test_an_unreadable_run_is_left_out_with_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged run among others costs its point and a line; named alone, it is refused."""
    paths = write_series(tmp_path, STEADY[:3])
    (paths[1] / "run.json").write_text("{")
    assert main(["trend", "--results", str(tmp_path), "--format", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("analysis trend: left out: ")
    assert name_of(1) not in shown.out
    assert main(["trend", str(paths[1])]) == 2


@pytest.mark.parametrize(("names", "more", "state"), [("program", "", ""), ("program+threads", "+4", "+threads=4")])
def test_another_parent_is_followed_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str, more: str, state: str
) -> None:
    """A user's program, alone or combined, is followed over its contents, whose hashes differ, and is named."""
    for day, content in enumerate(("568264ae35ad", "7ed474b88014")):
        cell = FakeCell("os_fork", 240_000.0, 100_000.0, scenario=names, level=f"server.py@{content}{more}")
        write_run(tmp_path, FakeRun([FakeCell("os_fork", 1.0e5, 1.0e5), cell], run=name_of(day)))
    assert main(["trend", "--results", str(tmp_path), "--scenario", f"program=server.py{state}"]) == 0
    shown = capsys.readouterr().out
    assert f"parent: program=server.py{state}" in shown
    assert shown.count("2.4") >= 2
