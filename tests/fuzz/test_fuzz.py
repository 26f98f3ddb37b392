"""Turns readers that fail in a known way into what the fuzzer says of them, and damaged files into one line each."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import LoadError
from tests.fuzz import __main__ as command
from tests.fuzz import readers, worker
from tests.fuzz.mutate import mutate_bytes, mutate_csv, mutate_json
from tests.fuzz.readers import LOADED, READERS, REFUSED, Reader
from tests.fuzz.worker import Result, fuzz


@pytest.fixture(scope="module", params=sorted(READERS))
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Each of the readers."""
    return READERS[request.param](tmp_path_factory.mktemp(request.param))


def test_valid_files_are_loaded(reader: Reader) -> None:
    """Without a mutation every file is read: what is refused is refused for what was changed."""
    for file, content in reader.contents().items():
        reader.read(file, content)


@settings(max_examples=100)
@given(number=st.integers(0, 2**60))
def test_a_damaged_file_is_read_or_refused_in_one_line(reader: Reader, number: int) -> None:
    """Whatever is changed in a valid file, its reader takes it or raises its one error with one short line."""
    assert reader.outcome(0, number) in (LOADED, REFUSED)


def test_the_same_numbers_give_the_same_input(reader: Reader) -> None:
    """An input that was found is made again from its seed and number, and others differ from it."""
    made = [reader.make(1, number) for number in range(20)]
    assert [reader.make(1, number) for number in range(20)] == made
    assert [reader.make(2, number) for number in range(20)] != made
    assert len(set(made)) > 15


@pytest.mark.parametrize("mutate", [mutate_bytes, mutate_csv, mutate_json])
def test_a_mutation_changes_something(mutate: object) -> None:
    """Nearly every mutation gives another file than before."""
    assert callable(mutate)
    content = b'{"a": [1, 2, {"b": "c"}], "d": {"e": 1.5}}' if mutate is mutate_json else b"a,b,c\n1,2,3\n4,5,6\n"
    same = content if mutate is not mutate_csv else content.replace(b"\n", b"\r\n")
    changed = [mutate(Random(number), content) not in (content, same) for number in range(100)]
    assert sum(changed) > 80


class Failing(Reader):
    """A reader that fails at four of its inputs, each in another way; built without a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def contents(self) -> Mapping[str, bytes]:
        """One file."""
        return {"x": b"x"}

    def make(self, seed: int, number: int) -> tuple[str, bytes]:
        """The number of the input."""
        return "x", str(number).encode()

    def read(self, file: str, content: bytes) -> None:
        """Fail as the number says."""
        number = int(content)
        if number == 1:
            raise LoadError("x: wrong; do something")
        if number == 2:
            raise LoadError("x: two\nlines")
        if number == 3:
            raise ZeroDivisionError("a bug")
        if number == 4:
            os._exit(9)
        if number == 5:
            time.sleep(600)  # is killed long before
        if number == 6:
            _ = bytearray(worker.MOST_BYTES)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Result:
    """What the fuzzer finds in `Failing`."""
    monkeypatch.setattr(worker, "READERS", {"failing": Failing})
    monkeypatch.setattr(worker, "CONTEXT", "fork")  # a fresh interpreter would not know of it
    return fuzz("failing", 8, 1, most_s=3.0)


def test_each_failure_is_found_and_the_rest_is_read(failing: Result) -> None:
    """A refusal of two lines, a traceback, a death, a hang and too much memory are each counted with their input."""
    assert (failing.inputs, failing.loads, failing.refusals) == (8, 2, 1)
    assert (failing.tracebacks, failing.hangs) == (4, 1)
    said = "\n".join(failing.failures)
    for number, what in (
        (2, "refused in other than one short line"),
        (3, "ZeroDivisionError: 'a bug'"),
        (4, "the process died (9)"),
        (5, "no end within 3 s"),
        (6, "MemoryError"),
    ):
        assert f"input {number}: {what}" in said
    assert failing.peak > 0


def test_the_command_counts_and_ends_with_1_for_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each reader; the exit status is 0 where all ended well, else 1 with the inputs that did not."""
    monkeypatch.setattr(worker, "CONTEXT", "fork")  # another way starts a process that stays until pytest ends
    assert command.main(["--inputs", "20", "--reader", "document", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("document  20 inputs: ")
    assert "0 tracebacks, 0 hangs, peak" in said
    monkeypatch.setattr(command, "fuzz", lambda *_: Result(1, tracebacks=1, failures=["input 0: it broke"]))
    assert command.main(["--inputs", "1", "--reader", "csv"]) == 1
    assert "  input 0: it broke\n" in capsys.readouterr().out


def test_a_worker_that_never_begins_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that cannot be built is no finding of any input."""
    monkeypatch.setattr(worker, "READERS", {})
    monkeypatch.setattr(worker, "CONTEXT", "fork")
    with pytest.raises(RuntimeError, match="did not come to input 0"):
        fuzz("none", 1, 1)


def test_every_reader_is_fuzzed() -> None:
    """Each kind of file that comes from elsewhere has its reader here."""
    assert set(READERS) == {"csv", "document", "pyperf"}
    assert readers.CsvReader.expected is LoadError
