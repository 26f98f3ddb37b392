"""Words of other programs in what `bench` prints: letters, whatever they hold."""

from __future__ import annotations

from types import SimpleNamespace

import pyperf
import pytest

from bench import pyperf_suite
from bench.errors import UsageError
from bench.machine import fitness
from bench.machine.finding import unfit
from bench.measure import selftest
from bench.measure.certificate import at_most
from bench.plan import availability, cells, listing

pytestmark = pytest.mark.usefixtures("same_interpreters")
HOSTILE, SPELLED = "x\x1b[2J\u202e", r"x\x1b[2J\u202e"

Say = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def test_findings_of_the_machine_are_letters(capsys: Say, monkeypatch: Patch) -> None:
    """Texts of the kernel's files in a finding are spelled out."""
    monkeypatch.setattr(fitness, "assess", lambda: [unfit("load", HOSTILE, HOSTILE)])
    assert fitness.main() == 1
    assert capsys.readouterr().out.count(SPELLED) == 2


def test_lines_of_the_certificate_are_letters(capsys: Say, monkeypatch: Patch) -> None:
    """So are the findings above the certificate, and the text of a check."""
    monkeypatch.setattr(selftest, "assess", lambda: [unfit("load", HOSTILE, "end it")])
    monkeypatch.setattr(selftest, "measure", lambda *_: [at_most("a", 1, "1", 2, HOSTILE)])
    assert selftest.main("python", 30.0) == 0
    assert [line.count(SPELLED) for line in capsys.readouterr().out.splitlines()] == [1, 1, 0]


def test_the_list_of_mechanisms_is_letters(capsys: Say, monkeypatch: Patch) -> None:
    """What an interpreter says of itself, and why it cannot do something, is spelled out."""
    python = SimpleNamespace(label=HOSTILE, facts={"executable": HOSTILE}, missing={})
    monkeypatch.setattr(listing, "prepare", lambda pythons: SimpleNamespace(pythons=[python], resources=None))
    monkeypatch.setattr(availability, "why_unavailable", lambda *_: HOSTILE)
    monkeypatch.setattr(availability, "why_level_is_unavailable", lambda *_: "")
    assert listing.main(None) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Mechanisms, with Python {SPELLED} ({SPELLED}):"
    assert any(line.endswith(f"UNAVAILABLE: {SPELLED}") for line in said)
    assert not any("\x1b" in line for line in said)


@pytest.mark.parametrize(("error", "status"), [(UsageError(HOSTILE), 2), (RuntimeError(HOSTILE), 1)])
def test_errors_beside_pyperf_are_letters(error: Exception, status: int, capsys: Say, monkeypatch: Patch) -> None:
    """The line of an error spells out what it names."""

    def fail(_: object) -> list[str]:
        raise error

    monkeypatch.setattr(pyperf.Runner, "_created", set())
    monkeypatch.setattr(pyperf_suite, "_names", fail)
    assert pyperf_suite.main([]) == status
    assert capsys.readouterr().err == f"pyperf_suite: {SPELLED}\n"


def test_what_pyperf_cannot_measure_is_named_in_letters(capsys: Say, monkeypatch: Patch) -> None:
    """The reason why a cell is not measured is spelled out."""
    cell = SimpleNamespace(mechanism="noop", scenario="parent", level="bare", reason=HOSTILE)
    monkeypatch.setattr(pyperf.Runner, "_created", set())
    monkeypatch.setattr(cells, "make", lambda *_: ([], [cell]))
    assert pyperf_suite.main([]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"noop parent=bare: not measured: {SPELLED}"
