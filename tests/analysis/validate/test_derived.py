"""Derived files of a contributed run: what does not follow from the raw files is named."""

from __future__ import annotations

import gzip
from pathlib import Path

from analysis.validate.check import check_run

DERIVED = (
    *("pyperf.json.gz", "report/calls.svg", "report/index.html", "report/mechanisms.png", "report/report.md"),
    "summary.csv",
)


def test_derived_files_are_made_again(run: Path) -> None:
    """A derived file with something more in it does not follow from the raw files; a figure of no run is named."""
    for name in DERIVED:
        path = run / name
        path.write_bytes(path.read_bytes() + b"<script>")
    (run / "report" / "mine.svg").write_text("<svg/>")
    found = {finding.file: finding.what for finding in check_run(run)}
    assert set(found) == {*DERIVED, "report/mine.svg"}
    assert all("follow" in found[name] or "damaged" in found[name] for name in DERIVED)


def test_derived_files_have_to_be_there(run: Path) -> None:
    """Each derived file that is missing is named, and so is an archive that expands without end."""
    for name in DERIVED[1:]:
        (run / name).unlink()
    (run / "pyperf.json.gz").write_bytes(gzip.compress(b"[" * (65 << 20), 1))
    found = {finding.file: finding.what for finding in check_run(run)}
    assert set(found) == set(DERIVED), found
    assert all(found[name].startswith("missing") for name in DERIVED[1:])


def test_a_report_is_of_its_run_alone(run: Path) -> None:
    """A run stays valid when a later run of its machine comes beside it, which its report does not show."""
    later = run.parent / "20261124T050000Z"
    later.mkdir()
    for path in run.iterdir():
        if path.is_file():
            text = path.read_bytes()
            later.joinpath(path.name).write_bytes(text.replace(run.name.encode(), later.name.encode()))
    assert check_run(run) == []
