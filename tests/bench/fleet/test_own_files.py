"""Holds which of a user's own files travel with a job, under what names, and how a host writes them."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.fleet import own_files
from bench.fleet.host import sent_files
from bench.fleet.own_files import travelling
from tests.bench.plan.test_own_files import MINE, write


def test_each_file_travels_once_and_beside_those_of_its_directory(tmp_path: Path) -> None:
    """Whatever the paths, a file keeps its name; two files of one name do not meet; other values stay as they are."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "mine.py", f"folder = {folder!r}\n")
    write(tmp_path / "one" / "server.py", "x = 1\n")
    one, two = tmp_path / "one", tmp_path / "two"
    found = travelling(
        ["os_fork", f"{one}/mine.py:f", f"{two}/mine.py:f", f"{two}/../one/mine.py:g"],
        ["rss=0", f"threads=1,2+program={one}/server.py, {one}/./server.py"],
    )
    at = sent_files.PLACE
    assert found.mechanisms == ("os_fork", f"{at}/1/mine.py:f", f"{at}/2/mine.py:f", f"{at}/1/mine.py:g")
    assert found.scenarios == ("rss=0", f"threads=1,2+program={at}/1/server.py,{at}/1/server.py")
    assert {file.name: file.content for file in found.files} == {
        "1/mine.py": b"folder = 'one'\n",
        "2/mine.py": b"folder = 'two'\n",
        "1/server.py": b"x = 1\n",
    }


def test_files_that_are_too_large_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have the whole room; one byte more, in one file or in two, is refused with the file and the bound."""
    room = own_files.MOST_BYTES
    (tmp_path / "large.py").write_bytes(b"#" * room)
    (tmp_path / "small.py").write_bytes(b"#")
    assert len(travelling([], [f"program={tmp_path}/large.py"]).files[0].content) == room
    with pytest.raises(
        UsageError, match=r"/small\.py: is too large; your own files go to every host, and may have 1 MiB"
    ):
        travelling([], [f"program={tmp_path}/large.py,{tmp_path}/small.py"])
    (tmp_path / "large.py").write_bytes(b"#" * (room + 1))
    with pytest.raises(UsageError, match=r"/large\.py: is too large"):
        travelling([f"{tmp_path}/large.py:f"], [])


def test_a_host_writes_each_file_once_and_names_it_without_the_path_of_its_cache(tmp_path: Path) -> None:
    """A second task for the job leaves a file that a run may be using untouched; one that is damaged is put right."""
    job, suite = tmp_path / "a,cache" / "jobs" / "one", tmp_path / "a,cache" / "suite"
    suite.mkdir(parents=True)
    write(tmp_path / "mine.py", MINE)
    sent = travelling([f"{tmp_path}/mine.py:f"], [])
    files = [asdict(file) for file in sent.files]
    sent_files.write(files, job)
    (name,) = sent_files.named(sent.mechanisms, job, suite)
    path = suite / name.removesuffix(":f")
    assert name == "../jobs/one/files/1/mine.py:f"
    assert path.read_bytes() == (tmp_path / "mine.py").read_bytes()
    os.utime(path, (1, 1))
    sent_files.write(files, job)
    assert path.stat().st_mtime == 1
    path.write_text("half")
    sent_files.write(files, job)
    assert path.read_bytes() == files[0]["content"]
