"""Turns the machine into flat facts, its momentary state into numbers, and both into a name for its results.

What is not to be found on a system is absent. Nothing here names a person, a host or a path of a user.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.machine import virtualisation
from bench.machine.kernel_files import keyed, number, read

# Of pyperf's metadata: what names somebody, what is of the moment (see `state`), and what is of the
# controller's interpreter, which is not the measured one.
_NOT_OF_THE_MACHINE = re.compile(
    r"hostname|boot_time|uptime|date|load_|runnable_|cpu_freq|cpu_temp|python_|mem_max_|unit"
)

_KERNEL_SETTINGS = {
    "overcommit_memory": "/proc/sys/vm/overcommit_memory",
    "overcommit_ratio": "/proc/sys/vm/overcommit_ratio",
    "swappiness": "/proc/sys/vm/swappiness",
    "max_map_count": "/proc/sys/vm/max_map_count",
    "pid_max": "/proc/sys/kernel/pid_max",
    "threads_max": "/proc/sys/kernel/threads-max",
    "perf_event_paranoid": "/proc/sys/kernel/perf_event_paranoid",
    "autogroup": "/proc/sys/kernel/sched_autogroup_enabled",
    "clocksource": "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "clocksources": "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "smt": "/sys/devices/system/cpu/smt/control",
    "governor": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "boost": "/sys/devices/system/cpu/cpufreq/boost",
    "no_turbo": "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "max_khz": "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
}
# Settings that list all values, the one in force in brackets.
_CHOICES = {
    "thp": "/sys/kernel/mm/transparent_hugepage/enabled",
    "thp_defrag": "/sys/kernel/mm/transparent_hugepage/defrag",
    "thp_shmem": "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
    "preemption": "/sys/kernel/debug/sched/preempt",
}
_LIMITS = {"nproc": "RLIMIT_NPROC", "nofile": "RLIMIT_NOFILE", "as": "RLIMIT_AS", "stack": "RLIMIT_STACK"}
_STABLE = ("cpu_model", "cpu_id", "cpu_count", "architecture", "system", "virtualisation", "container")


def collect() -> dict[str, object]:
    """What stays as it is while a run lasts: a flat dict of str, int and float. Sizes are bytes.

    pyperf's metadata come under pyperf's names; all else is described by the files it is read from.
    """
    found: dict[str, object] = {**_cpu_facts(), **_system_facts(), **_pyperf_facts()}
    found |= settings()
    found |= _limits()
    found |= {f"cgroup_{name}": value for name, value in virtualisation.cgroup_limits().items()}
    found |= virtualisation.kinds(str(found.get("kernel", "")))
    for file in sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*")):
        if (text := read(file)) and text != "Not affected":
            found[f"mitigation_{file.name}"] = text
    return found


def settings() -> dict[str, int | str]:
    """The part of `collect` that is a setting of the kernel, read in about a millisecond."""
    found: dict[str, int | str] = {}
    for name, path in _KERNEL_SETTINGS.items():
        if text := read(path):
            found[name] = int(text) if text.removeprefix("-").isdecimal() else text
    return found | {name: match[1] for name, path in _CHOICES.items() if (match := re.search(r"\[(\S+)\]", read(path)))}


def state() -> dict[str, object]:
    """What changes while a run lasts, read before and after it: load, CPU ticks since boot, memory, frequency.

    Ticks are of all CPUs together, ``ticks_per_s`` of them a second for each CPU. Sizes are bytes.
    """
    found: dict[str, object] = {}
    if hasattr(os, "getloadavg"):
        found["load_1min"], found["load_5min"] = (round(load, 2) for load in os.getloadavg()[:2])
    found |= {f"{name}_ticks": count for name, count in cpu_ticks().items()}
    if hasattr(os, "sysconf"):
        found["ticks_per_s"] = os.sysconf("SC_CLK_TCK")
    stat = keyed("/proc/stat")
    names = {"ctxt": "context_switches", "processes": "forks", "procs_running": "running", "procs_blocked": "blocked"}
    found |= {new: stat[old] for old, new in names.items() if old in stat}
    memory = keyed("/proc/meminfo")
    if "MemAvailable" in memory:
        found["mem_available_bytes"] = memory["MemAvailable"]
    if "SwapTotal" in memory and "SwapFree" in memory:
        found["swap_used_bytes"] = memory["SwapTotal"] - memory["SwapFree"]
    mhz = [float(text) for text in re.findall(r"^cpu MHz\s*: ([\d.]+)", read("/proc/cpuinfo"), re.MULTILINE)]
    if mhz:
        found["cpu_mhz"] = round(sum(mhz) / len(mhz))
    zones = [number(path) for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    heat = [value for value in zones if value is not None]
    if heat:
        found["temperature_c"] = max(heat) / 1000
    found |= virtualisation.throttling()
    return found


def cpu_ticks() -> dict[str, int]:
    """Ticks of all CPUs together since boot, by what they were spent on (/proc/stat, proc(5)); else empty."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = read("/proc/stat").partition("\n")[0].split()
    return dict(zip(names, map(int, first[1:]), strict=False)) if first[:1] == ["cpu"] else {}


def slug(facts: Mapping[str, object]) -> str:
    """A directory name for this machine's results: CPU, count, virtualisation, and a hash of what is stable.

    The same for every boot, kernel and Python of a machine. Memory enters in steps of a quarter of an octave,
    since what a kernel keeps for itself differs a little from version to version.
    """
    memory = facts.get("mem_total_bytes")
    size = round(4 * math.log2(memory)) if isinstance(memory, int) and memory > 0 else 0
    stable = "\n".join([*(str(facts.get(name, "")) for name in _STABLE), str(size)])
    words = [_short_model(str(facts.get("cpu_model", "") or facts.get("architecture", "cpu")))]
    words += [f"{facts['cpu_count']}cpu"] if "cpu_count" in facts else []
    words += [str(facts[name]) for name in ("virtualisation", "container") if facts.get(name)]
    readable = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    return f"{readable}-{hashlib.sha256(stable.encode()).hexdigest()[:6]}"


def _short_model(model: str) -> str:
    """``Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz`` becomes ``Intel Xeon Platinum 8370C``."""
    model = re.sub(r"\((?:R|TM|C)\)|@.*|\bwith .*|\d+-Core\b|\b(?:CPU|Processor)\b", " ", model, flags=re.IGNORECASE)
    return " ".join(model.split()[:5]) or "cpu"


def _pyperf_facts() -> dict[str, object]:
    import pyperf

    try:
        metadata = pyperf.Run((1.0,), collect_metadata=True).get_metadata()
    except OSError:  # it reads /proc, which is not everywhere
        return {}
    return {name: value for name, value in metadata.items() if not _NOT_OF_THE_MACHINE.match(name)}


def _system_facts() -> dict[str, object]:
    system = platform.uname()
    found: dict[str, object] = {"system": system.system, "kernel": system.release, "architecture": system.machine}
    found["kernel_build"] = system.version
    try:
        found["distribution"] = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        pass
    if libc := _libc():
        found["libc"] = libc
    if sys.platform == "darwin":
        found["macos"] = platform.mac_ver()[0]
    if hasattr(os, "sysconf"):
        found["page_bytes"] = os.sysconf("SC_PAGE_SIZE")
    memory = keyed("/proc/meminfo")
    found |= {
        f"{new}_bytes": memory[old]
        for old, new in (("MemTotal", "mem_total"), ("SwapTotal", "swap_total"))
        if old in memory
    }
    if "mem_total_bytes" not in found and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        found["mem_total_bytes"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return found


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):  # musl, macOS, Windows
        return " ".join(platform.libc_ver()).strip()


def _cpu_facts() -> dict[str, object]:
    """Model, and what tells revisions of one model apart: names differ between makers, numbers do not."""
    lines = dict(
        re.findall(r"^([^\n:]+?)\s*:[ \t]*([^\n]*)$", read("/proc/cpuinfo").partition("\n\n")[0], re.MULTILINE)
    )
    names = ("vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant")
    identity = " ".join(lines[name] for name in names if name in lines)
    model = lines.get("model name") or lines.get("cpu") or virtualisation.mac_model()
    if not model and "CPU part" in lines:
        model = f"{platform.machine()} {lines.get('CPU implementer', '')} {lines['CPU part']}"
    found: dict[str, object] = {"cpu_model": model or platform.processor() or platform.machine(), "cpu_id": identity}
    if cache := lines.get("cache size"):
        found["cpu_cache"] = cache
    if microcode := lines.get("microcode"):
        found["microcode"] = microcode
    if hasattr(os, "sched_getaffinity"):
        found["cpus_allowed"] = len(os.sched_getaffinity(0))
    found["cpu_count"] = os.cpu_count() or 1
    return found


def _limits() -> dict[str, object]:
    try:
        import resource
    except ImportError:  # Windows
        return {}
    found: dict[str, object] = {}
    for name, constant in _LIMITS.items():
        if hasattr(resource, constant):
            soft = resource.getrlimit(getattr(resource, constant))[0]
            found[f"ulimit_{name}"] = "unlimited" if soft == resource.RLIM_INFINITY else soft
    return found
