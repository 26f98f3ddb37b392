"""Turns states of a machine into findings: which make it unfit, and what each says to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import check, judge, tuning
from bench.findings import Finding, note, ok, unfit, unfit_lines
from bench.judge import MIB, Watched

ROOT = Path(__file__).resolve().parent.parent

_QUIETLY = """
import sys
from bench import check

def watch(event, arguments):
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec", "os.system"):
        raise RuntimeError(event)

sys.addaudithook(watch)
for one in check.findings():
    print(one.level, one.name, one.text, one.remedy, sep="|")
"""


def test_this_machine_is_looked_at_without_starting_a_process() -> None:
    """All findings of this machine come without a process being started, each once, with a remedy unless it is fine."""
    done = subprocess.run([sys.executable, "-c", _QUIETLY], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [line.split("|") for line in done.stdout.splitlines()]
    names = [name for _, name, _, _ in found]
    assert len(set(names)) == len(names)
    assert {"load", "steal", "cpus", "quota", "clock", "memory", "processes", "files", "control"} <= set(names)
    for level, name, text, remedy in found:
        assert text, name
        assert bool(remedy) == (level != "ok"), name


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (judge.load(Watched(4, 0.0, 0.0)), "ok"),
        (judge.load(Watched(4, 0.5, 0.0)), "note"),
        (judge.load(Watched(4, 2.1, 0.0)), "unfit"),
        (judge.load(Watched(1, 0.6, 0.0)), "unfit"),
        (judge.steal(Watched(2, 0.0, 0.01)), "ok"),
        (judge.steal(Watched(2, 0.0, 0.05)), "note"),
        (judge.steal(Watched(2, 0.0, 0.3)), "unfit"),
        (judge.cpus(1), "note"),
        (judge.cpus(2), "ok"),
        (judge.quota(None), "ok"),
        (judge.quota(0.5), "unfit"),
        (judge.quota(1.5), "note"),
        (judge.quota(2.0), "ok"),
        (judge.clock("tsc", 1e-9), "ok"),
        (judge.clock("", 1e-7), "ok"),
        (judge.clock("hpet", 1e-9), "unfit"),
        (judge.clock("", 1e-3), "unfit"),
        (judge.processes(None), "ok"),
        (judge.processes(31), "unfit"),
        (judge.processes(32), "note"),
        (judge.processes(256), "ok"),
        (judge.files(None), "ok"),
        (judge.files(63), "unfit"),
        (judge.files(256), "note"),
        (judge.files(1024), "ok"),
        (judge.free_memory(None), "ok"),
        (judge.free_memory(100 * MIB), "unfit"),
        (judge.free_memory(1024 * MIB), "note"),
        (judge.free_memory(4096 * MIB), "ok"),
        (judge.overcommit(2), "note"),
        (judge.overcommit(0), "ok"),
        (judge.huge_pages("always"), "note"),
        (judge.huge_pages("madvise"), "ok"),
        (judge.huge_pages(None), "ok"),
        (judge.boost(1), "note"),
        (judge.boost(None), "ok"),
        (judge.interpreter(None, False), "ok"),
        (judge.interpreter("'--enable-optimizations' '--with-lto'", False), "ok"),
        (judge.interpreter("'--enable-shared'", False), "note"),
        (judge.interpreter("'--enable-optimizations' '--with-address-sanitizer'", False), "unfit"),
        (judge.interpreter("'--enable-optimizations'", True), "unfit"),
        (judge.fork(True), "ok"),
        (judge.fork(False), "note"),
        (judge.control(None), "ok"),
    ],
)
def test_what_makes_a_machine_unfit(finding: Finding, level: str) -> None:
    """Each reading is judged by its limits, and all but a good one has a remedy."""
    assert finding.level == level
    assert bool(finding.remedy) == (level != "ok")


def test_a_missing_compiler_comes_with_its_remedy() -> None:
    """Why there is no control is taken apart into what is missing and how to get it."""
    found = judge.control("no C compiler found; install gcc or clang (Debian: apt-get install gcc), or name one in CC")
    assert found.level == "note"
    assert found.text == "no relative latency: no C compiler found"
    assert found.remedy.startswith("install gcc or clang")


@pytest.mark.parametrize(("times", "busy", "stolen"), [((0.0, 0.0), 0.0, 0.0), ((1.5, 0.5), 1.0, 0.25)])
def test_others_are_told_from_oneself(
    times: tuple[float, float], busy: float, stolen: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the CPU time that was used, what this process used is taken off; what was stolen is a share of all."""

    class Times:
        """CPU times as psutil has them, `done` s of work and `robbed` s of steal later than the first reading."""

        def __init__(self, done: float, robbed: float) -> None:
            self.values = {"user": 10.0 + done, "idle": 50.0, "steal": 1.0 + robbed}

        def _asdict(self) -> dict[str, float]:
            return self.values

    own = 0.5
    readings = iter([Times(0, 0), Times(own + times[0] - 0.5 * bool(times[0]), times[1])])
    clock, cpu = iter([0.0, 1.0, 1.0]), iter([0.0, own])
    monkeypatch.setattr("psutil.cpu_times", lambda: next(readings))
    monkeypatch.setattr("bench.check.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("bench.check.time.process_time", lambda: next(cpu))
    seen = check.watch(0.5)
    assert seen is not None
    assert seen.busy == pytest.approx(busy)
    assert seen.stolen == pytest.approx(stolen)


@pytest.mark.parametrize(
    ("found", "status"), [([ok("a", "good"), note("b", "odd", "c")], 0), ([unfit("a", "b", "c")], 1)]
)
def test_the_command_says_all_and_fails_where_unfit(
    found: list[Finding], status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` prints every finding with its remedy below, and has exit status 1 for an unfit machine only."""
    monkeypatch.setattr(check, "findings", lambda: found)
    assert check.main() == status
    shown = capsys.readouterr().out.splitlines()
    for one in found:
        place = shown.index(f"{one.level:<6}{one.name}: {one.text}")
        assert not one.remedy or shown[place + 1] == f"      -> {one.remedy}"
    assert ("unfit" in shown[-1]) == bool(status)


def test_only_what_is_unfit_goes_into_a_run() -> None:
    """A run's document holds unfit findings alone, each in a line with its remedy."""
    assert unfit_lines([ok("a", "b"), note("c", "d", "e"), unfit("f", "g", "h")]) == ["f: g; h"]


def test_a_pyperf_that_cannot_be_asked_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pyperf's inner checks are not as known, that is a note with the command to use instead."""
    monkeypatch.setattr("pyperf._system.System", None)
    (found,) = tuning.findings()
    assert found.level == "note"
    assert "python -m pyperf system show" in found.remedy


def test_pyperf_is_asked_for_what_it_knows() -> None:
    """The names of pyperf's operations that are asked for exist in the pyperf that is installed."""
    from pyperf import _system

    assert [name for name in tuning.OPERATIONS if not hasattr(_system, name)] == []
