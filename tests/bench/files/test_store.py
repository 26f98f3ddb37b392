"""Holds the files of a run: append-only, never over another's, whole at every moment, the same for the same rows."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import schema
from bench.files.store import Store, StoreError, compress, create_run_directory, write_atomically
from bench.schema import BlockRow, Role, RunDocument, RunStatus, SampleRow
from tests.fake_run import FakeRun, fake_document

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
ROW = SampleRow(cell=0, round=0, block=0, role=Role.MECHANISM, warmup=0, total_ns=120_000, call_ns=80_000)


def document() -> RunDocument:
    """The run.json of a run that has just begun."""
    return msgspec.structs.replace(fake_document(FakeRun()), status=RunStatus.PARTIAL, label="ü")


def lines(directory: Path) -> list[str]:
    """The lines of samples.csv as they are on disk now."""
    return (directory / "samples.csv").read_text().splitlines()


def test_every_file_is_there_from_the_beginning(tmp_path: Path) -> None:
    """Headers of all raw tables, and a run.json that says partial, are on disk before the first row."""
    with Store(tmp_path, document()):
        for table in schema.RAW_TABLES:
            assert (tmp_path / table.file).read_text() == ",".join(table.header) + "\n"
        assert json.loads((tmp_path / "run.json").read_text())["status"] == "partial"


def test_a_row_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    """Rows are handed to the operating system at once: whatever ends this process loses none."""
    with Store(tmp_path, document()) as files:
        files.add([ROW])
        assert lines(tmp_path) == [",".join(schema.SAMPLES.header), "0,0,0,mechanism,0,120000,80000,"]
        files.add([ROW, ROW])
        assert len(lines(tmp_path)) == 4


def test_a_complete_run_has_its_calls_packed_and_only_packed(tmp_path: Path) -> None:
    """At the end of a complete run samples.csv is replaced by samples.csv.gz with the same text."""
    with Store(tmp_path, document()) as files:
        files.add([ROW])
        text = (tmp_path / "samples.csv").read_bytes()
        files.document.status = RunStatus.COMPLETE
    assert sorted(os.listdir(tmp_path)) == ["blocks.csv", "cells.csv", "run.json", "samples.csv.gz", "subjects.csv"]
    assert gzip.decompress((tmp_path / "samples.csv.gz").read_bytes()) == text
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "complete"


def test_an_interrupted_run_is_kept_as_it_is(tmp_path: Path) -> None:
    """An exception, an interruption included, leaves plain files and a run.json that says partial."""
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path)
    assert len(lines(tmp_path)) == 2
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "partial"


def _interrupted(directory: Path) -> None:
    with Store(directory, document()) as files:
        files.add([ROW])
        raise KeyboardInterrupt


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    """No time and no name of a file gets into the packed calls."""
    packed: list[bytes] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / f"{name}.csv"
        path.write_text("x\n" * 1000)
        os.utime(path, (len(packed), len(packed)))
        packed.append(compress(path).read_bytes())
    assert packed[0] == packed[1]


def test_a_packing_that_is_cut_short_leaves_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stops the packing, the plain file is whole, and no file with the final name is half of it."""
    path = tmp_path / "samples.csv"
    path.write_text("x\n" * 100_000)

    def stop(source: Any, target: Any, size: int) -> None:
        target.write(source.read(1000))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", stop)
    with pytest.raises(OSError, match="No space left"):
        compress(path)
    assert path.read_text() == "x\n" * 100_000
    assert not (tmp_path / "samples.csv.gz").exists()


@needs_full
def test_a_full_disk_is_told_in_one_line_and_everything_is_closed(tmp_path: Path) -> None:
    """Rows that do not fit are no traceback but a `StoreError` that names the directory; the files are closed."""
    (tmp_path / "run").mkdir()
    files = Store(tmp_path / "run", document())
    real = files._streams["samples"]
    files._streams["samples"] = open("/dev/full", "w")
    try:
        for work in (partial(files.add, [ROW]), files.close):
            with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\)") as caught:
                work()
            assert str(tmp_path / "run") in str(caught.value)
        assert all(stream.closed for stream in files._streams.values())
    finally:
        real.close()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "partial"


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        (shutil.rmtree, "csv: was removed; what was measured is lost, measure again"),
        (lambda run: (run / "blocks.csv").unlink(), "blocks.csv: was removed; what was measured is lost"),
        (lambda run: run.rename(run.with_name("moved")), "run: is no longer there; what was measured went with it"),
    ],
)
def test_what_vanished_is_not_said_to_be_kept(tmp_path: Path, lose: Callable[[Path], object], said: str) -> None:
    """A directory or a file that somebody removed or moved away is told as such, and the files are closed."""
    (tmp_path / "run").mkdir()
    files = Store(tmp_path / "run", document())
    lose(tmp_path / "run")
    for work in (files.sync, files.close):
        with pytest.raises(StoreError) as caught:
            work()
        assert said in str(caught.value)
        assert "kept there" not in str(caught.value)
    assert all(stream.closed for stream in files._streams.values())


def test_a_store_never_writes_over_a_file(tmp_path: Path) -> None:
    """A directory that holds rows already is refused, and stays as it was."""
    (tmp_path / "cells.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        Store(tmp_path, document())
    assert (tmp_path / "cells.csv").read_text() == "mine"
    assert not (tmp_path / "run.json").exists()


def test_run_json_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that cannot be written leaves the one before, and a reader never meets half of one."""
    path = tmp_path / "run.json"
    write_atomically(path, "ü\n")
    assert path.read_text(encoding="utf-8") == "ü\n"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "half")
    assert path.read_text(encoding="utf-8") == "ü\n"


def test_rows_go_to_the_file_of_their_class_under_their_names(tmp_path: Path) -> None:
    """A record stands in its own file in the order of the header, whatever the order it was made in."""
    row = BlockRow(
        elapsed_ns=9, start_ns=8, calls=7, role=Role.CONTROL, order=6, block=5, round=4, cell=3, child_faults=2.5
    )
    with Store(tmp_path, document()) as files:
        files.add([row])
        files.add([])
    table = list(csv.DictReader((tmp_path / "blocks.csv").read_text().splitlines()))
    assert [{name: text for name, text in line.items() if text} for line in table] == [
        {"cell": "3", "round": "4", "block": "5", "order": "6", "role": "control", "calls": "7", "start_ns": "8",
         "elapsed_ns": "9", "child_faults": "2.5"}
    ]  # fmt: skip
    assert len((tmp_path / "samples.csv").read_text().splitlines()) == 1


def test_a_directory_is_new_or_refused(tmp_path: Path) -> None:
    """A run's directory is made once; the second time it is refused, and what it holds is untouched."""
    directory = create_run_directory(tmp_path / "results", "machine", "run")
    assert directory == tmp_path / "results" / "machine" / "run"
    (directory / "run.json").write_text("{}")
    with pytest.raises(StoreError, match=r"already there; nothing was overwritten, choose another --label"):
        create_run_directory(tmp_path / "results", "machine", "run")
    assert (directory / "run.json").read_text() == "{}"
    assert create_run_directory(tmp_path / "results", "machine", "other").is_dir()


def test_a_results_directory_that_cannot_hold_any_is_refused(tmp_path: Path) -> None:
    """A file in its place, or a place where nothing can be made, is told with the way out."""
    (tmp_path / "file").write_text("")
    for results in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing")):
        with pytest.raises(StoreError, match=f"^{results}.*") as caught:
            create_run_directory(results, "machine", "run")
        assert "--results" in str(caught.value)


class Disk:
    """Notes in which order files are forced to the disk and take over their final names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        force, replace, unlink = os.fsync, os.replace, Path.unlink

        def note_forced(descriptor: int) -> None:
            force(descriptor)
            self.steps.append(f"force {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")

        def note_replaced(source: Path, target: Path) -> None:
            replace(source, target)
            self.steps.append(f"replace {target.name}")

        def note_removed(path: Path, missing_ok: bool = False) -> None:
            unlink(path, missing_ok)
            self.steps.append(f"remove {path.name}")

        monkeypatch.setattr(os, "fsync", note_forced)
        monkeypatch.setattr(os, "replace", note_replaced)
        monkeypatch.setattr(Path, "unlink", note_removed)


RAW_FORCED = ["force cells.csv", "force subjects.csv", "force blocks.csv", "force samples.csv"]
DOCUMENT_WRITTEN = ["force run.json.new", "replace run.json"]
needs_descriptors = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's /proc")


@needs_descriptors
def test_rows_are_on_the_disk_before_the_document_counts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sync` forces every raw file to the disk, and run.json, which says how many rounds there are, after them."""
    with Store(tmp_path, document()) as files:
        files.add([ROW])
        disk = Disk(monkeypatch)
        files.sync()
        assert sorted(disk.steps[:4]) == sorted(RAW_FORCED)
        assert disk.steps[4:] == DOCUMENT_WRITTEN


@needs_descriptors
def test_a_packed_file_is_on_the_disk_before_the_plain_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a complete run: rows, the document, then the packed calls whole, and only then the plain ones gone."""
    files = Store(tmp_path, document())
    files.document.status = RunStatus.COMPLETE
    disk = Disk(monkeypatch)
    files.close()
    packed = ["force samples.csv.gz.new", "replace samples.csv.gz", "remove samples.csv"]
    assert sorted(disk.steps[:4]) == sorted(RAW_FORCED)
    assert disk.steps[4:] == [*DOCUMENT_WRITTEN, *packed]


def test_the_packed_calls_name_nothing_and_no_time(tmp_path: Path) -> None:
    """The head of the packed file (RFC 1952) has no flag, so no name of a file, and a time of 0."""
    path = tmp_path / "samples.csv"
    path.write_text("x\n")
    assert compress(path).read_bytes()[:8] == b"\x1f\x8b\x08\x00" + bytes(4)
