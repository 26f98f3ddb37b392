"""Turns the state of this machine into findings: is it fit to measure on, and what would make it so?"""

from __future__ import annotations

import os
import sys
import sysconfig
import time

from bench.machine import control_build, facts, fitness_rules, memory, pyperf_checks, virtualisation
from bench.machine.finding import Finding, lines, note, unfit_lines
from bench.machine.fitness_rules import Watched

__all__ = ["Finding", "findings", "main", "unfit_lines", "watch"]

# Long enough for ticks of 10 ms to tell the limits of `fitness_rules` apart, short enough for every run to afford.
WATCH_S = 0.25
UNSEEN = "what other programs do cannot be read here"


def watch(seconds: float = WATCH_S) -> Watched | None:
    """Keep one CPU busy for `seconds`, and see what else was done: an idle guest cannot tell that it is robbed.

    None where the system does not tell, such as without /proc.
    """
    import psutil

    def read() -> tuple[float, float]:
        times = psutil.cpu_times()._asdict()
        used = sum(times.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        return used, times.get("steal", 0.0)

    try:
        busy, stolen, own, began = *read(), time.process_time(), time.perf_counter()
    except OSError:
        return None
    while time.perf_counter() < began + seconds:
        pass
    wall, own = time.perf_counter() - began, time.process_time() - own
    busy_after, stolen_after = read()
    busy, stolen = busy_after - busy, stolen_after - stolen
    return Watched(os.cpu_count() or 1, max(0.0, busy - own) / wall, stolen / max(busy + stolen, own, 1e-9))


def process_room() -> int | None:
    """Processes that may still be started: by the user's limit (root has none) and the cgroup's; None: no limit."""
    rooms = [room for room in (virtualisation.pids_room(), _user_room()) if room is not None]
    return min(rooms) if rooms else None


def _user_room() -> int | None:
    limit = _limit("RLIMIT_NPROC")
    if limit is None or os.geteuid() == 0:
        return None
    import psutil

    try:
        processes = list(psutil.process_iter(["uids"]))
    except OSError:
        return None
    owners = (process.info["uids"] for process in processes)
    own = sum(1 for owner in owners if owner is not None and owner.real == os.getuid())
    return limit - own


def _limit(name: str) -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    if not hasattr(resource, name):
        return None
    soft: int = resource.getrlimit(getattr(resource, name))[0]
    return None if soft == resource.RLIM_INFINITY else soft


def control_problem() -> str | None:
    """Why there is no control here, with the remedy; None: it is built already, or can be."""
    return None if control_build.SOURCE.with_name(control_build.NAME).is_file() else control_build.compiler_problem()


def findings() -> list[Finding]:
    """All findings, in about a third of a second; nothing is changed and no process is started."""
    settings, limits, seen = facts.settings(), virtualisation.cgroup_limits(), watch()
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    resolution_s = time.get_clock_info("perf_counter").resolution
    return [
        *([fitness_rules.load(seen), fitness_rules.steal(seen)] if seen else [note("load", UNSEEN, "mount /proc")]),
        fitness_rules.cpus(allowed),
        fitness_rules.quota(limits.get("cpus")),
        fitness_rules.clock(str(settings.get("clocksource", "")), resolution_s),
        fitness_rules.boost(settings.get("boost")),
        fitness_rules.free_memory(memory.available()),
        fitness_rules.overcommit(settings.get("overcommit_memory")),
        fitness_rules.huge_pages(settings.get("thp")),
        fitness_rules.processes(process_room()),
        fitness_rules.files(_limit("RLIMIT_NOFILE")),
        fitness_rules.fork(hasattr(os, "fork")),
        fitness_rules.control(control_problem()),
        fitness_rules.interpreter(sysconfig.get_config_var("CONFIG_ARGS"), hasattr(sys, "gettotalrefcount")),
        *pyperf_checks.findings(),
    ]


def main() -> int:
    """Print every finding with its remedy; 0: fit, 1: unfit."""
    found = findings()
    for line in lines(found):
        print(line)
    bad = len(unfit_lines(found))
    print(f"unfit: {bad} finding{'s' * (bad > 1)} above" if bad else "this machine is fit to measure on")
    return 1 if bad else 0
