"""Rows that are taken back from the files of a run: what is cut is kept, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import schema
from bench.files.stored_rows import RowError, header_end, stored_rows
from bench.files.tails import move_aside
from bench.schema import SubjectRow, SubjectStatus

LINES = [
    schema.SUBJECTS.lines([SubjectRow(round=0, cell=cell, status=SubjectStatus.OK, start_ns=5)]) for cell in (0, 1)
]


def subjects(directory: Path, text: str) -> Path:
    """A run's directory whose table of subjects holds `text`."""
    for table in schema.RAW_TABLES:
        (directory / table.file).write_text(table.first_line)
    (directory / "subjects.csv").write_text(text)
    return directory


def test_what_is_behind_the_end_is_moved_with_a_header(tmp_path: Path) -> None:
    """The file ends where it should, and the rest stands under the same header; tables that are whole are left."""
    head = schema.SUBJECTS.first_line
    run = subjects(tmp_path, head + LINES[0] + LINES[1] + "0,torn")
    end = len(head + LINES[0])
    folder = move_aside(run, {table.name: end for table in schema.RAW_TABLES if table.name == "subjects"})
    assert folder == run / "interrupted" / "1"
    assert (run / "subjects.csv").read_text() == head + LINES[0]
    assert (folder / "subjects.csv").read_text() == head + LINES[1] + "0,torn"
    assert os.listdir(folder) == ["subjects.csv"]
    assert move_aside(run, {"subjects": end}) is None


def test_each_time_has_its_own_folder(tmp_path: Path) -> None:
    """What was moved before is not written over; a file that is cut to nothing has its own header in it."""
    run = subjects(tmp_path, schema.SUBJECTS.first_line + LINES[0])
    first = move_aside(run, {"subjects": len(schema.SUBJECTS.first_line)})
    (run / "subjects.csv").write_text("round,ce")
    second = move_aside(run, {"subjects": 0})
    assert [first, second] == [run / "interrupted" / number for number in "12"]
    assert (run / "interrupted" / "2" / "subjects.csv").read_text() == "round,ce"
    assert (run / "subjects.csv").read_text() == ""


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Records with the byte behind each line; half a line is none."""
    head = schema.SUBJECTS.first_line
    run = subjects(tmp_path, head + LINES[0] + LINES[1] + "0,1,o")
    found = list(stored_rows(run, schema.SUBJECTS, SubjectRow))
    assert [row.record.cell for row in found] == [0, 1]
    assert found[0].record == SubjectRow(round=0, cell=0, status=SubjectStatus.OK, start_ns=5)
    assert [row.end for row in found] == [len(head + LINES[0]), len(head + LINES[0] + LINES[1])]
    assert header_end(run, schema.SUBJECTS) == len(head)
    assert header_end(subjects(tmp_path, "round,ce"), schema.SUBJECTS) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("round,cell\n", "1: another header"),
        (schema.SUBJECTS.first_line + "0,1\n", "2: 2 fields instead of"),
        (schema.SUBJECTS.first_line + LINES[0] + LINES[1].replace("ok", "so"), "3: Invalid enum value 'so'"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Another header, another number of fields and another word are refused."""
    with pytest.raises(RowError, match=said):
        list(stored_rows(subjects(tmp_path, text), schema.SUBJECTS, SubjectRow))
