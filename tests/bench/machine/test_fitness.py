"""Turns states of a machine into findings: which make it unfit, and what each says to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.machine import fitness, fitness_rules, pyperf_checks
from bench.machine.finding import Finding, note, ok, unfit, unfit_lines
from bench.machine.fitness_rules import MIB, CpuActivity
from tests import ROOT

_QUIETLY = """
import sys
from bench.machine import fitness

def watch(event, arguments):
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec", "os.system"):
        raise RuntimeError(event)

sys.addaudithook(watch)
for finding in fitness.assess():
    print(finding.level, finding.name, finding.text, finding.remedy, sep="|")
"""


def test_this_machine_is_looked_at_without_starting_a_process() -> None:
    """All findings of this machine come without a process being started, each once, with a remedy unless it is fine."""
    done = subprocess.run([sys.executable, "-c", _QUIETLY], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines()]
    names = [name for _, name, _, _ in rows]
    assert len(set(names)) == len(names)
    assert {"load", "steal", "cpus", "quota", "clock", "memory", "processes", "files", "control"} <= set(names)
    for level, name, text, remedy in rows:
        assert text, name
        assert bool(remedy) == (level != "ok"), name


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (fitness_rules.load(CpuActivity(4, 0.0, 0.0)), "ok"),
        (fitness_rules.load(CpuActivity(4, 0.5, 0.0)), "note"),
        (fitness_rules.load(CpuActivity(4, 2.1, 0.0)), "unfit"),
        (fitness_rules.load(CpuActivity(1, 0.6, 0.0)), "unfit"),
        (fitness_rules.steal(CpuActivity(2, 0.0, 0.01)), "ok"),
        (fitness_rules.steal(CpuActivity(2, 0.0, 0.05)), "note"),
        (fitness_rules.steal(CpuActivity(2, 0.0, 0.3)), "unfit"),
        (fitness_rules.cpus(1), "note"),
        (fitness_rules.cpus(2), "ok"),
        (fitness_rules.quota(None), "ok"),
        (fitness_rules.quota(0.5), "unfit"),
        (fitness_rules.quota(1.5), "note"),
        (fitness_rules.quota(2.0), "ok"),
        (fitness_rules.clock("tsc", 1e-9), "ok"),
        (fitness_rules.clock("", 1e-7), "ok"),
        (fitness_rules.clock("hpet", 1e-9), "unfit"),
        (fitness_rules.clock("", 1e-3), "unfit"),
        (fitness_rules.processes(None), "ok"),
        (fitness_rules.processes(31), "unfit"),
        (fitness_rules.processes(32), "note"),
        (fitness_rules.processes(256), "ok"),
        (fitness_rules.files(None), "ok"),
        (fitness_rules.files(63), "unfit"),
        (fitness_rules.files(256), "note"),
        (fitness_rules.files(1024), "ok"),
        (fitness_rules.free_memory(None), "ok"),
        (fitness_rules.free_memory(100 * MIB), "unfit"),
        (fitness_rules.free_memory(1024 * MIB), "note"),
        (fitness_rules.free_memory(4096 * MIB), "ok"),
        (fitness_rules.overcommit(2), "note"),
        (fitness_rules.overcommit(0), "ok"),
        (fitness_rules.huge_pages("always"), "note"),
        (fitness_rules.huge_pages("madvise"), "ok"),
        (fitness_rules.huge_pages(None), "ok"),
        (fitness_rules.boost(1), "note"),
        (fitness_rules.boost(None), "ok"),
        (fitness_rules.interpreter(None, False), "ok"),
        (fitness_rules.interpreter("'--enable-optimizations' '--with-lto'", False), "ok"),
        (fitness_rules.interpreter("'--enable-shared'", False), "note"),
        (fitness_rules.interpreter("'--enable-optimizations' '--with-address-sanitizer'", False), "unfit"),
        (fitness_rules.interpreter("'--enable-optimizations'", True), "unfit"),
        (fitness_rules.fork(True), "ok"),
        (fitness_rules.fork(False), "note"),
        (fitness_rules.control(None), "ok"),
    ],
)
def test_what_makes_a_machine_unfit(finding: Finding, level: str) -> None:
    """Each reading is judged by its limits, and all but a good one has a remedy."""
    assert finding.level == level
    assert bool(finding.remedy) == (level != "ok")


def test_a_missing_compiler_comes_with_its_remedy() -> None:
    """Why there is no control is taken apart into what is missing and how to get it."""
    finding = fitness_rules.control(
        "no C compiler found; install gcc or clang (Debian: apt-get install gcc), or name finding in CC"
    )
    assert finding.level == "note"
    assert finding.text == "no relative latency: no C compiler found"
    assert finding.remedy.startswith("install gcc or clang")


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
    monkeypatch.setattr("bench.machine.fitness.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("bench.machine.fitness.time.process_time", lambda: next(cpu))
    activity = fitness.measure_cpu_activity(0.5)
    assert activity is not None
    assert activity.busy_cpus == pytest.approx(busy)
    assert activity.stolen_share == pytest.approx(stolen)


@pytest.mark.parametrize(
    ("findings", "status"), [([ok("a", "good"), note("b", "odd", "c")], 0), ([unfit("a", "b", "c")], 1)]
)
def test_the_command_says_all_and_fails_where_unfit(
    findings: list[Finding], status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` prints every finding with its remedy below, and has exit status 1 for an unfit machine only."""
    monkeypatch.setattr(fitness, "assess", lambda: findings)
    assert fitness.main() == status
    shown = capsys.readouterr().out.splitlines()
    for finding in findings:
        place = shown.index(f"{finding.level:<6}{finding.name}: {finding.text}")
        assert not finding.remedy or shown[place + 1] == f"      -> {finding.remedy}"
    assert ("unfit" in shown[-1]) == bool(status)


def test_only_what_is_unfit_goes_into_a_run() -> None:
    """A run's document holds unfit findings alone, each in a line with its remedy."""
    assert unfit_lines([ok("a", "b"), note("c", "d", "e"), unfit("f", "g", "h")]) == ["f: g; h"]


def test_a_pyperf_that_cannot_be_asked_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pyperf's inner checks are not as known, that is a note with the command to use instead."""
    monkeypatch.setattr("pyperf._system.System", None)
    (finding,) = pyperf_checks.run_checks()
    assert finding.level == "note"
    assert "python -m pyperf system show" in finding.remedy


def test_pyperf_is_asked_for_what_it_knows() -> None:
    """The names of pyperf's operations that are asked for exist in the pyperf that is installed."""
    from pyperf import _system

    assert [name for name in pyperf_checks.OPERATIONS if not hasattr(_system, name)] == []
