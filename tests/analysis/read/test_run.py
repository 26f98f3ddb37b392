"""Turns runs that are whole, damaged or not ours into evidence: readers take the first and name what is wrong."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import LoadError
from analysis.read.run import Run, find_runs, load_run
from analysis.summary.cells import summarise
from bench import schema
from tests.edit_run import tables_alone
from tests.fake_run import FakeCell, FakeRun, write_run

SMALL = FakeRun(cells=(FakeCell(calls=3, blocks=2), FakeCell("noop", control="", calls=2, blocks=1)), rounds=2)
# Each example writes a run and reads it; the same ones every time.
few_examples = settings(max_examples=25)
FILES = ("cells.csv", "subjects.csv", "blocks.csv", "samples.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small complete run with a plain samples file; it is shared, so only read it."""
    run = write_run(tmp_path_factory.mktemp("whole"), SMALL)
    unpack(run)
    return run


def unpack(run: Path) -> None:
    """Put the plain samples file in the place of the compressed one."""
    packed = run / "samples.csv.gz"
    (run / "samples.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()


def pack(run: Path) -> None:
    """Put the compressed samples file in the place of the plain one."""
    plain = run / "samples.csv"
    (run / "samples.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


@contextmanager
def copy_of(run: Path) -> Iterator[Path]:
    """A copy of `run` that may be damaged; hypothesis calls this for every example."""
    with TemporaryDirectory() as scratch:
        yield Path(shutil.copytree(run, Path(scratch) / "run"))


def rows_of(path: Path) -> list[list[str]]:
    """All rows of a CSV file, the header first."""
    return list(csv.reader(io.StringIO(path.read_text())))


def write_rows(path: Path, rows: list[list[str]]) -> None:
    """Replace a CSV file by `rows`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue())


def edit_document(directory: Path, /, **changes: object) -> None:
    """Change keys of run.json; ``...`` removes one."""
    document: dict[str, Any] = json.loads((directory / "run.json").read_text()) | changes
    kept = {key: value for key, value in document.items() if value is not ...}
    (directory / "run.json").write_text(json.dumps(kept, indent=1))


def read_all(run: Path) -> Run:
    """The run with its samples read as well."""
    loaded = load_run(run)
    _ = loaded.samples
    return loaded


def complaint(run: Path) -> str:
    """What reading all of `run` complains of, without the directory."""
    with pytest.raises(LoadError) as caught:
        read_all(run)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(f"{run}/", "")


def read_or_complain(run: Path) -> Run | None:
    """All of `run`, or ``None`` where it is refused in one line that names the file."""
    try:
        return read_all(run)
    except LoadError as error:
        said = str(error)
    assert "\n" not in said
    assert said.startswith(f"{run}/")
    return None


def wrong_text(column: schema.Column) -> st.SearchStrategy[tuple[str, str]]:
    """Text that is wrong for `column`, with a pattern of what is to be said of it."""
    if column.words:
        words = ", ".join(column.words)
        return st.just(("x", f"{column.name} is 'x', not one of {words}$"))
    if column.kind == "str":
        return st.nothing() if column.optional else st.just(("", f"{column.name} is '', but must not be empty"))
    not_numbers = ["x", "1e", "12 3", "0x10", "--1", "1,5"]
    kind = "a whole number" if column.kind == "int" else "a number"
    wrong = [(text, f"{column.name} is {re.escape(repr(text))}, not {kind}") for text in not_numbers]
    wrong += [("-2", f"{column.name} is '-2', below (0|1|-1)")]
    wrong += [("-9999999999", f"{column.name} is '-9999999999', below")]
    if column.kind == "int":
        wrong += [(text, f"{column.name} is '{text}', not a whole number") for text in ("1.5", "nan", "inf", "-inf")]
    else:
        wrong += [(text, f"{column.name} is '{text}', not a finite number") for text in ("nan", "inf")]
    if not column.optional:
        wrong.append(("", f"{column.name} is '', not {kind}"))
    return st.sampled_from(wrong)


@st.composite
def damage(draw: st.DrawFn) -> tuple[schema.Table, schema.Column, float, str, str]:
    """A table and column, where in the file (0 to 1), the wrong text and the pattern of the complaint."""
    table = draw(st.sampled_from(schema.RAW_TABLES))
    candidates = [each for each in table.columns if each.kind != "str" or not each.optional]
    column = draw(st.sampled_from(candidates))
    place = draw(st.floats(0, 1, exclude_max=True))
    if column.name == "role":
        return table, column, place, "Control", "role is 'Control', not one of mechanism, control"
    if column.name == "status":
        return table, column, place, "fine", "status is 'fine', not one of ok, error"
    text, pattern = draw(wrong_text(column))
    return table, column, place, text, pattern


@few_examples
@given(damage(), st.booleans())
def test_a_wrong_value_anywhere_is_named_by_file_and_line(
    whole: Path, wrong: tuple[schema.Table, schema.Column, float, str, str], packed: bool
) -> None:
    """Whatever column of whatever row is edited, plain or compressed, the complaint names the file, line and value."""
    table, column, place, text, pattern = wrong
    with copy_of(whole) as run:
        rows = rows_of(run / table.file)
        line = 1 + int(place * (len(rows) - 1))
        rows[line][table.header.index(column.name)] = text
        write_rows(run / table.file, rows)
        if packed:
            pack(run)
        file = table.file + (".gz" if packed and table is schema.SAMPLES else "")
        assert re.match(f"{re.escape(file)}:{line + 1}: {pattern}", complaint(run))


@few_examples
@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True), st.sampled_from([-1, 1]), st.booleans())
def test_a_row_with_a_field_too_many_or_too_few_is_named(
    whole: Path, file: str, place: float, by: int, q: bool
) -> None:
    """A row that lost or gained a field, anywhere in any file, is named with both numbers."""
    with copy_of(whole) as run:
        rows = rows_of(run / file)
        line = 1 + int(place * (len(rows) - 1))
        rows[line] = rows[line][:-1] if by < 0 else [*rows[line], "1" if q else ""]
        write_rows(run / file, rows)
        fields = len(rows[0])
        assert complaint(run) == f"{file}:{line + 1}: {fields + by} fields instead of {fields}"


@pytest.mark.parametrize("file", ["subjects.csv", "blocks.csv", "samples.csv"])
def test_a_cell_that_is_not_in_cells_csv_is_named(whole: Path, file: str) -> None:
    """A row of a cell that the run does not have is wrong, not a cell more."""
    with copy_of(whole) as run:
        rows = rows_of(run / file)
        rows[-1][rows[0].index("cell")] = "7"
        write_rows(run / file, rows)
        assert complaint(run) == f"{file}:{len(rows)}: cell 7 is not in cells.csv"


@pytest.mark.parametrize(
    ("file", "keys"),
    [("cells.csv", "cell"), ("subjects.csv", "round, cell"), ("blocks.csv", "cell, round, block, role")],
)
def test_a_row_that_is_there_twice_is_named(whole: Path, file: str, keys: str) -> None:
    """Two rows with one key would give one thing two meanings, or count it twice."""
    with copy_of(whole) as run:
        rows = rows_of(run / file)
        write_rows(run / file, [*rows, rows[-1]])
        assert complaint(run) == f"{file}:{len(rows) + 1}: the same {keys} as in a line before"


def test_a_blank_line_is_named(whole: Path) -> None:
    """A line without anything in it is no row, and not passed over either."""
    with copy_of(whole) as run:
        rows = rows_of(run / "samples.csv")
        write_rows(run / "samples.csv", [*rows[:5], [], *rows[5:]])
        assert complaint(run) == "samples.csv:6: 0 fields instead of 8"


def test_commas_and_quotes_in_the_text_of_an_error_are_text(whole: Path) -> None:
    """An error's text may hold commas and quotes, and hides no row that is too short."""
    with copy_of(whole) as run:
        rows = rows_of(run / "subjects.csv")
        rows[1][rows[0].index("error")] = 'exit status 1, "not" 0'
        rows[1][rows[0].index("status")] = "error"
        write_rows(run / "subjects.csv", rows)
        assert read_all(run).subjects["error"].tolist() == ['exit status 1, "not" 0', "", "", ""]
        rows[2].pop()
        write_rows(run / "subjects.csv", rows)
        assert complaint(run) == f"subjects.csv:3: {len(rows[0]) - 1} fields instead of {len(rows[0])}"


@pytest.mark.parametrize(("column", "most"), [("cell", 2**20 - 1), ("round", 2**24 - 1), ("block", 2**17 - 1)])
def test_a_number_too_large_for_the_readers_is_named(whole: Path, column: str, most: int) -> None:
    """Numbers of cells, rounds and blocks beyond what the analysis can tell apart are refused, not mixed up."""
    for text in (str(most + 1), "99999999999999999999999"):
        with copy_of(whole) as run:
            rows = rows_of(run / "samples.csv")
            rows[3][rows[0].index(column)] = text
            write_rows(run / "samples.csv", rows)
            assert complaint(run) == f"samples.csv:4: {column} is {text!r}, above {most}"


@pytest.mark.parametrize("file", FILES)
def test_a_missing_unknown_or_doubled_column_is_named(whole: Path, file: str) -> None:
    """The header must have each column once and no other."""
    for change, what in (
        (lambda header: header[:-1], "column {last} is missing"),
        (lambda header: [*header, "more"], "column 'more' is unknown or doubled"),
        (lambda header: [*header[:-1], "lost"], "column {last} is missing"),
        (lambda header: [*header, header[0]], "column '{first}' is unknown or doubled"),
    ):
        with copy_of(whole) as run:
            rows = rows_of(run / file)
            header, change_header = rows[0], change
            write_rows(run / file, [change_header(header), *rows[1:]])
            expected = what.format(first=header[0], last=header[-1])
            assert complaint(run).startswith(
                f"{file}:1: {expected}; the header should be cell"
                if file != "subjects.csv"
                else f"{file}:1: {expected}; the header should be round"
            )


@pytest.mark.parametrize("file", FILES)
def test_columns_may_come_in_any_order(whole: Path, file: str) -> None:
    """A file whose columns were reordered by another tool reads the same."""
    with copy_of(whole) as run:
        write_rows(run / file, [row[::-1] for row in rows_of(run / file)])
        assert_same(read_all(run), read_all(whole))


def assert_same(one: Run, other: Run) -> None:
    """Both runs hold the same rows."""
    for name in ("cells", "subjects", "blocks", "samples"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_plain_and_compressed_read_the_same(whole: Path) -> None:
    """A samples file is the same compressed or not, and the plain one wins where both are there."""
    with copy_of(whole) as run:
        pack(run)
        assert_same(read_all(run), read_all(whole))
        (run / "samples.csv").write_bytes((whole / "samples.csv").read_bytes())
        (run / "samples.csv.gz").write_bytes(b"half of")
        assert_same(read_all(run), read_all(whole))


def test_what_was_written_is_what_is_read(whole: Path) -> None:
    """Every value of every file comes back as it stands there; empty fields are NaN or empty text."""
    run = read_all(whole)
    for table in schema.RAW_TABLES:
        frame, rows = getattr(run, table.name), rows_of(whole / table.file)
        assert list(frame.columns) == rows[0]
        for column in table.columns:
            texts = [row[rows[0].index(column.name)] for row in rows[1:]]
            values = frame[column.name].tolist()
            if column.kind == "str":
                assert values == texts
            else:
                assert [None if np.isnan(value) else float(value) for value in values] == [
                    float(text) if text else None for text in texts
                ]


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_missing_or_empty_is_named(whole: Path, file: str) -> None:
    """Neither a missing nor an empty file is a run without rows."""
    with copy_of(whole) as run:
        (run / file).write_bytes(b"")
        assert complaint(run) == f"{file}:1: the file is empty; the run is not whole"
        (run / file).unlink()
        assert complaint(run).startswith(f"{file}: missing; the run is not whole")


@pytest.fixture(scope="module")
def packed(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same run with compressed samples, of which all but these has been read."""
    run = Path(shutil.copytree(whole, tmp_path_factory.mktemp("packed") / "run"))
    pack(run)
    return load_run(run)


@contextmanager
def with_samples(packed: Run, content: bytes) -> Iterator[Run]:
    """A run with these bytes as its compressed samples and nothing but its samples left to read."""
    with TemporaryDirectory() as scratch:
        (Path(scratch) / "samples.csv.gz").write_bytes(content)
        yield replace(packed, path=Path(scratch))


@given(st.integers(1, 10**6))
def test_a_compressed_file_that_is_cut_off_is_named(packed: Run, cut: int) -> None:
    """Wherever the compressed samples end too early, the complaint is one line and no row is invented."""
    content = (packed.path / "samples.csv.gz").read_bytes()
    with with_samples(packed, content[: cut % len(content)]) as run:
        with pytest.raises(LoadError) as caught:
            _ = run.samples
        assert str(caught.value).startswith(f"{run.path}/samples.csv.gz")
        assert "\n" not in str(caught.value)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_compressed_file_with_a_flipped_byte_is_named_or_unharmed(packed: Run, place: int, flip: int) -> None:
    """A damaged byte is found by the checksum, or was in a part of the gzip header that means nothing to us."""
    content = bytearray((packed.path / "samples.csv.gz").read_bytes())
    content[place % len(content)] ^= flip
    with with_samples(packed, bytes(content)) as run:
        try:
            pd.testing.assert_frame_equal(run.samples, replace(packed).samples)
        except LoadError as error:
            said = str(error)
        else:
            return
        assert "\n" not in said
        assert said.startswith(f"{run.path}/")


@few_examples
@given(st.sampled_from(FILES), st.integers(1, 10**6), st.sampled_from(["partial", "complete"]))
def test_a_torn_last_line_is_dropped_from_a_partial_run_only(whole: Path, file: str, cut: int, status: str) -> None:
    """Cut anywhere, a file of a partial run gives its whole lines; in a complete run the torn line is named."""
    with copy_of(whole) as run:
        edit_document(run, status=status)
        path = run / file
        content = path.read_bytes()
        start = content.index(b"\n") + 1
        kept = content[: start + cut % (len(content) - start)]
        path.write_bytes(kept)
        whole_lines = kept.count(b"\n")
        torn = not kept.endswith(b"\n")
        known = {row[0] for row in rows_of(whole / "cells.csv")[1 : whole_lines if file == "cells.csv" else None]}
        if torn and status == "complete":
            said = complaint(run)
            assert said.startswith(f"{file}:{whole_lines + 1}: the file ends in the middle of this line")
        elif known != {row[0] for row in rows_of(whole / "cells.csv")[1:]}:
            with pytest.raises(LoadError, match=r"is not in cells\.csv"):
                tables_alone(run)
        else:
            assert len(tables_alone(run)[path.stem]) == whole_lines - 1


@few_examples
@given(st.binary(max_size=200), st.sampled_from([*FILES, "run.json"]))
def test_any_bytes_at_all_give_one_line(whole: Path, content: bytes, file: str) -> None:
    """A file of arbitrary bytes never ends in anything but a `LoadError` of one line that names it."""
    with copy_of(whole) as run:
        (run / file).write_bytes(content)
        assert complaint(run).startswith(file)


@few_examples
@given(st.binary(min_size=1, max_size=20), st.sampled_from(FILES), st.floats(0, 1))
def test_bytes_written_over_a_file_never_end_in_a_traceback(
    whole: Path, content: bytes, file: str, place: float
) -> None:
    """Bytes put anywhere over a good file leave it readable or are named; nothing else comes of it."""
    with copy_of(whole) as run:
        good = (run / file).read_bytes()
        at = int(place * len(good))
        (run / file).write_bytes(good[:at] + content + good[at + len(content) :])
        loaded = read_or_complain(run)
        if loaded is not None:
            summarise(loaded)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": schema.SCHEMA_VERSION + 1}, "newer than this program reads"),
        ({"schema": ...}, "it has no schema version"),
        ({"schema": "1"}, "it has no schema version"),
    ],
)
def test_a_document_that_is_wrong_says_what(whole: Path, changes: dict[str, object], said: str) -> None:
    """A newer version, or none, is told before anything else (every other key: test_run_document.py)."""
    with copy_of(whole) as run:
        edit_document(run, **changes)
        text = complaint(run)
        assert text.startswith("run.json:1: ")
        assert said in text


def test_a_document_of_an_older_version_may_lack_optional_columns(whole: Path) -> None:
    """A file that was written before an optional column existed reads with that column empty."""
    with copy_of(whole) as run:
        edit_document(run, schema=schema.SCHEMA_VERSION - 1)
        for table in schema.RAW_TABLES:
            keep = [place for place, column in enumerate(table.columns) if not column.optional]
            rows = rows_of(run / table.file)
            write_rows(run / table.file, [[row[place] for place in keep] for row in rows])
        loaded = read_all(run)
        assert loaded.subjects["rss_bytes"].isna().all()
        assert (loaded.cells["path"] == "").all()
        assert loaded.samples["ready_ns"].isna().all()
        assert summarise(loaded)["p50_ns"].gt(0).all()


def test_a_document_of_an_older_version_may_not_lack_what_every_row_needs(whole: Path) -> None:
    """Being old is no excuse for samples without times."""
    with copy_of(whole) as run:
        edit_document(run, schema=schema.SCHEMA_VERSION - 1)
        rows = rows_of(run / "samples.csv")
        place = rows[0].index("total_ns")
        write_rows(run / "samples.csv", [row[:place] + row[place + 1 :] for row in rows])
        assert complaint(run).startswith("samples.csv:1: column total_ns is missing")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path, "does not exist (no run.json)"),
        (lambda path: path.mkdir() or path, "no run (no run.json)"),
        (lambda path: path.write_text("a file") and path, "no run (no run.json)"),
    ],
    ids=["nothing", "empty", "file"],
)
def test_a_path_that_is_no_run_says_what_to_name(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    """A directory without run.json, a file or nothing at all is refused with what to do."""
    path = make(tmp_path / "run")
    with pytest.raises(LoadError) as caught:
        load_run(path)
    assert str(caught.value) == f"{path}: {said}; name a directory that `bench run` printed"


def test_a_document_that_is_not_json_is_named_with_its_line(whole: Path) -> None:
    """A syntax error in run.json comes with the line that it is in."""
    with copy_of(whole) as run:
        (run / "run.json").write_text('{"schema": 1,\n"run": }\n')
        assert complaint(run).startswith("run.json:2: not JSON (")


def test_a_run_may_be_named_by_its_document(whole: Path) -> None:
    """The path of run.json stands for its directory, as shells complete it."""
    assert load_run(whole / "run.json").path == whole


def test_runs_are_found_in_order_of_time(tmp_path: Path) -> None:
    """All runs, or those of one machine, come oldest first; what is no run is passed over."""
    names = ["20261124T040000Z", "20261123T040000Z-label", "20261125T000000Z"]
    machines = ["a[1]-2cpu", "b-2cpu", "a[1]-2cpu"]
    small = (FakeCell(calls=1, blocks=1),)
    for machine, name in zip(machines, names, strict=True):
        write_run(tmp_path, FakeRun(cells=small, rounds=1, run=name, machine=machine))
    (tmp_path / "a[1]-2cpu" / "20261126T000000Z").mkdir()
    assert [run.name for run in find_runs(tmp_path)] == [names[1], names[0], names[2]]
    assert [run.name for run in find_runs(tmp_path, "a[1]-2cpu")] == [names[0], names[2]]
    assert find_runs(tmp_path / "none") == []


def test_rows_of_an_unfinished_round_are_read_but_not_complete(tmp_path: Path) -> None:
    """A partial run keeps the rows of its unfinished round; `complete` leaves them out."""
    run = load_run(write_run(tmp_path, FakeRun(cells=SMALL.cells, rounds=2, torn=True)))
    assert run.partial
    assert set(run.samples["round"]) == {0, 1, 2}
    assert set(run.complete(run.samples)["round"]) == {0, 1}


def test_an_unreadable_file_is_named(whole: Path) -> None:
    """A directory in the place of a document cannot be read, and that is what is said."""
    with copy_of(whole) as run:
        (run / "run.json").unlink()
        (run / "run.json").mkdir()
        assert complaint(run).startswith("run.json: cannot be read (")
