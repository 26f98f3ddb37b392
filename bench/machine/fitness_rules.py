"""Turns readings of the machine into findings; pure, one function for each thing that is looked at.

``unfit`` means that no figure measured now could be trusted, the relative ones included. What moves absolute
figures only (a neighbour on the same host, a changing clock frequency) is a note: relative figures are taken
against a control in the same moment and process, which is what makes a shared virtual machine fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.machine.finding import Finding, note, ok, unfit

# CPUs that others keep busy, by CPU of the machine. A subject and its child need one CPU, the controller is idle
# meanwhile; with half of all CPUs taken the scheduler has no idle one left to move others to.
BUSY_NOTE, BUSY_UNFIT = 0.1, 0.5
# Share of the CPU time asked for that the hypervisor gave to others. Medians hold while fewer than half of the calls
# are hit; a fifth of the time, taken in slices of a few ms from blocks of some 20 ms, hits most blocks.
STEAL_NOTE, STEAL_UNFIT = 0.02, 0.2
# Reading these takes a system call and a bus access, 1 µs and more (Linux: Documentation/timers/timekeeping.rst).
SLOW_CLOCKS = ("acpi_pm", "hpet", "jiffies", "pit", "refined-jiffies")
CLOCK_RESOLUTION_S = 1e-6
# A run of the core mechanisms has some 20 processes at once, a standard one some 100, each with 3 pipes or files.
PROCESSES = (32, 256)
FILES = (64, 512)
MEMORY = (128 << 20, 2 << 30)
MIB = 1 << 20


@dataclass(frozen=True)
class Watched:
    """What a short look at the CPUs showed: `busy` CPUs used by others, and the `stolen` share of time asked for."""

    cpus: int
    busy: float
    stolen: float


def load(seen: Watched) -> Finding:
    """Whether other programs leave the measured process a CPU."""
    text = f"other programs use {seen.busy:.2f} of {seen.cpus} CPUs"
    remedy = "end other programs (see them with: top), or wait until they are done"
    if seen.busy > BUSY_UNFIT * seen.cpus:
        return unfit("load", text, remedy)
    return note("load", text, remedy) if seen.busy > BUSY_NOTE * seen.cpus else ok("load", text)


def steal(seen: Watched) -> Finding:
    """Whether the hypervisor gives the CPU time that is asked for."""
    text = f"{seen.stolen:.0%} of the CPU time asked for went to other guests of this host"
    if seen.stolen > STEAL_UNFIT:
        return unfit("steal", text, "measure at another time, or on a machine of your own")
    if seen.stolen > STEAL_NOTE:
        return note("steal", text, "trust relative figures rather than absolute ones here")
    return ok("steal", text)


def cpus(allowed: int) -> Finding:
    """Whether controller and subject have a CPU each."""
    if allowed == 1:
        return note("cpus", "one CPU: controller and subject share it", "measure on a machine with two or more CPUs")
    return ok("cpus", f"{allowed} CPUs may be used")


def quota(limit: float | None) -> Finding:
    """Whether a cgroup stops this process for a part of every period."""
    if limit is None:
        return ok("quota", "no quota of CPU time")
    text = f"a cgroup allows {limit:g} CPUs, and stops everything for the rest of each period once they are used up"
    remedy = "raise the container's CPU limit to 2 or more, or pin it to CPUs instead (docker: --cpuset-cpus)"
    if limit < 1:
        return unfit("quota", text, remedy)
    return note("quota", text, remedy) if limit < 2 else ok("quota", text)


def clock(source: str, resolution_s: float) -> Finding:
    """Whether reading the time is cheap and fine enough to stamp single calls."""
    text = f"clock source {source or 'unknown'}, resolution {resolution_s * 1e9:g} ns"
    if source in SLOW_CLOCKS or resolution_s > CLOCK_RESOLUTION_S:
        remedy = "boot with clocksource=tsc (add tsc=reliable where the kernel gave it up), or ask the host's operator"
        return unfit("clock", text, remedy)
    return ok("clock", text)


def _at_least(name: str, text: str, value: int, least: tuple[int, int], limit: str, remedy: str) -> Finding:
    """`least`: below the first value the machine is unfit, below the second the `limit` is to be known."""
    if value < least[0]:
        return unfit(name, text, remedy)
    return note(name, f"{text}; {limit}", remedy) if value < least[1] else ok(name, text)


def processes(room: int | None) -> Finding:
    """Whether enough processes may be started."""
    if room is None:
        return ok("processes", "no limit that matters")
    text, remedy = f"{room} more processes may be started", "raise `ulimit -u`, or the container's pids limit"
    return _at_least("processes", text, room, PROCESSES, "a standard run may need more", remedy)


def files(limit: int | None) -> Finding:
    """Whether enough files may be open: the controller has three for each subject."""
    if limit is None:
        return ok("files", "no limit that matters")
    text, remedy = f"{limit} files may be open at once", "raise it with: ulimit -n 1024"
    return _at_least("files", text, limit, FILES, "a standard run may need more", remedy)


def free_memory(size: int | None) -> Finding:
    """Whether subjects fit without anything being swapped or reclaimed."""
    if size is None:
        return ok("memory", "free memory is not known here")
    remedy = "end other programs, or raise the container's limit: the kernel reclaims pages where there are few"
    return _at_least("memory", f"{size // MIB} MiB are free", size, MEMORY, "large parents are left out", remedy)


def overcommit(mode: object) -> Finding:
    """Whether a large parent may fork at all."""
    if mode == 2:
        text = "overcommit is off (vm.overcommit_memory=2): a fork needs the whole parent's memory once more"
        return note("overcommit", text, "sysctl vm.overcommit_memory=0")
    return ok("overcommit", "a fork need not find the parent's memory free")


def huge_pages(mode: object) -> Finding:
    """Whether large allocations of a parent are in huge pages unasked, which makes its forks cheaper."""
    if mode == "always":
        text = "transparent huge pages are on for all: forks of large parents are cheaper than where they are not"
        return note(
            "huge pages",
            text,
            "nothing, if you deploy like this; else: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        )
    return ok("huge pages", f"transparent huge pages: {mode or 'none'}")


def boost(state: object) -> Finding:
    """Whether the clock frequency changes with heat and with what other cores do (what pyperf does not look at)."""
    if state == 1:
        return note(
            "boost", "the CPU's boost is on: its frequency moves", "echo 0 > /sys/devices/system/cpu/cpufreq/boost"
        )
    return ok("boost", "no boost that the kernel tells of")


def interpreter(flags: str | None, debug: bool) -> Finding:
    """Whether the Python behind this command is built as one that is used; `flags`: its configure arguments, if any."""
    remedy = "name the Python that you use with --python (make: PYTHON=)"
    sanitized = any(word in (flags or "") for word in ("-sanitizer", "-fsanitize", "--with-undefined-behavior"))
    if debug or sanitized:
        return unfit("interpreter", "this Python is a debug or sanitizer build", remedy)
    if flags is not None and "--enable-optimizations" not in flags:
        return note("interpreter", "this Python was built without --enable-optimizations", remedy)
    return ok("interpreter", "an optimised build")


def control(problem: str | None) -> Finding:
    """Whether there is a control, and with it relative latency; `problem` says why not, and the remedy after ``;``."""
    if problem:
        what, _, remedy = problem.partition("; ")
        return note("control", f"no relative latency: {what}", remedy or "measure on another system")
    return ok("control", "the C control is built, or can be")


def fork(present: bool) -> Finding:
    """Whether there is a fork at all."""
    if not present:
        return note("fork", "this system has no fork; what needs it is left out", "measure on Linux or macOS")
    return ok("fork", "this system has fork")
