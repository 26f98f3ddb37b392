"""Text from a file or another program made harmless: what cannot be seen, or moves what can, is spelled out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.schema import SUBJECTS, SubjectRow, SubjectStatus, dump, parse
from bench.schema.visible import in_all_texts, visible, writable
from tests.fake_run import FakeRun, fake_document


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("os_fork µs – 3.11 “x” 漢 é 😀", "os_fork µs – 3.11 “x” 漢 é 😀"),
        (r"C:\x1b", r"C:\x1b"),
        ("\x1b[2J\a\x00\x7f", r"\x1b[2J\x07\x00\x7f"),
        ("a\tb\nc\rd\x0be\x0cf", "a b c d e f"),
        ("\x85\x9b31m\xa0\xad", r"\x85\x9b31m\xa0\xad"),
        ("\u202a\u202e\u2066\u2069\u200e\u200f\u061c", r"\u202a\u202e\u2066\u2069\u200e\u200f\u061c"),
        ("\u200b\u200d\u2060\ufeff\u2028\u2029", r"\u200b\u200d\u2060\ufeff\u2028\u2029"),
        ("\ud800\udfff\ufffe\uffff", r"\ud800\udfff\ufffe\uffff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_only_what_does_harm_is_spelled_out(text: str, shown: str) -> None:
    """Controls, directions, blanks without width and lone surrogates are spelled out, and a line end is a blank."""
    assert visible(text) == shown


def test_data_is_made_visible_in_every_place() -> None:
    """Keys and values of nested data are spelled out; what is no text stays."""
    data = {"a\x1b": [1, None, 2.5, True, "\u202e"], "b": {"\x00": "\x9b"}}
    assert in_all_texts(data, visible) == {r"a\x1b": [1, None, 2.5, True, r"\u202e"], "b": {r"\x00": r"\x9b"}}


def test_halves_of_pairs_can_be_written(tmp_path: Path) -> None:
    """A text that UTF-8 cannot hold is spelled out in CSV, is the same again in JSON, and other text stays."""
    assert writable("µ\udcff😀\x1b") == "µ\\udcff😀\x1b"
    row = SubjectRow(round=0, cell=0, status=SubjectStatus.ERROR, error="no \udcff", start_ns=1)
    assert "no \\udcff" in SUBJECTS.lines([row])
    document = fake_document(FakeRun(document={"true": "/\udcff"}))
    path = tmp_path / "run.json"
    path.write_text(dump(document), encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))["true"] == "/\udcff"
    assert parse(path.read_text(encoding="utf-8")).true == r"/\udcff"
