"""Turns a command line of `compare` into what it prints, for all tests of this folder."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.__main__ import main
from tests.analysis.compare.quiet_runs import Compare, Refuse


@pytest.fixture
def compared(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Gives what `python -m analysis compare … --format json` prints."""

    def call(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["compare", *map(str, arguments), "--format", "json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return call


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Gives the line with which `compare` refuses what it was given."""

    def call(*arguments: object) -> str:
        capsys.readouterr()
        assert main(["compare", *map(str, arguments)]) == 2
        text = capsys.readouterr()
        assert text.out == ""
        return text.err.removeprefix("analysis compare: ").rstrip("\n")

    return call
