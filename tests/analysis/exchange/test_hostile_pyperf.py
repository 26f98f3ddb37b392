"""Turns pyperf files that no clock and no program wrote into one line each, and never into a run that is refused."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from analysis.__main__ import main
from analysis.errors import LoadError, PyperfError
from analysis.exchange import new_run, pyperf_read
from analysis.exchange.pyperf_export import import_pyperf
from analysis.read.run import load_run
from tests.analysis.exchange.test_pyperf import benchmark, refused, write_file

HUGE = 10**400


def dated(date: str, **about: Any) -> dict[str, Any]:
    """A benchmark of one process with its date."""
    run = {"values": [1.0], "metadata": {"date": date, **about}}
    return {"metadata": {"name": "x", "unit": "second"}, "runs": [run]}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "value of 400 digits": (benchmark(values=(HUGE,)), r"benchmarks\[0\].runs\[0\].values\[0\]: a number of more"),
    "loops of 400 digits": (benchmark(loops=HUGE), r"benchmarks\[0\].metadata.loops: a number of more than 63"),
    "fact of 400 digits": (benchmark(some_fact=-HUGE), r"benchmarks\[0\].metadata.some_fact: a number of more"),
    "no loops": (benchmark(loops=0), "invalid metadata 'loops' value: 0"),
    "surrogate in a name": (benchmark("\ud800"), r"benchmarks\[0\].metadata.name: text with a lone surrogate"),
    "surrogate in a fact": (benchmark(some="a\udfff"), r"metadata.some: text with a lone surrogate"),
    "year 1": (dated("0001-01-01 00:00:00"), "benchmark 'x' has a date before 1970: 0001-01-01"),
    "year 1969": (dated("1969-12-31 23:59:59"), "has a date before 1970"),
    "byte of value 0": (benchmark("a\0b"), r"cannot become a run \(cells.csv:2: holds a byte of value 0"),
    "infinite fact": (benchmark(some_fact=float("inf")), r"benchmarks\[0\].metadata.some_fact: not a finite number"),
    "long name": (benchmark("x" * 70_000), r"cannot become a run \(cells.csv: a line is longer than 64 KiB"),
    "interpreter of another type": (benchmark(python_implementation=5), "cannot become a run"),
    "sum beyond a number": (benchmark(values=(1e8,), loops=2**60), "cannot become a run"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_no_run_can_hold_is_one_line(kind: str, tmp_path: Path) -> None:
    """Numbers, texts and dates that pyperf takes and a run does not are refused, and nothing is written."""
    one, said = WRONG[kind]
    refused(write_file(tmp_path, one), said, tmp_path)


def test_two_benchmarks_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name must tell benchmarks apart."""
    refused(write_file(tmp_path, benchmark(), benchmark()), "already a benchmark called 'json_dumps'", tmp_path)


def test_a_process_that_ends_with_time_itself_is_imported_or_refused(tmp_path: Path) -> None:
    """A process thousands of years after the others lies beyond what a run can count, and is refused in a line."""
    one = dated("2026-01-02 03:04:05")
    one["runs"] += dated("9999-12-31 23:59:59")["runs"]
    refused(write_file(tmp_path, one), r"cannot become a run \(subjects.csv:3: start_ns", tmp_path)


def test_a_huge_duration_is_no_duration(tmp_path: Path) -> None:
    """A process that claims to have taken longer than time is placed after the one before it."""
    for label, duration in (("a", 1e300), ("b", 6e10)):
        file = write_file(tmp_path, dated("2026-01-02", duration=duration))
        assert load_run(import_pyperf(file, tmp_path, label)).subjects["start_ns"].tolist() == [0]


def test_the_command_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says it in one line that names the file."""
    file = write_file(tmp_path, benchmark(values=(HUGE,)))
    assert main(["import-pyperf", str(file), "--results", str(tmp_path / "results")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"analysis import-pyperf: {file}: ")
    assert said.count("\n") == 1


def test_a_run_is_read_before_it_gets_its_name(tmp_path: Path) -> None:
    """What the reader refuses never stands under its name, and every folder made for it is gone."""
    file = write_file(tmp_path, benchmark())
    with patch.object(new_run, "load_run", side_effect=LoadError("cells.csv:2: wrong")):
        refused(file, r"cannot become a run \(cells.csv:2: wrong\); measure again", tmp_path)
    (tmp_path / "results").mkdir()
    with patch.object(new_run, "load_run", side_effect=LoadError("wrong")), pytest.raises(PyperfError):
        import_pyperf(file, tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_a_link_in_the_place_of_the_run_is_not_followed(tmp_path: Path) -> None:
    """A link that leads nowhere counts as already there."""
    file = write_file(tmp_path, benchmark())
    directory = import_pyperf(file, tmp_path / "results")
    name = directory.rename(tmp_path / "moved") and directory
    name.symlink_to(tmp_path / "nowhere")
    with pytest.raises(PyperfError, match="already there"):
        import_pyperf(file, tmp_path / "results")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_whose_name_is_no_text_is_imported(tmp_path: Path) -> None:
    """A name with a byte that is no UTF-8 is written with a mark in its place."""
    file = write_file(tmp_path, benchmark()).rename(tmp_path / os.fsdecode(b"a\xff.json"))
    source = load_run(import_pyperf(file, tmp_path / "results")).document.source
    assert source is not None
    assert source.file == "a\ufffd.json"


def test_many_calls_are_written_in_parts(tmp_path: Path) -> None:
    """More calls than are written at once come back in their order."""
    values = [1.0 + number / 1e5 for number in range(25_000)]
    run = load_run(import_pyperf(write_file(tmp_path, benchmark(values=values, runs=1)), tmp_path / "results"))
    assert run.samples["total_ns"].tolist() == [1_500_000_000, *(round(value * 1e9) for value in values)]


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    """A FIFO and a device are one line at once, whatever their names end in."""
    for name in ("x.json", "x.json.gz"):
        os.mkfifo(tmp_path / name)
        refused(tmp_path / name, "it is a FIFO", tmp_path)
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
        refused(tmp_path / name, "it is a device", tmp_path)
        (tmp_path / name).unlink()


def test_a_file_that_expands_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    """An archive of more than 64 MiB of text is refused while it expands, and a plain file by its size."""
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(b" " * (32 << 20)) * 3)
    refused(tmp_path / "x.json.gz", "larger than 64 MiB", tmp_path)
    os.truncate(write_file(tmp_path, benchmark()), (64 << 20) + 1)
    refused(tmp_path / "result.json", "larger than 64 MiB", tmp_path)


def test_many_parts_are_refused_before_they_are_made(tmp_path: Path) -> None:
    """Texts, lists and maps that would take many times the file's size in memory, and too many benchmarks."""
    file = tmp_path / "x.json"
    file.write_bytes(b"[" + b"[]," * (1 << 22) + b"0]")
    refused(file, "more than 4194304 lists, maps and texts", tmp_path)
    most = pyperf_read._MOST_BENCHMARKS
    file.write_text(json.dumps({"version": "1.0", "benchmarks": [0] * (most + 1)}))
    refused(file, "more than 2000 benchmarks", tmp_path)


def test_others_may_read_an_imported_run(tmp_path: Path) -> None:
    """The directory of the run has the mode of any other that is made here, not that of a temporary one."""
    directory = import_pyperf(write_file(tmp_path, benchmark()), tmp_path / "results")
    assert directory.stat().st_mode == directory.parent.stat().st_mode
