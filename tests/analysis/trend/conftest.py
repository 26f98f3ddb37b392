"""Turns a command line of `trend` into what it prints, for all tests of this folder."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.__main__ import main
from tests.analysis.trend.series_of_runs import Trended


@pytest.fixture
def trended(capsys: pytest.CaptureFixture[str]) -> Trended:
    """Gives the series that `python -m analysis trend … --format json` prints, by machine, mechanism and measure."""

    def call(*arguments: object) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["trend", *map(str, arguments), "--format", "json"]) == 0
        series = json.loads(capsys.readouterr().out)["series"]
        return {f"{one['machine']} {one['mechanism']} {one['measure']}": one for one in series}

    return call
