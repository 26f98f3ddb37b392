"""Turns the machine into flat facts, its momentary state into numbers, and the facts into a name for its results.

A fact that a system does not have is absent. No fact names a person, a host or a path of a user.
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

from bench.machine import control_groups, cpu, virtualisation
from bench.machine.kernel_files import read_number, read_numbers, read_text
from bench.schema.run_document import Fact

# pyperf's metadata that are no facts of the machine: they name somebody, change all the time (see `state`), or
# belong to the controller's interpreter, which is not the measured one.
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
# Files that list all values of a setting, with the one in force in brackets.
_CHOICES = {
    "thp": "/sys/kernel/mm/transparent_hugepage/enabled",
    "thp_defrag": "/sys/kernel/mm/transparent_hugepage/defrag",
    "thp_shmem": "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
    "preemption": "/sys/kernel/debug/sched/preempt",
}
_LIMITS = {"nproc": "RLIMIT_NPROC", "nofile": "RLIMIT_NOFILE", "as": "RLIMIT_AS", "stack": "RLIMIT_STACK"}

_STABLE_FACTS = (
    "cpu_model",
    "cpu_id",
    "cpu_count",
    "cache_l1d_bytes",
    "cache_l2_bytes",
    "cache_l3_bytes",
    "architecture",
    "system",
    "virtualisation",
    "container",
    "instance_type",
)


def collect() -> dict[str, Fact]:
    """What does not change during a run: a flat dict of str, int and float. Sizes are bytes.

    pyperf's metadata keep pyperf's names. The paths in this module describe all other facts.
    """
    facts: dict[str, Fact] = {**cpu.facts(), **_system_facts(), **_pyperf_facts()}
    facts |= settings()
    facts |= _limits()
    facts |= {f"cgroup_{name}": value for name, value in control_groups.limits().items()}
    facts |= virtualisation.detect(str(facts.get("kernel", "")))
    facts |= virtualisation.product()
    for file in sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*")):
        if (text := read_text(file)) and text != "Not affected":
            facts[f"mitigation_{file.name}"] = text
    return facts


def settings() -> dict[str, int | str]:
    """The facts that are settings of the kernel, read in about a millisecond."""
    facts: dict[str, int | str] = {}
    for name, path in _KERNEL_SETTINGS.items():
        if text := read_text(path):
            facts[name] = int(text) if text.removeprefix("-").isdecimal() else text
    return facts | {
        name: match[1] for name, path in _CHOICES.items() if (match := re.search(r"\[(\S+)\]", read_text(path)))
    }


def state() -> dict[str, Fact]:
    """What changes during a run, read before and after it: load, CPU ticks since boot, memory, frequency.

    Ticks are the sum over all CPUs; each CPU has ``ticks_per_s`` a second. Sizes are bytes.
    """
    facts: dict[str, Fact] = {}
    if hasattr(os, "getloadavg"):
        facts["load_1min"], facts["load_5min"] = (round(load, 2) for load in os.getloadavg()[:2])
    facts |= {f"{name}_ticks": count for name, count in cpu_ticks().items()}
    if hasattr(os, "sysconf"):
        facts["ticks_per_s"] = os.sysconf("SC_CLK_TCK")
    stat = read_numbers("/proc/stat")
    names = {"ctxt": "context_switches", "processes": "forks", "procs_running": "running", "procs_blocked": "blocked"}
    facts |= {new: stat[old] for old, new in names.items() if old in stat}
    memory = read_numbers("/proc/meminfo")
    if "MemAvailable" in memory:
        facts["mem_available_bytes"] = memory["MemAvailable"]
    if "SwapTotal" in memory and "SwapFree" in memory:
        facts["swap_used_bytes"] = memory["SwapTotal"] - memory["SwapFree"]
    mhz = [float(text) for text in re.findall(r"^cpu MHz\s*: ([\d.]+)", read_text("/proc/cpuinfo"), re.MULTILINE)]
    if mhz:
        facts["cpu_mhz"] = round(sum(mhz) / len(mhz))
    zones = [read_number(path) for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    millidegrees = [value for value in zones if value is not None]
    if millidegrees:
        facts["temperature_c"] = max(millidegrees) / 1000
    facts |= control_groups.throttling()
    return facts


def cpu_ticks() -> dict[str, int]:
    """Ticks since boot, the sum over all CPUs, by use (/proc/stat, see proc(5)); empty where there is no such file."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = read_text("/proc/stat").partition("\n")[0].split()
    return dict(zip(names, map(int, first[1:]), strict=False)) if first[:1] == ["cpu"] else {}


def slug(facts: Mapping[str, Fact]) -> str:
    """A directory name for this machine's results: CPU, count, virtualisation, and a hash of the stable facts.

    A model without a number ("AMD EPYC", as many hypervisors say) gets family, model and stepping, as lscpu shows
    them. A cloud's instance type is named where the machine tells it.
    It is the same for every boot, kernel and Python of a machine. The memory's size is rounded to a quarter of an
    octave, since each kernel version keeps a slightly different part of it for itself.
    """
    memory = facts.get("mem_total_bytes")
    memory_step = round(4 * math.log2(memory)) if isinstance(memory, int) and memory > 0 else 0
    stable = "\n".join([*(str(facts.get(name, "")) for name in _STABLE_FACTS), str(memory_step)])
    words = [_short_model(str(facts.get("cpu_model", "") or facts.get("architecture", "cpu")))]
    words += _revision(str(facts.get("cpu_id", ""))) if not re.search(r"\d", words[0]) else []
    words += [f"{facts['cpu_count']}cpu"] if "cpu_count" in facts else []
    words += [str(facts[name]) for name in ("instance_type", "virtualisation", "container") if facts.get(name)]
    readable = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    return f"{readable}-{hashlib.sha256(stable.encode()).hexdigest()[:6]}"


def _short_model(model: str) -> str:
    """``Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz`` becomes ``Intel Xeon Platinum 8370C``."""
    model = re.sub(r"\((?:R|TM|C)\)|@.*|\bwith .*|\d+-Core\b|\b(?:CPU|Processor)\b", " ", model, flags=re.IGNORECASE)
    return " ".join(model.split()[:5]) or "cpu"


def _revision(cpu_id: str) -> list[str]:
    """``AuthenticAMD 25 1 1`` becomes ``f25 m1 s1`` (family, model, stepping); nothing of other numbers."""
    match = re.fullmatch(r"\S+ (\d+) (\d+) (\d+)", cpu_id)
    return [f"f{match[1]}", f"m{match[2]}", f"s{match[3]}"] if match else []


def _pyperf_facts() -> dict[str, Fact]:
    import pyperf

    try:
        metadata = pyperf.Run((1.0,), collect_metadata=True).get_metadata()
    except OSError:  # it reads /proc, which is not everywhere
        return {}
    return {name: value for name, value in metadata.items() if not _NOT_OF_THE_MACHINE.match(name)}


def _system_facts() -> dict[str, Fact]:
    system = platform.uname()
    facts: dict[str, Fact] = {"system": system.system, "kernel": system.release, "architecture": system.machine}
    facts["kernel_build"] = system.version
    try:
        facts["distribution"] = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        pass
    if libc := _libc():
        facts["libc"] = libc
    if sys.platform == "darwin":
        facts["macos"] = platform.mac_ver()[0]
    if hasattr(os, "sysconf"):
        facts["page_bytes"] = os.sysconf("SC_PAGE_SIZE")
    memory = read_numbers("/proc/meminfo")
    facts |= {
        f"{new}_bytes": memory[old]
        for old, new in (("MemTotal", "mem_total"), ("SwapTotal", "swap_total"))
        if old in memory
    }
    if "mem_total_bytes" not in facts and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        facts["mem_total_bytes"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return facts


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):  # musl, macOS, Windows
        return " ".join(platform.libc_ver()).strip()


def _limits() -> dict[str, Fact]:
    try:
        import resource
    except ImportError:  # Windows
        return {}
    facts: dict[str, Fact] = {}
    for name, constant in _LIMITS.items():
        if hasattr(resource, constant):
            soft = resource.getrlimit(getattr(resource, constant))[0]
            facts[f"ulimit_{name}"] = "unlimited" if soft == resource.RLIM_INFINITY else soft
    return facts
