"""Holds what a subject is started with: the same words and the same environment on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.driver import launch
from bench.driver.launch import Settings
from bench.driver.process import Subject
from tests.engine import PATIENCE_S, needs_fork, needs_proc, settings, unchanged


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors and children that it began with."""
    with unchanged():
        yield


def test_every_setting_is_one_word() -> None:
    """Settings that say something become NAME=VALUE behind the interpreter's flags; others leave no word."""
    full = Settings(
        "/python", "m:n", "c:d", ("s:t=64", "s:u=a=b"), verified=True, cpu=0, allowed_cpus=(0, 1),
        true_program="/bin/true", control_folder="/control", module_path="/a:/b", padding=3,
    )  # fmt: skip
    words = full.command()
    assert words[:4] == ["/python", "-E", "-s", "-S"]
    assert Path(words[4]) == launch.SUBJECT_FOLDER / "__main__.py"
    assert words[5:] == [
        *("scenario=s:t=64", "scenario=s:u=a=b"),
        *("mechanism=m:n", "control_mechanism=c:d", "verified=yes", "cpu=0", "true_program=/bin/true"),
        *("control_folder=/control", "module_path=/a:/b", "padding=xxx"),
    ]
    assert Settings("/python", "m:n").command()[5:] == ["mechanism=m:n"]


@needs_fork
@needs_proc
def test_a_subject_has_no_variable_but_those_that_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a shell or a virtual environment sets does not get into the measured process, nor into its children."""
    for name in ("SECRET_TOKEN", "PYTHONPATH", "PYTHONHASHSEED", "VIRTUAL_ENV", "OLDPWD"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Subject(settings("noop")) as subject:
        subject.ready(PATIENCE_S)
        block = Path(f"/proc/{subject.pid}/environ").read_bytes()
    variables = dict(line.split("=", 1) for line in block.decode().split("\0") if line)
    assert set(variables) <= set(launch.KEPT_VARIABLES)
    assert variables["TMPDIR"] == str(tmp_path)
    assert variables["PATH"] == os.environ["PATH"]


@needs_fork
@needs_proc
def test_padding_makes_what_a_subject_holds_longer_by_as_much() -> None:
    """The words of a subject with a padding of 100 are 100 bytes longer, and the word's name."""
    sizes = []
    for padding in (0, 100):
        with Subject(settings("noop", padding=padding)) as subject:
            subject.ready(PATIENCE_S)
            sizes.append(len(Path(f"/proc/{subject.pid}/cmdline").read_bytes()))
    assert sizes[1] - sizes[0] == len("padding=\0") + 100
