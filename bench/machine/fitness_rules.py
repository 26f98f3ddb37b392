"""Turns readings of the machine into findings. Each check is one pure function.

``unfit`` means that no figure measured now can be trusted, not even a relative one. What moves only absolute
figures (other guests on the same host, a changing clock frequency) is a note: a relative figure has its control
in the same process at the same time. That is why a shared virtual machine can be fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.machine.finding import Finding, note, ok, unfit

# CPUs that other programs keep busy, as a share of all CPUs. A subject and its child need one CPU, and the
# controller is idle meanwhile. With half of all CPUs taken, the scheduler has no idle CPU to move other programs to.
BUSY_NOTE, BUSY_UNFIT = 0.1, 0.5
# Share of the CPU time asked for that the hypervisor gave to other guests. Medians hold while fewer than half of
# the calls are hit. A fifth of the time, in slices of a few ms, hits most blocks of some 20 ms.
STEAL_NOTE, STEAL_UNFIT = 0.02, 0.2
# To read these takes a system call and a bus access, 1 µs and more (Linux: Documentation/timers/timekeeping.rst).
SLOW_CLOCKS = ("acpi_pm", "hpet", "jiffies", "pit", "refined-jiffies")
CLOCK_RESOLUTION_S = 1e-6
# A run of the core mechanisms has some 20 processes at once, a standard one some 100, each with 3 pipes or files.
PROCESSES = (32, 256)
FILES = (64, 512)
MEMORY = (128 << 20, 2 << 30)
MIB = 1 << 20


@dataclass(frozen=True)
class CpuActivity:
    """CPUs that other programs keep busy, and the share of the CPU time asked for that the hypervisor kept."""

    cpu_count: int
    busy_cpus: float
    stolen_share: float


def load(activity: CpuActivity) -> Finding:
    """Whether other programs leave the measured process a CPU."""
    text = f"other programs use {activity.busy_cpus:.2f} of {activity.cpu_count} CPUs"
    remedy = "end other programs (see them with: top), or wait until they are done"
    if activity.busy_cpus > BUSY_UNFIT * activity.cpu_count:
        return unfit("load", text, remedy)
    return note("load", text, remedy) if activity.busy_cpus > BUSY_NOTE * activity.cpu_count else ok("load", text)


def steal(activity: CpuActivity) -> Finding:
    """Whether the hypervisor gives the CPU time that this machine asks for."""
    text = f"{activity.stolen_share:.0%} of the CPU time asked for went to other guests of this host"
    if activity.stolen_share > STEAL_UNFIT:
        return unfit("steal", text, "measure at another time, or on a machine of your own")
    if activity.stolen_share > STEAL_NOTE:
        return note("steal", text, "trust relative figures rather than absolute ones here")
    return ok("steal", text)


def cpus(allowed: int) -> Finding:
    """Whether controller and subject each have a CPU."""
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
    """Whether the clock is fast and fine enough to stamp single calls."""
    text = f"clock source {source or 'unknown'}, resolution {resolution_s * 1e9:g} ns"
    if source in SLOW_CLOCKS or resolution_s > CLOCK_RESOLUTION_S:
        remedy = "boot with clocksource=tsc (add tsc=reliable where the kernel gave it up), or ask the host's operator"
        return unfit("clock", text, remedy)
    return ok("clock", text)


def _at_least(name: str, text: str, value: int, least: tuple[int, int], limit: str, remedy: str) -> Finding:
    """Unfit below the first value of `least`; below the second value a note, which names the `limit`."""
    if value < least[0]:
        return unfit(name, text, remedy)
    return note(name, f"{text}; {limit}", remedy) if value < least[1] else ok(name, text)


def processes(left: int | None) -> Finding:
    """Whether enough processes may be started."""
    if left is None:
        return ok("processes", "no limit that matters")
    text, remedy = f"{left} more processes may be started", "raise `ulimit -u`, or the container's pids limit"
    return _at_least("processes", text, left, PROCESSES, "a standard run may need more", remedy)


def files(limit: int | None) -> Finding:
    """Whether enough files may be open: the controller has three for each subject."""
    if limit is None:
        return ok("files", "no limit that matters")
    text, remedy = f"{limit} files may be open at once", "raise it with: ulimit -n 1024"
    return _at_least("files", text, limit, FILES, "a standard run may need more", remedy)


def free_memory(size: int | None) -> Finding:
    """Whether subjects fit into memory, so that nothing is swapped or reclaimed."""
    if size is None:
        return ok("memory", "free memory is not known here")
    remedy = "end other programs, or raise the container's limit: the kernel reclaims pages where there are few"
    return _at_least("memory", f"{size // MIB} MiB are free", size, MEMORY, "large parents are left out", remedy)


def overcommit(mode: object) -> Finding:
    """Whether a large parent can fork at all."""
    if mode == 2:
        text = "overcommit is off (vm.overcommit_memory=2): a fork needs the whole parent's memory once more"
        return note("overcommit", text, "sysctl vm.overcommit_memory=0")
    return ok("overcommit", "a fork need not find the parent's memory free")


def huge_pages(mode: object) -> Finding:
    """Whether a parent gets huge pages without asking for them, which makes its forks cheaper."""
    if mode == "always":
        text = "transparent huge pages are on for all: forks of large parents are cheaper than where they are not"
        return note(
            "huge pages",
            text,
            "nothing, if you deploy like this; else: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        )
    return ok("huge pages", f"transparent huge pages: {mode or 'none'}")


def boost(state: object) -> Finding:
    """Whether the clock frequency changes with heat and with the load of other cores (pyperf does not check this)."""
    if state == 1:
        return note(
            "boost", "the CPU's boost is on: its frequency moves", "echo 0 > /sys/devices/system/cpu/cpufreq/boost"
        )
    return ok("boost", "no boost that the kernel tells of")


def interpreter(flags: str | None, debug: bool) -> Finding:
    """Whether this Python is built for use, not for debugging. `flags` are its configure arguments, if known."""
    remedy = "name the Python that you use with --python (make: PYTHON=)"
    sanitized = any(word in (flags or "") for word in ("-sanitizer", "-fsanitize", "--with-undefined-behavior"))
    if debug or sanitized:
        return unfit("interpreter", "this Python is a debug or sanitizer build", remedy)
    if flags is not None and "--enable-optimizations" not in flags:
        return note("interpreter", "this Python was built without --enable-optimizations", remedy)
    return ok("interpreter", "an optimised build")


def control(problem: str | None) -> Finding:
    """Whether there is a control, and so relative latency. `problem` is the reason, then ``; `` and the remedy."""
    if problem:
        reason, _, remedy = problem.partition("; ")
        return note("control", f"no relative latency: {reason}", remedy or "measure on another system")
    return ok("control", "the C control is built, or can be")


def fork(present: bool) -> Finding:
    """Whether there is a fork at all."""
    if not present:
        return note("fork", "this system has no fork; what needs it is left out", "measure on Linux or macOS")
    return ok("fork", "this system has fork")
