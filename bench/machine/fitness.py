"""Turns the state of this machine into findings: is it fit to measure on, and what would make it fit?"""

from __future__ import annotations

import os
import sys
import sysconfig
import time

from bench.machine import control_build, control_groups, facts, fitness_rules, memory, pyperf_checks
from bench.machine.finding import Finding, lines, note, unfit_lines
from bench.machine.fitness_rules import CpuActivity
from bench.schema.visible import visible

__all__ = ["Finding", "assess", "main", "measure_cpu_activity", "unfit_lines"]

# Ticks of 10 ms can tell the limits of `fitness_rules` apart in this time, and every run can afford it.
ACTIVITY_S = 0.25
ACTIVITY_UNKNOWN = "what other programs do cannot be read here"


def measure_cpu_activity(seconds: float = ACTIVITY_S) -> CpuActivity | None:
    """Keep one CPU busy for `seconds`, and read what other programs and other guests used meanwhile.

    An idle guest cannot see that the hypervisor takes CPU time away. None where the system does not say,
    such as without /proc.
    """
    import psutil

    def read() -> tuple[float, float]:
        times = psutil.cpu_times()._asdict()
        used = sum(times.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return used, times.get("steal", 0.0)

    try:
        busy_before, stolen_before = read()
    except OSError:
        return None
    own_before, began = time.process_time(), time.perf_counter()
    while time.perf_counter() < began + seconds:
        pass
    wall, own = time.perf_counter() - began, time.process_time() - own_before
    busy_after, stolen_after = read()
    busy, stolen = busy_after - busy_before, stolen_after - stolen_before
    return CpuActivity(os.cpu_count() or 1, max(0.0, busy - own) / wall, stolen / max(busy + stolen, own, 1e-9))


def processes_left() -> int | None:
    """Processes that the user's limit (root has none) and the control groups still allow; None: no limit."""
    counts = [count for count in (control_groups.processes_left(), _processes_left_to_user()) if count is not None]
    return min(counts) if counts else None


def _processes_left_to_user() -> int | None:
    limit = _limit("RLIMIT_NPROC")
    if limit is None or os.geteuid() == 0:
        return None
    import psutil

    try:
        processes = list(psutil.process_iter(["uids"]))
    except OSError:
        return None
    owners = (process.info["uids"] for process in processes)
    own_count = sum(1 for owner in owners if owner is not None and owner.real == os.getuid())
    return limit - own_count


def _limit(name: str) -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    if not hasattr(resource, name):
        return None
    soft: int = resource.getrlimit(getattr(resource, name))[0]
    return None if soft == resource.RLIM_INFINITY else soft


def why_no_control() -> str | None:
    """Why there is no control here, with the remedy; None: it is built, or can be built."""
    return (
        None
        if control_build.SOURCE.with_name(control_build.EXTENSION_NAME).is_file()
        else control_build.compiler_problem()
    )


def assess() -> list[Finding]:
    """All findings, in about a third of a second. Nothing is changed, and no process is started."""
    settings, limits, activity = facts.settings(), control_groups.limits(), measure_cpu_activity()
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    resolution_s = time.get_clock_info("perf_counter").resolution
    return [
        *(
            [fitness_rules.load(activity), fitness_rules.steal(activity)]
            if activity
            else [note("load", ACTIVITY_UNKNOWN, "mount /proc")]
        ),
        fitness_rules.cpus(allowed),
        fitness_rules.quota(limits.get("cpus")),
        fitness_rules.clock(str(settings.get("clocksource", "")), resolution_s),
        fitness_rules.boost(settings.get("boost")),
        fitness_rules.free_memory(memory.available()),
        fitness_rules.overcommit(settings.get("overcommit_memory")),
        fitness_rules.huge_pages(settings.get("thp")),
        fitness_rules.processes(processes_left()),
        fitness_rules.files(_limit("RLIMIT_NOFILE")),
        fitness_rules.fork(hasattr(os, "fork")),
        fitness_rules.control(why_no_control()),
        fitness_rules.interpreter(sysconfig.get_config_var("CONFIG_ARGS"), hasattr(sys, "gettotalrefcount")),
        *pyperf_checks.run_checks(),
    ]


def main() -> int:
    """Print every finding with its remedy; 0: fit, 1: unfit."""
    findings = assess()
    for line in lines(findings):
        print(visible(line))
    unfit = len(unfit_lines(findings))
    print(f"unfit: {unfit} finding{'s' * (unfit > 1)} above" if unfit else "this machine is fit to measure on")
    return 1 if unfit else 0
