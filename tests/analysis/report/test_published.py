"""The published run: its report is made again, byte for byte."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.figures import style
from tests import ROOT

_PICTURE = re.compile(r'base64,[^"]*')  # its bytes are those of one version of matplotlib


def test_the_published_report_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Summary, Markdown and page of the published run, which holds nothing to escape, stay as they are."""
    (run,) = ROOT.glob("results/*/20261124T084933Z")
    copy = tmp_path / run.parent.name / run.name
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("report", "summary.csv"))
    monkeypatch.setattr(style, "PNG_DPI", 30)  # no PNG is compared
    assert main(["report", str(copy)]) == 0
    for name in ("summary.csv", "report/report.md", "report/index.html"):
        made, published = (_PICTURE.sub("", (place / name).read_text(encoding="utf-8")) for place in (copy, run))
        assert made == published, name
