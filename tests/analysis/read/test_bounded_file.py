"""Turns files that never end, hang or expand beyond all measure into one line each, in little memory."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import LoadError
from analysis.read import bounded_file
from analysis.read.bounded_file import MOST_DOCUMENT, MOST_LINE, BoundedFile, read_bytes
from analysis.read.run import load_run
from tests import ROOT
from tests.edit_run import tables_alone
from tests.fake_run import FakeCell, FakeRun, write_run

SMALL = FakeRun(cells=(FakeCell(calls=3, blocks=2),), rounds=2)
# Memory grows with the document: a quarter of the largest one in a quarter of 2 GiB holds the same in less time.
SHARE = 4
LIMIT = 2 << 30


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small run of its own."""
    return write_run(tmp_path, SMALL)


def complaint(run: Path) -> str:
    """What reading all of `run` complains of, without the directory."""
    with pytest.raises(LoadError) as caught:
        _ = load_run(run).samples
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{run}/", "")


def complaint_within(memory: int, run: Path, *program: str) -> str:
    """What `program` complains of in a process of its own that may not have more than so many bytes of memory."""
    done = subprocess.run(
        [sys.executable, *program, str(run)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=300,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr[-500:]
    return done.stderr.replace(f"{run}/", "")


FILES = ("run.json", "cells.csv", "subjects.csv", "blocks.csv", "samples.csv.gz")


@pytest.mark.parametrize("file", FILES)
def test_a_fifo_is_refused_and_not_waited_for(file: str, run: Path) -> None:
    """A FIFO without a writer in the place of any file is one line at once."""
    (run / file).unlink()
    os.mkfifo(run / file)
    assert complaint(run) == f"{file}: cannot be read (it is a FIFO); put a regular file in its place"


@pytest.mark.parametrize("file", FILES)
def test_a_device_is_refused(file: str, run: Path) -> None:
    """A link to a device that gives bytes without end is one line."""
    (run / file).unlink()
    (run / file).symlink_to("/dev/zero")
    assert complaint(run) == f"{file}: cannot be read (it is a device); put a regular file in its place"


@pytest.mark.parametrize("file", FILES)
def test_a_link_to_a_regular_file_is_followed(file: str, run: Path, tmp_path: Path) -> None:
    """Files of a run may lie elsewhere."""
    elsewhere = (run / file).rename(tmp_path / file)
    (run / file).symlink_to(elsewhere)
    assert len(load_run(run).samples)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A file of more bytes than may be read is refused by its size, and one of just as many is read."""
    file = tmp_path / "x.json"
    file.write_bytes(b"x" * 1001)
    with pytest.raises(LoadError, match=r"x\.json: larger than 0 MiB"):
        BoundedFile(file, 1000)
    assert len(read_bytes(file, 1001)) == 1001


def test_what_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """The bound holds for what comes, too, not only for the size at the beginning."""
    file = tmp_path / "x.json"
    file.write_bytes(b"x" * 10)
    with BoundedFile(file, 1000) as stream:
        file.write_bytes(b"x" * 2000)
        with pytest.raises(LoadError, match="larger than"):
            stream.read(2000)


def test_the_bound_holds_for_all_parts_together(tmp_path: Path) -> None:
    """Parts add up to the bound; who goes back to another place begins anew."""
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(bytes(1001)))
    with BoundedFile(file, 1000) as stream:
        assert len(stream.read(600)) == 600
        with pytest.raises(LoadError, match="larger than"):
            stream.read(600)
    file = tmp_path / "x"
    file.write_bytes(bytes(1000))
    with BoundedFile(file, 1000) as stream:
        assert [len(stream.read(1000)), stream.seek(0), len(stream.read(1000))] == [1000, 0, 1000]


def test_an_archive_is_bounded_by_what_it_expands_to(tmp_path: Path) -> None:
    """An archive that is small itself and expands beyond the bound is refused while it expands."""
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(LoadError, match="larger than"):
        read_bytes(file, 1000)
    assert len(read_bytes(file, 1001)) == 1001


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that expands to a thousand times its size is refused long before the bound; small ones are read."""
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(bytes(1 << 20)))
    assert len(read_bytes(file, 1 << 30)) == 1 << 20
    monkeypatch.setattr(bounded_file, "_SURE", 1000)
    with pytest.raises(LoadError, match=r"x\.gz: expands to more than 200 times its size; copy it again"):
        read_bytes(file, 1 << 30)


@pytest.mark.parametrize("place", ["header", "row"])
def test_a_line_without_an_end_is_refused(place: str, run: Path) -> None:
    """A line of more than 64 KiB is one line of complaint, be it the header or a row."""
    text = (run / "cells.csv").read_text().splitlines(keepends=True)
    long = "x" * MOST_LINE + "x\n"
    (run / "cells.csv").write_text(long if place == "header" else text[0] + text[1] + long)
    assert complaint(run) == "cells.csv: a line is longer than 64 KiB; copy the file again or measure again"


def test_quotes_do_not_hide_a_line_without_an_end(run: Path) -> None:
    """Text between quotes that goes on over many lines is one line of the file, and as bounded."""
    cells = (run / "cells.csv").read_text()
    (run / "cells.csv").write_text(cells + '"' + "x\n" * MOST_LINE)
    assert "longer than 64 KiB" in complaint(run)
    (run / "cells.csv").write_text(cells.replace("os_fork", '"os\n_fork"'))
    assert load_run(run).cells["mechanism"].tolist() == ["os _fork"]


def test_many_short_lines_are_no_long_one(run: Path) -> None:
    """Lines are measured from end to end, also across the parts in which a file is read."""
    rows = gzip.decompress((run / "samples.csv.gz").read_bytes()).splitlines(keepends=True)
    (run / "samples.csv.gz").write_bytes(gzip.compress(rows[0] + rows[1] * 30_000))
    assert len(tables_alone(run)["samples"]) == 30_000


BOMBS: dict[str, Callable[[int], bytes]] = {
    "nested": lambda size: b"[" * size,
    "lists": lambda size: b"[" + b"[]," * (size // 3 - 1) + b"0]",
    "numbers": lambda size: b'{"schema": 2, "unfit": [' + b"1," * (size // 2 - 20) + b"1]}",
    "too large": lambda size: b"[" + b"1," * size + b"1]",
}


READ_A_SMALLER_DOCUMENT = f"""
import pathlib, sys
from analysis.errors import LoadError
from analysis.read import document
document.MOST_DOCUMENT //= {SHARE}
try:
    document.read_document(pathlib.Path(sys.argv[1]))
except LoadError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


@pytest.mark.parametrize("kind", BOMBS)
def test_a_document_of_any_content_is_read_in_little_memory(kind: str, run: Path) -> None:
    """What a run.json can hold is refused in 128 times its largest size, which is 2 GiB, as is a larger one."""
    assert SHARE * 128 * (MOST_DOCUMENT // SHARE) == LIMIT
    (run / "run.json").write_bytes(BOMBS[kind](MOST_DOCUMENT // SHARE))
    assert complaint_within(LIMIT // SHARE, run, "-c", READ_A_SMALLER_DOCUMENT).startswith("run.json:")


def test_zeros_that_expand_are_refused_in_little_memory(run: Path) -> None:
    """An archive of 1 GiB of zeros in the place of the calls is refused within 2 GiB of memory."""
    part = gzip.compress(bytes(64 << 20))
    (run / "samples.csv.gz").write_bytes(part * 16)
    assert "a line is longer than 64 KiB" in complaint_within(LIMIT, run, "-m", "analysis", "summary")


def test_a_deep_map_of_facts_is_named_in_time(run: Path) -> None:
    """The one bad entry among a hundred thousand is named, each entry looked at once."""
    data = json.loads((run / "run.json").read_text())
    data["before"] = {f"fact{number}": number for number in range(100_000)} | {"bad": [1]}
    (run / "run.json").write_text(json.dumps(data))
    assert complaint(run).startswith("run.json: before.bad: expected")
