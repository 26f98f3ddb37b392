"""The edges of what readers take from a table: the least and the most of each number, keys, ends of files, types."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import LoadError
from bench import schema
from tests.edit_run import tables_alone
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

CELLS = (FakeCell(calls=1, blocks=2), FakeCell("noop", control="", calls=1, blocks=1))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with plain samples, which every test gets a copy of."""
    run = write_run(tmp_path_factory.mktemp("source"), FakeRun(CELLS, rounds=2, noise=QUIET))
    (run / "samples.csv").write_bytes(gzip.decompress((run / "samples.csv.gz").read_bytes()))
    (run / "samples.csv.gz").unlink()
    return run


@pytest.fixture
def run(source: Path, tmp_path: Path) -> Path:
    """A copy of that run which a test may change."""
    return Path(shutil.copytree(source, tmp_path / "run"))


def change(run: Path, file: str, line: int, column: str, text: str) -> None:
    """Put `text` into one field; lines count from 1, the header being the first."""
    rows = list(csv.reader(io.StringIO((run / file).read_text())))
    rows[line - 1][rows[0].index(column)] = text
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    (run / file).write_text(out.getvalue())


def status(run: Path, name: str) -> None:
    """Set the status of the run."""
    document = json.loads((run / "run.json").read_text()) | {"status": name}
    (run / "run.json").write_text(json.dumps(document))


def complaint(run: Path) -> str:
    """What reading each table of `run` complains of, without its directory; empty: nothing."""
    try:
        tables_alone(run)
    except LoadError as error:
        return str(error).replace(f"{run}/", "")
    return ""


@pytest.mark.parametrize(
    ("file", "column", "lowest", "highest"),
    [
        ("samples.csv", "warmup", 0, 1),
        ("samples.csv", "round", 0, 2**24 - 1),
        ("samples.csv", "block", -1, 2**17 - 1),
        ("samples.csv", "total_ns", 0, 2**62),
        ("samples.csv", "call_ns", 0, 2**62),
        ("samples.csv", "ready_ns", 0, 2**62),
        ("blocks.csv", "round", 0, 2**24 - 1),
        ("blocks.csv", "block", -1, 2**17 - 1),
        ("blocks.csv", "order", -1, 2**31 - 1),
        ("blocks.csv", "calls", 0, 2**62),
        ("blocks.csv", "parent_faults", 0, 10**30),
        ("subjects.csv", "round", -1, 2**24 - 1),
        ("subjects.csv", "threads", 0, 2**62),
        ("cells.csv", "cell", 0, 2**20 - 1),
        ("cells.csv", "blocks", 0, 2**62),
    ],
)
def test_the_least_and_the_most_of_a_number_are_taken_and_no_more(
    run: Path, file: str, column: str, lowest: int, highest: int
) -> None:
    """The ends themselves are read; one beyond either is named with the end, where there is a highest one."""
    if file == "cells.csv":
        for each in ("subjects.csv", "blocks.csv", "samples.csv"):
            (run / each).write_text((run / each).read_text().splitlines()[0] + "\n")
    # A row of its own: no other one has its round.
    for value in (lowest, highest):
        change(run, file, 2, "round" if file in ("blocks.csv", "samples.csv") else column, "7")
        change(run, file, 2, column, str(value))
        assert complaint(run) == "", value
    change(run, file, 2, column, str(lowest - 1))
    assert complaint(run) == f"{file}:2: {column} is '{lowest - 1}', below {lowest}"
    if highest < 2**62:
        change(run, file, 2, column, str(highest + 1))
        assert complaint(run) == f"{file}:2: {column} is '{highest + 1}', above {highest}"


def test_the_largest_numbers_are_read_as_they_stand(run: Path) -> None:
    """The highest cell, round, block and order come back whole, although they are kept in few bytes."""
    change(run, "cells.csv", 3, "cell", str(2**20 - 1))
    for file in ("subjects.csv", "blocks.csv", "samples.csv"):
        rows = list(csv.reader(io.StringIO((run / file).read_text())))
        for line, row in enumerate(rows[1:], start=2):
            if row[rows[0].index("cell")] == "1":
                change(run, file, line, "cell", str(2**20 - 1))
    change(run, "blocks.csv", 2, "round", str(2**24 - 1))
    change(run, "blocks.csv", 2, "block", str(2**17 - 1))
    change(run, "blocks.csv", 2, "order", str(2**31 - 1))
    loaded = tables_alone(run)
    assert set(loaded["samples"]["cell"]) == {0, 2**20 - 1}
    first = [int(loaded["blocks"][name].iloc[0]) for name in ("round", "block", "order")]
    assert first == [2**24 - 1, 2**17 - 1, 2**31 - 1]


def test_a_call_takes_38_bytes(run: Path) -> None:
    """Ten million calls fit: four bytes for cell, round and block, one for role and warm-up, eight for a time."""
    samples = tables_alone(run)["samples"]
    types = {name: str(samples[name].dtype) for name in samples.columns}
    times = {"total_ns": "int64", "call_ns": "float64", "ready_ns": "float64"}
    expected = {"cell": "int32", "round": "int32", "block": "int32", "role": "category", "warmup": "int8"}
    assert types == expected | times
    assert str(samples["role"].cat.codes.dtype) == "int8"
    assert list(samples["role"].cat.categories) == list(schema.Role)


@pytest.mark.parametrize(
    ("file", "keys"), [("subjects.csv", ["round", "cell"]), ("blocks.csv", ["cell", "round", "block", "role"])]
)
def test_rows_that_differ_in_one_key_are_not_the_same(run: Path, file: str, keys: list[str]) -> None:
    """Two rows are one only if all keys agree; any one that differs keeps them apart, and the second is named."""
    rows = list(csv.reader(io.StringIO((run / file).read_text())))
    again = dict(zip(rows[0], rows[1], strict=True))
    other = {"round": "9", "cell": "1", "block": "9", "role": "control"}
    for key in keys:
        row = again | {key: other[key]} | ({"round": "8"} if key != "round" else {})
        first = again | ({"round": "8"} if key != "round" else {})
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows([first, row])
        (run / file).write_text(out.getvalue())
        assert complaint(run) == "", key
        writer.writerow(row)
        (run / file).write_text(out.getvalue())
        assert complaint(run) == f"{file}:4: the same {', '.join(keys)} as in a line before"


def test_calls_have_no_key(run: Path) -> None:
    """Two calls of a block may take the same time: equal lines of samples.csv are two calls."""
    lines = (run / "samples.csv").read_text().splitlines()
    (run / "samples.csv").write_text("\n".join([*lines, lines[-1]]) + "\n")
    assert complaint(run) == ""
    assert len(tables_alone(run)["samples"]) == len(lines)


@pytest.mark.parametrize("length", [10, 65_535, 65_536, 65_537, 200_000])
def test_a_torn_line_of_any_length_is_found(run: Path, length: int) -> None:
    """However long the torn last line is, a partial run loses it alone; in a complete run its number is named."""
    whole = (run / "subjects.csv").read_text()
    (run / "subjects.csv").write_text(whole + "1,1,error," + "x" * length)
    lines = whole.count("\n")
    assert complaint(run).startswith(f"subjects.csv:{lines + 1}: the file ends in the middle of this line")
    status(run, "partial")
    assert complaint(run) == ""
    assert len(tables_alone(run)["subjects"]) == lines - 1


def test_a_torn_line_after_many_others_is_numbered(run: Path) -> None:
    """Beyond the first MiB the lines are counted on, and rows in front of a torn end are all kept."""
    header, line = (run / "samples.csv").read_text().splitlines()[:2]
    lines = 1 + (1 << 20) // len(line)
    (run / "samples.csv").write_text("\n".join([header, *[line] * lines, line[:-3]]))
    assert complaint(run).startswith(f"samples.csv:{lines + 2}: the file ends in the middle of this line")
    status(run, "partial")
    assert len(tables_alone(run)["samples"]) == lines


def test_a_header_that_is_torn_is_no_header(run: Path) -> None:
    """A partial run whose file ends inside its first line has no rows to keep: the line is named."""
    status(run, "partial")
    header = (run / "blocks.csv").read_text().splitlines()[0]
    (run / "blocks.csv").write_text(header)
    assert complaint(run).startswith("blocks.csv:1: the file ends in the middle of this line")
    (run / "blocks.csv").write_text(header + "\n")
    assert complaint(run) == ""
    assert tables_alone(run)["blocks"].empty


def test_a_bad_row_in_front_of_a_torn_end_is_named(run: Path) -> None:
    """What is wrong in a whole row of a partial run is named, what is wrong in the torn one is not looked at."""
    status(run, "partial")
    whole = (run / "samples.csv").read_text()
    (run / "samples.csv").write_text(whole + "0,x,y")
    assert complaint(run) == ""
    change(run, "samples.csv", whole.count("\n"), "total_ns", "x")
    text = (run / "samples.csv").read_text()
    (run / "samples.csv").write_text(text[: text.rindex("0,x,y")] + "0,x")
    assert complaint(run) == f"samples.csv:{whole.count(chr(10))}: total_ns is 'x', not a whole number"


def test_an_optional_column_may_be_missing_in_older_runs_only(run: Path) -> None:
    """This version's files have every column; one that is missing is named although it may be empty."""
    for table, column in (("blocks.csv", "child_switches"), ("cells.csv", "path"), ("samples.csv", "ready_ns")):
        frame = pd.read_csv(run / table, dtype=str, keep_default_na=False)
        frame.drop(columns=column).to_csv(run / table, index=False)
        assert complaint(run).startswith(f"{table}:1: column {column} is missing; the header should be ")
        frame.to_csv(run / table, index=False)
        assert complaint(run) == ""


def test_lines_may_end_as_on_windows(run: Path) -> None:
    """A carriage return before the line feed belongs to neither the last column's name nor its value."""
    before = tables_alone(run)["cells"]
    (run / "cells.csv").write_bytes((run / "cells.csv").read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(tables_alone(run)["cells"], before)


def test_every_number_of_a_column_is_looked_at(run: Path) -> None:
    """A wrong value is found beside missing ones, a fraction beside whole numbers, in the first row and in the last."""
    last = (run / "samples.csv").read_text().count("\n")
    for line in (2, last):
        for text, wrong in (("1.5", "not a whole number"), ("-1", "below 0"), ("inf", "not a whole number")):
            change(run, "samples.csv", line, "ready_ns", text)
            assert complaint(run) == f"samples.csv:{line}: ready_ns is {text!r}, {wrong}"
        change(run, "samples.csv", line, "ready_ns", "")
    assert complaint(run) == ""
    for text, wrong in (("nan", "not a finite number"), ("", "")):
        change(run, "blocks.csv", 2, "child_faults", text)
        assert complaint(run) == (f"blocks.csv:2: child_faults is {text!r}, {wrong}" if wrong else "")


def test_a_compressed_file_of_a_partial_run_is_read_to_its_end(run: Path) -> None:
    """Compression is done when a run is complete: a compressed file is whole whatever the status says."""
    status(run, "partial")
    lines = (run / "samples.csv").read_bytes()
    (run / "samples.csv.gz").write_bytes(gzip.compress(lines))
    (run / "samples.csv").unlink()
    assert len(tables_alone(run)["samples"]) == lines.count(b"\n") - 1
    (run / "samples.csv.gz").write_bytes(gzip.compress(lines)[:-4])
    assert complaint(run).startswith("samples.csv.gz: cut off or damaged (")
    assert complaint(run).endswith("; copy it again or measure again")


def test_a_directory_in_the_place_of_a_file_is_not_the_file(run: Path) -> None:
    """What is no file is missing."""
    (run / "blocks.csv").unlink()
    (run / "blocks.csv").mkdir()
    assert complaint(run) == "blocks.csv: missing; the run is not whole, copy it again or measure again"


def test_the_end_of_a_long_file_is_looked_at(tmp_path: Path) -> None:
    """A file longer than one look at its end keeps all its lines, and loses only the torn one of a partial run."""
    cell = FakeCell(calls=1, blocks=120)
    for name, torn in (("whole", False), ("torn", True)):
        run = write_run(tmp_path / name, FakeRun([cell], rounds=8, noise=QUIET, torn=torn))
        blocks = run / "blocks.csv"
        assert blocks.stat().st_size > 2 << 16
        lines = blocks.read_text().splitlines()[1:]
        if torn:
            blocks.write_bytes(blocks.read_bytes()[:-5])
        assert len(tables_alone(run)["blocks"]) == len(lines) - torn


@pytest.mark.parametrize(
    ("file", "column"),
    [("blocks.csv", "elapsed_ns"), ("samples.csv", "total_ns"), ("samples.csv", "ready_ns"), ("cells.csv", "cell")],
)
def test_a_number_of_hundreds_of_digits_is_named_with_its_line(run: Path, file: str, column: str) -> None:
    """A whole number beyond every column, optional ones included, is one short line with the line's number."""
    for digits in (20, 400, 5000):
        change(run, file, 3, column, "9" * digits)
        said = complaint(run)
        assert said.startswith(f"{file}:3: {column} is '99999"), said
        assert len(said) < 400


def test_a_byte_of_value_0_is_named_with_its_line(run: Path) -> None:
    """A byte at which pandas would end a text without a word is refused with its line, in text and numbers."""
    for text in ("os\0_fork", "os_fork\0"):
        change(run, "cells.csv", 2, "mechanism", text)
        assert complaint(run) == "cells.csv:2: holds a byte of value 0; copy it again or measure again"
    change(run, "cells.csv", 2, "mechanism", "os_fork")
    change(run, "blocks.csv", 4, "calls", "1\x002")
    assert complaint(run).startswith("blocks.csv:4: holds a byte of value 0")


def test_what_is_not_utf_8_is_named_with_its_line(run: Path) -> None:
    """Bytes that are no UTF-8 text are refused with their line."""
    content = (run / "cells.csv").read_bytes()
    (run / "cells.csv").write_bytes(content.replace(b"os_fork", b"os\xfffork"))
    assert complaint(run) == "cells.csv:2: not UTF-8 text; copy it again or measure again"


def test_a_long_number_of_a_cell_is_cut(run: Path) -> None:
    """The number of a cell that is not there is shown, and no more of it than a line holds."""
    change(run, "blocks.csv", 3, "cell", "0" * 1000 + "77")
    said = complaint(run)
    assert said.startswith("blocks.csv:3: cell 0000")
    assert said.endswith("… is not in cells.csv")
    assert len(said) < 400
