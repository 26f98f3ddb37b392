"""Turns what the kernel says about the CPUs into flat facts."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from bench.machine.kernel_files import read_text
from bench.schema.run_document import Fact

_KINDS = {"Data": "d", "Instruction": "i", "Unified": ""}
_UNITS = {"K": 1 << 10, "M": 1 << 20}


def facts() -> dict[str, Fact]:
    """The CPUs' model, their number, their caches in bytes, and the numbers that tell revisions of one model apart."""
    lines = dict(
        re.findall(r"^([^\n:]+?)\s*:[ \t]*([^\n]*)$", read_text("/proc/cpuinfo").partition("\n\n")[0], re.MULTILINE)
    )
    names = ("vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant")
    identity = " ".join(lines[name] for name in names if name in lines)
    model = lines.get("model name") or lines.get("cpu") or _mac_model()
    if not model and "CPU part" in lines:
        model = f"{platform.machine()} {lines.get('CPU implementer', '')} {lines['CPU part']}"
    found: dict[str, Fact] = {"cpu_model": model or platform.processor() or platform.machine(), "cpu_id": identity}
    found |= caches()
    if microcode := lines.get("microcode"):
        found["microcode"] = microcode
    if hasattr(os, "sched_getaffinity"):
        found["cpus_allowed"] = len(os.sched_getaffinity(0))
    found["cpu_count"] = os.cpu_count() or 1
    return found


def _mac_model() -> str:
    """The CPU's name on macOS (sysctl machdep.cpu.brand_string); empty elsewhere."""
    if sys.platform != "darwin":
        return ""
    import ctypes

    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    failed = ctypes.CDLL(None).sysctlbyname(b"machdep.cpu.brand_string", text, ctypes.byref(size), None, 0)
    return "" if failed else text.value.decode(errors="replace")


def caches(root: Path = Path("/")) -> dict[str, int]:
    """The size of each cache that the first CPU uses, in bytes: ``cache_l1d_bytes``, ``cache_l2_bytes`` and so on."""
    sizes: dict[str, int] = {}
    for index in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (read_text(index / name) for name in ("level", "type", "size"))
        if level.isdecimal() and kind in _KINDS and (match := re.fullmatch(r"(\d+)([KM])", size)):
            sizes[f"cache_l{level}{_KINDS[kind]}_bytes"] = int(match[1]) * _UNITS[match[2]]
    return sizes
