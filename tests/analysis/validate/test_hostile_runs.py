"""Contributed runs that want to do harm, each made for real: named with file and line, never run, never a traceback."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.validate import bounds, check
from analysis.validate.check import check_run
from tests.analysis.validate.conftest import edit
from tests.fake_run import CHECK
from tests.hostile_run import hostile_run


@pytest.fixture(autouse=True)
def _without_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes seconds and is held in test_derived.py: to draw the report again."""
    monkeypatch.setattr(check, "check_derived", lambda *_: None)


def lines(run: Path) -> list[str]:
    """All findings of a run as ``file:line: what``."""
    return [f"{finding.place}: {finding.what}" for finding in check_run(run)]


def replace_in(run: Path, file: str, line: int, old: bytes, new: bytes) -> None:
    """Put `new` into the place of the first `old` in a line (from 1) of a file, compressed or not."""
    path = run / file
    content = gzip.decompress(path.read_bytes()) if file.endswith(".gz") else path.read_bytes()
    rows = content.split(b"\n")
    assert old in rows[line - 1]
    rows[line - 1] = rows[line - 1].replace(old, new, 1)
    content = b"\n".join(rows)
    path.write_bytes(gzip.compress(content, 1) if file.endswith(".gz") else content)


@pytest.mark.parametrize(
    ("file", "line", "old", "new", "said"),
    [
        ("cells.csv", 2, b"os_fork", b"=1+2", "cells.csv:2: mechanism is a formula to a spreadsheet (=1+2)"),
        ("cells.csv", 3, b"posix_spawn", b"<b>x</b>", "cells.csv:3: mechanism holds markup (<b>)"),
        ("cells.csv", 2, b"os_fork", b"os_\0fork", "cells.csv:2: holds a byte of value 0"),
        ("cells.csv", 2, b"os_fork", b"os_\xe9", "cells.csv:2: not UTF-8 text"),
        (
            "cells.csv",
            2,
            b"os_fork",
            "x\u202ey".encode(),
            r"cells.csv:2: mechanism holds characters that cannot be seen (x\u202ey)",
        ),
        ("cells.csv", 3, b"1,", b"0,", "cells.csv:3: the same cell as in a line before"),
        ("cells.csv", 3, b"fork", b'"', "cells.csv"),
        ("cells.csv", 2, b"os_fork", b"a,b,c,d", "cells.csv:2: 16 fields instead of 13"),
        ("subjects.csv", 2, b"ok,", b"ok,/home/ann/run.py", "subjects.csv:2: error holds a home directory (/home/ann)"),
        (
            "subjects.csv",
            3,
            b"ok,",
            b"ok,C:\\Users\\ann",
            r"subjects.csv:3: error holds a path of Windows (C:\Users\ann)",
        ),
        (
            "subjects.csv",
            4,
            b"ok,",
            b"ok,ann@example.org",
            "subjects.csv:4: error holds an e-mail address or a host (ann@",
        ),
        ("subjects.csv", 5, b"ok,", b"ok,/data/ann/x", "subjects.csv:5: error holds a path (/data/ann/x)"),
        ("subjects.csv", 6, b"ok", b"fine", "subjects.csv:6: status is 'fine', not one of ok, error"),
        ("blocks.csv", 2, b"mechanism", b"judge", "blocks.csv:2: role is 'judge', not one of mechanism, control"),
        (
            "samples.csv.gz",
            2,
            b"mechanism",
            b"judge",
            "samples.csv.gz:2: role is 'judge', not one of mechanism, control",
        ),
        ("samples.csv.gz", 4, b"0,", b"9,", "samples.csv.gz:4: cell 9 is not in cells.csv"),
        ("run.json", 1, b"{", b"{{", "run.json:1: not JSON"),
        ("run.json", 3, b'"', b'"\xff', "run.json:3: not UTF-8 text"),
    ],
)
def test_a_spoiled_line_is_named(run: Path, file: str, line: int, old: bytes, new: bytes, said: str) -> None:
    """Formulas, markup, NUL bytes, other encodings, doubled ids, wrong values and private texts are named by line."""
    replace_in(run, file, line, old, new)
    found = lines(run)
    assert any(each.startswith(said) for each in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(run="../../../x"), "run: "),
        (lambda d: d.update(machine="other"), "machine: other, but its directory is fake-2cpu"),
        (lambda d: d.update(started="2999-01-01T00:00:00Z"), "started: lies in the future"),
        (lambda d: d.update(started="2026-11-24T03:00:00Z"), "started: 2026-11-24T03:00:00Z, but the run is named"),
        (lambda d: d.update(ended="2020-01-01T00:00:00Z"), "ended: is before started"),
        (lambda d: d.update(certificate=None), "certificate: missing"),
        (
            lambda d: d["certificate"].update(checks=[CHECK | {"value": 9.0}]),
            "certificate.checks: drift: passed, but 9.0",
        ),
        (lambda d: d["certificate"].update(checks=[CHECK | {"state": "failed"}]), "certificate.checks: drift: failed"),
        (lambda d: d["machine_facts"].pop("kernel"), "machine_facts.kernel: missing"),
        (lambda d: d["machine_facts"].update(host="ann@box"), "machine_facts.host: holds an e-mail address or a host"),
        (lambda d: d.update(true="/home/ann/bin/true"), "true: holds a home directory (/home/ann)"),
        (lambda d: d.update(label="<script>alert(1)</script>"), "label: holds markup (<script>)"),
        (lambda d: d.update(label="a\x1b[31m"), r"label: holds characters that cannot be seen (a\x1b[31m)"),
        (lambda d: d.update(label="a.-+" * 100_000), "label: has 400000 characters"),
        (lambda d: d["machine_facts"].update({f"k{i}": "/home/a" for i in range(20_000)}), "findings more"),
        (lambda d: d.update(status="partial"), "status: partial; only complete runs"),
        (lambda d: d.update(surprise=1), "surprise: unknown key"),
        (lambda d: d.update(rounds=-1), "rounds: "),
        (lambda d: d.update(rounds=6), "subjects.csv"),
        (lambda d: d.update(pythons={}), "pythons: empty"),
    ],
)
def test_a_spoiled_document_is_named(run: Path, change: Callable[[dict[str, Any]], object], said: str) -> None:
    """What is wrong in run.json is named by line and key: names that lead out, times to come, facts, certificate."""
    found = lines(edit(run, change))
    assert any(said in each for each in found), found


def test_all_findings_come_at_once(run: Path) -> None:
    """Two bad keys, two bad lines in each of two tables and a stray file are named by one call."""
    edit(run, lambda document: document.update(label="<b>", true="/home/ann/true"))
    for file, line, old, new in (
        ("cells.csv", 2, b"os_fork", b"=x"),
        ("cells.csv", 3, b"posix_spawn", b"=y"),
        ("blocks.csv", 6, b",0,", b",x,"),
        ("blocks.csv", 7, b",0,", b",x,"),
    ):
        replace_in(run, file, line, old, new)
    (run / "evil.sh").write_text("exit 1")
    places = {
        finding.place.partition(":")[0] + (f":{finding.line}" if ".csv" in finding.file else "")
        for finding in check_run(run)
    }
    assert {"run.json", "cells.csv:2", "cells.csv:3", "blocks.csv:6", "blocks.csv:7", "evil.sh"} <= places
    assert sum(finding.file == "run.json" for finding in check_run(run)) == 2


def test_contradictions_are_all_named(run: Path) -> None:
    """Blocks that say another number of calls than cells.csv are named each, not the first alone."""
    for line in (6, 7, 8):
        row = (run / "blocks.csv").read_bytes().split(b"\n")[line - 1]
        calls = row.split(b",")[5]
        replace_in(run, "blocks.csv", line, b"," + calls + b",", b",4,")
    found = {finding.line for finding in check_run(run) if finding.file == "blocks.csv"}
    assert {6, 7, 8} <= found


@pytest.mark.parametrize("file", ["run.json", "samples.csv.gz", "cells.csv", "summary.csv"])
@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "other_table"])
def test_what_is_no_file_is_not_opened(run: Path, file: str, kind: str) -> None:
    """A link, FIFO or directory in the place of a file, or beside it, is named and not followed."""
    path = run / file
    if kind == "other_table":  # beside the real one, where a reader would prefer it
        path = run / "samples.csv"
        path.symlink_to("/dev/zero")
    else:
        path.unlink()
    if kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    what = {"fifo": "is a FIFO", "directory": "does not belong"}.get(kind, "is a link")
    assert any(each.startswith(f"{path.name}: {what}") for each in lines(run))


@pytest.mark.parametrize("name", ["evil.sh", "report/x.html", "report/<b>.svg", "interrupted/x", ".git", "a\x1b[31m\n"])
def test_strange_names_are_named_safely(run: Path, name: str) -> None:
    """A file that does not belong to a run is named, with its name made visible."""
    path = run / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    found = [each for each in lines(run) if "does not belong to a run" in each]
    assert len(found) == 1
    assert found[0].isprintable()


def test_a_link_to_a_run_is_no_run(run: Path, tmp_path: Path) -> None:
    """A directory of a run that is a link itself is named, and nothing behind it is read."""
    link = tmp_path / "link"
    link.symlink_to(run)
    assert lines(link) == [".: is a link; submit the directory itself"]


def test_gigabytes_behind_a_small_archive_are_not_read(run: Path) -> None:
    """An archive of 4 MB that holds 4 GB is named, long before all of it was read."""
    part = gzip.compress(b"0" * (64 << 20), 9)
    (run / "samples.csv.gz").write_bytes(part * 64)
    assert any(each.startswith("samples.csv.gz: ") and "MiB" in each for each in lines(run))


def test_a_million_columns_are_one_finding(run: Path) -> None:
    """A header of a million columns is a line that is too long."""
    (run / "blocks.csv").write_bytes(b"a," * 1_000_000 + b"\n")
    assert [each for each in lines(run) if each.startswith("blocks.csv")] == [
        "blocks.csv: a line is longer than 64 KiB; copy the file again or measure again"
    ]


def test_a_file_that_is_all_wrong_is_counted(run: Path) -> None:
    """Of a file with 5,000 bad lines a thousand are named, and the rest is not read."""
    header = (run / "cells.csv").read_bytes().split(b"\n")[0]
    (run / "cells.csv").write_bytes(header + b"\n" + b"x\n" * 5000)
    found = [each for each in lines(run) if each.startswith("cells.csv")]
    assert 1000 < len(found) <= 1002
    assert found[-1].endswith("findings more")


def test_a_deep_or_huge_document_is_one_line(run: Path) -> None:
    """run.json that is nested 100,000 times, or that has 3 MB, is named."""
    (run / "run.json").write_text("[" * 100_000)
    assert any("nested too deeply" in each for each in lines(run))
    (run / "run.json").write_text(" " * (3 << 20))
    assert any(each.startswith("run.json: larger than 2 MiB") for each in lines(run))


def test_a_run_whose_every_text_is_hostile_is_shown_safely(tmp_path: Path) -> None:
    """Findings about texts full of markup and control characters can all be printed, and the run is not valid."""
    found = lines(hostile_run(tmp_path))
    assert len(found) > 20
    assert all(each.isprintable() for each in found)


def test_data_of_3_mib_is_too_much(run: Path) -> None:
    """A standard run with as much as 3 MiB is named; the report does not count."""
    edit(run, lambda document: document["options"].update(profile="standard"))
    (run / "model.json").write_bytes(b" " * (3 << 20))
    assert any("a run of this profile stays below 3 MiB" in each for each in lines(run))


def test_time_and_memory_end() -> None:
    """What takes longer than it may is ended, and so is what takes more memory; both limits are gone afterwards."""
    with pytest.raises(bounds.TooLongError), bounds.bounded(0.05):
        all(True for _ in iter(int, 1))
    with pytest.raises(MemoryError), bounds.bounded(memory_bytes=64 << 20):
        bytearray(512 << 20)
    assert len(bytearray(512 << 20)) == 512 << 20


def test_a_run_that_takes_too_long_is_a_finding(run: Path) -> None:
    """A check that is ended by its limits says so in one line, beside what was found before."""
    assert any("not checked to the end within" in finding.what for finding in check_run(run, 0.001))
