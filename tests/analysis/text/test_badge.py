"""The badge of a gate: one SVG that is escaped, can be read out, and tells how the gate ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis.__main__ import main
from analysis.text.badge import GREEN, badge
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run


def test_texts_are_escaped_and_read_out() -> None:
    """Markup and quotes in a text stay text, what cannot be seen is spelled out, and a reader is told all of it."""
    root = ElementTree.fromstring(badge('<a b="c">&', "\x1b]]>", GREEN))
    assert root.attrib["aria-label"] == '<a b="c">&: \\x1b]]>'
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ['<a b="c">&', "\\x1b]]>"]


def test_the_badge_of_a_gate_says_how_it_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slower cell is counted on it, and a gate that holds says so; without a gate it is wrong usage."""
    cell = FakeCell(calls=8, blocks=2)
    runs = [
        str(
            write_run(
                tmp_path,
                FakeRun(
                    [replace(cell, total_ns=120_000.0 * factor)],
                    rounds=8,
                    noise=QUIET,
                    run=f"20261124T{number:02}0000Z",
                ),
            )
        )
        for number, factor in enumerate((1.0, 1.1))
    ]
    file = tmp_path / "badge.svg"
    for order, status, said in ((runs, 1, "1 slower by over 5 %"), (runs[::-1], 0, "none slower by over 5 %")):
        assert main(["compare", *order, "--fail-on-slower", "5", "--badge", str(file)]) == status
        assert ElementTree.fromstring(file.read_text()).attrib["aria-label"] == f"process start: {said}"
    capsys.readouterr()
    assert main(["compare", *runs, "--badge", str(file)]) == 2
    assert "--fail-on-slower" in capsys.readouterr().err
    assert main(["compare", *runs, "--fail-on-slower", "5", "--badge", str(tmp_path / "no" / "x.svg")]) == 2
