"""Holds that a twin has the memory, threads and files of a real process, and that the command measures it."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import schema
from bench.driver.guard import GUARD
from bench.driver.process import Subject
from bench.errors import UsageError
from bench.plan import limits
from bench.plan.levels import PlanError, parse_scenarios
from bench.plan.limits import Limit, Limits
from bench.plan.setup import prepare
from bench.twin import build, command
from bench.twin.prediction import Prediction
from bench.twin.recipe import Recipe
from bench.twin.shape import Kind, Shape, anonymous, shapes_of
from bench.twin.state import State, read_state
from tests.engine import PATIENCE_S, PYTHON, needs_fork, needs_proc, rows, status

pytestmark = [needs_proc, needs_fork, pytest.mark.usefixtures("short_runs")]
MIB = 1 << 20
# 20 MiB of small pages, 3 of them spread over 64 MiB; 150 mappings, every other one private; 6 threads, 40 files.
PROGRAM = """
import mmap, os, threading
private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
kept = [mmap.mmap(-1, 17 << 20, flags=private), mmap.mmap(-1, 64 << 20, flags=private)]
for memory in kept:
    memory.madvise(15)  # no huge pages
for at in range(0, 17 << 20, 4096):
    kept[0][at] = 1
for at in range(0, 64 << 20, 85 << 10):
    kept[1][at] = 1
for number in range(75):
    kept.append(mmap.mmap(-1, 8192, flags=private, prot=3))
    kept[-1][0] = 1
    kept.append(mmap.mmap(-1, 4096, flags=private, prot=1))
for _ in range(5):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
files = [os.open(os.devnull, os.O_RDONLY) for _ in range(37)]
print("ready", flush=True)
input()
"""


@contextmanager
def process(program: str = PROGRAM) -> Iterator[int]:
    """The pid of a program that said that it is ready."""
    with subprocess.Popen([PYTHON, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            yield child.pid
        finally:
            child.kill()


def built(recipe: Recipe) -> State:
    """What a subject with this recipe is."""
    setup = prepare()
    with GUARD.on_watch(), Subject(build.settings_of(recipe, "test", setup)) as subject:
        subject.ready(PATIENCE_S)
        return read_state(subject.pid)


def test_a_twin_has_what_the_process_has() -> None:
    """Memory, page tables, mappings by kind, threads and files of a twin are within 2 % of those of a real process."""
    with process() as pid:
        state = read_state(pid)
        recipe = build.find_recipe(state, prepare())
    twin = built(recipe).dose
    for column in ("copied_bytes", "pte_bytes", "vmas", "vmas_private", "fds", "threads"):
        wanted = getattr(state.dose, column)
        # A page of a table is more than 2 % of few; how many arenas five threads get depends on who meets whom.
        slack = {"pte_bytes": 8 * 4096, "vmas": 10, "vmas_private": 10}.get(column, 0)
        assert getattr(twin, column) == pytest.approx(wanted, rel=0.02, abs=slack), column
    assert twin.threads == state.dose.threads == 6
    assert twin.fds == state.dose.fds == 40


def test_every_kind_of_mapping_is_built() -> None:
    """A subject has each mapping of a recipe with the pages that it says, to the byte, and none joins another."""
    page = 4096  # in numbers that no mapping of the subject itself has
    shapes = [
        *[anonymous(3 * page, 0, 13 * page)] * 9,
        anonymous(203 * page, 0, 8 * MIB, pieces=4),
        Shape(Kind.FILE, 17 * page, 17 * page),
        Shape(Kind.FILE_PRIVATE, 99 * page, 19 * page, written=2 * page),
        Shape(Kind.FILE_PRIVATE, 7 * page, 7 * page, written=7 * page),
        *[Shape(Kind.SHARED, 11 * page, 5 * page)] * 2,
        *[Shape(Kind.UNTOUCHED, 37 * page)] * 5,
        Shape(Kind.UNFORKED, page),
    ]
    bare, full = built(Recipe()), built(Recipe(shapes, threads=0, files=3))
    more = Counter(shapes_of(full.mappings)) - Counter(shapes_of(bare.mappings))
    for shape, count in Counter(replace(shape, pieces=0) for shape in shapes).items():
        assert more[shape] == count, shape
    assert (full.dose.fds or 0) - (bare.dose.fds or 0) == 4  # the mapped file has one


def test_huge_pages_are_huge_where_the_kernel_gives_them() -> None:
    """Three huge pages and two small ones in one mapping."""
    if not prepare().resources.huge_pages:
        pytest.skip("this kernel gives no huge pages")
    shape = anonymous(8192, 6 * MIB, 6 * MIB)
    seen = built(Recipe([shape]))
    assert seen.dose.huge_bytes == 6 * MIB
    assert shape in shapes_of(seen.mappings)


def test_anonymous_memory_joins_nothing_beside_it() -> None:
    """All of a twin's anonymous memory is of a kind (``nr``) that the subject has none of, so that it stays apart."""
    shapes = [Shape(Kind.UNTOUCHED, 8192), anonymous(4096, 0, 4096)] * 50
    setup = prepare()
    with GUARD.on_watch(), Subject(build.settings_of(Recipe(shapes), "test", setup)) as subject:
        subject.ready(PATIENCE_S)
        smaps = Path(f"/proc/{subject.pid}/smaps").read_text(encoding="utf-8")
    flags = [line.split() for line in smaps.splitlines() if line.startswith("VmFlags:")]
    assert sum("nr" in words for words in flags) == 100


def test_the_command_measures_the_twin_beside_a_prediction_that_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run like any other, its level named by program and hash, a table, and the reason why nothing was predicted."""
    monkeypatch.setattr(command, "predict", lambda model, pid: Prediction(problem=f"{model}: no such run"))
    with process() as pid:
        words = ["--pid", str(pid), "--budget", "2", "--results", str(tmp_path), "--machine", "here", "--label", "twin"]
        ended_with = status("twin", *words, "--no-progress", "--model", "no-such-run")
        name = read_state(pid).name
    out, err = capsys.readouterr()
    *lines, last = out.splitlines()
    directory = Path(last)
    assert directory.parent == tmp_path / "here"
    assert directory.name.endswith("-twin")
    assert lines[0].startswith(f"process {pid} ({name}): a fork copies 2")
    assert "40 open files, 6 threads" in lines[0]
    # A busy machine leaves cells out of so small a budget, and the dearest is os.fork.
    measured = any(line.startswith("os.fork ") for line in lines)
    assert ended_with == (0 if measured else 1), err
    assert measured or any(line.startswith("WARNING: os.fork was not measured; raise --budget") for line in lines)
    assert "no prediction: no-such-run: no such run" in lines
    assert not any("changed" in line or "lacks" in line for line in lines)
    cells = rows(directory, schema.CELLS)
    assert {cell["scenario"] for cell in cells} == {"twin"}
    (level,) = {cell["level"] for cell in cells}
    assert level.startswith(f"{name}-")
    assert {cell["mechanism"] for cell in cells} <= set(command.MECHANISMS)
    assert all(row["threads"] == "6" for row in rows(directory, schema.SUBJECTS) if row["round"] != "-1")


def parse(*words: str) -> int:
    """Run the command in this process."""
    parser = ArgumentParser()
    command.add_options(parser)
    return command.run(parser.parse_args(words))


@pytest.mark.parametrize(
    ("resource", "most", "said"),
    [
        ("memory", 10.0 * MIB, "at most 10 MiB may be used (25% of the free memory)"),
        ("mappings", 20.0, "at most 20 mappings may be used (25% of the free memory)"),
        ("files", 5.0, "at most 5 files may be used (25% of the free memory)"),
        ("threads", 2.0, "5 threads; at most 2 threads may be used (25% of the free memory)"),
    ],
)
def test_what_is_not_there_is_refused_with_its_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, resource: str, most: float, said: str
) -> None:
    """Before any subject starts: what the twin takes, and what there is at most."""
    monkeypatch.setattr(limits, "read", lambda: Limits({resource: Limit(most, "25% of the free memory")}))
    monkeypatch.setattr(build, "Subject", None)
    with process() as pid, pytest.raises(UsageError) as caught:
        parse("--pid", str(pid), "--results", str(tmp_path))
    assert str(caught.value).startswith("a twin cannot be had here: twin=")
    assert str(caught.value).endswith(said)
    assert list(tmp_path.iterdir()) == []


def test_a_change_of_the_process_is_said() -> None:
    """Ten percent less memory before, or its end, is a change; nothing is said of a process that stays as it is."""
    with process() as pid:
        state = read_state(pid)
        assert command._changes(state, pid) == []
        less = replace(state.dose, copied_bytes=int((state.dose.copied_bytes or 0) * 0.9))
        (line,) = command._changes(replace(state, dose=less), pid)
    assert line.startswith("WARNING: it changed meanwhile: memory that fork copies: ")
    assert command._changes(state, pid) == [f"WARNING: it changed meanwhile: process {pid}: there is no such process"]


def test_what_no_twin_has_is_said() -> None:
    """Pages in swap and in reserved huge pages are named with their size."""
    with process() as pid:
        state = read_state(pid)
    assert command._not_built(state) == []
    reserved = replace(state.mappings[0], sizes={"Private_Hugetlb": 2 * MIB})
    lines = command._not_built(replace(state, mappings=[reserved], dose=replace(state.dose, swapped_bytes=3 * MIB)))
    assert lines == [
        "WARNING: the twin lacks what the process has in swap, which a fork copies too: 3.0 MiB",
        "WARNING: the twin lacks what the process has in reserved huge pages: 2.0 MiB",
    ]


def test_nobody_writes_its_level_by_hand() -> None:
    """As a scenario of a run it is refused, with the command that makes it."""
    with pytest.raises(PlanError, match=r"^twin=x: such a level is made by `python -m bench twin --pid`, not by hand$"):
        parse_scenarios(["twin=x"])


def test_a_twin_that_cannot_be_built_is_an_error_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the subject says is the reason."""
    monkeypatch.setattr(Recipe, "text", "threads many\n")
    with GUARD.on_watch(), pytest.raises(UsageError, match=r"^the twin cannot be built: .*ValueError"):
        build._look(Recipe(), "test", prepare())


if sys.platform != "linux":
    pytestmark.append(pytest.mark.skip(reason="needs Linux"))
