"""Turns what /proc, /sys and DMI show into: virtual machine or container of which kind, and under which limits."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.machine.kernel_files import read

# Words of DMI's vendor and product (lower case), and what they say; the same that systemd-detect-virt looks at.
_DMI = (
    ("amazon ec2", "amazon"),
    ("google compute engine", "google"),
    ("kvm", "kvm"),
    ("openstack", "kvm"),
    ("qemu", "qemu"),
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("virtual machine", "hyperv"),
    ("xen", "xen"),
    ("bochs", "bochs"),
    ("parallels", "parallels"),
    ("bhyve", "bhyve"),
    ("apple virtualization", "apple"),
)
# A clock source of the hypervisor's own gives it away where there is no DMI (as in Firecracker).
_CLOCKS = (("kvm-clock", "kvm"), ("hyperv", "hyperv"), ("xen", "xen"))
CGROUP = Path("/sys/fs/cgroup")
# What cgroup v1 says for "no limit": the largest multiple of a page below 2**63.
_V1_UNLIMITED = 1 << 62


def kinds(kernel: str, root: Path = Path("/")) -> dict[str, object]:
    """``virtualisation`` and ``container``, each present only where there is one. `kernel` is its release."""
    found: dict[str, object] = {}
    if machine := _virtual_machine(kernel, root):
        found["virtualisation"] = machine
    if container := _container(root):
        found["container"] = container
    return found


def _virtual_machine(kernel: str, root: Path) -> str:
    if "microsoft" in kernel.lower():
        return "wsl"
    dmi = " ".join(read(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")).lower()
    flags = re.search(r"^flags\s*:(.*)$", read(root / "proc/cpuinfo"), re.MULTILINE)
    tree = read(root / "sys/firmware/devicetree/base/hypervisor/compatible")
    hypervisor = read(root / "sys/hypervisor/type")
    if not (hypervisor or tree or (flags and " hypervisor" in flags[1])) and "virtual" not in dmi and "qemu" not in dmi:
        return ""  # a maker of clouds also sells whole machines: its name alone says nothing
    clocks = read(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
    named = next((kind for word, kind in _DMI if word in dmi), "")
    clocked = next((kind for word, kind in _CLOCKS if word in clocks), "")
    return named or hypervisor or clocked or ("kvm" if "kvm" in tree else "vm")


def _container(root: Path) -> str:
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    for line in read(root / "proc/1/environ").split("\0"):
        if line.startswith("container="):
            return line.partition("=")[2]
    if said := read(root / "run/systemd/container"):
        return said
    if (root / "run/.containerenv").exists():
        return "podman"
    return "docker" if (root / ".dockerenv").exists() else ""


def group_folders(controller: str, group: str, root: Path) -> list[Path]:
    """Folders of this process's cgroup and all above it: v2, or v1 with the controller of that name."""
    base, path = root, ""
    for line in group.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if controller in controllers.split(","):
            base, path = root / controllers, place
            base = base if base.is_dir() else root / controller
            break
        if number == "0" and not path:
            path = place
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _smallest(controller: str, names: tuple[str, ...], group: str, root: Path) -> int | None:
    """The smallest limit on the way up; a group that cannot be seen from inside a container has its own root."""
    found = [
        int(text)
        for folder in group_folders(controller, group, root)
        for name in names
        if (text := read(folder / name)).isdigit() and int(text) < _V1_UNLIMITED
    ]
    return min(found) if found else None


def _cpus(group: str, root: Path) -> float | None:
    """CPUs that the quota allows: v2 ``cpu.max`` "quota period", v1 two files; None: no quota."""
    found: list[float] = []
    for folder in group_folders("cpu", group, root):
        quota, _, period = read(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            found.append(int(quota) / int(period))
    return min(found) if found else None


def cgroup_limits(root: Path = CGROUP, group: str | None = None) -> dict[str, float]:
    """``cpus`` (CPUs by quota), ``memory_bytes`` and ``pids``, each present only where it is limited."""
    group = read(Path("/proc/self/cgroup")) if group is None else group
    limits = {
        "cpus": _cpus(group, root),
        "memory_bytes": _smallest("memory", ("memory.max", "memory.limit_in_bytes"), group, root),
        "pids": _smallest("pids", ("pids.max",), group, root),
    }
    return {name: value for name, value in limits.items() if value is not None}


def pids_room(root: Path = CGROUP, group: str | None = None) -> int | None:
    """Processes and threads that this process's cgroup may still start; None: not limited."""
    room = [most - now for _, most, now in limited("pids", "pids.max", "pids.current", root, group)]
    return min(room) if room else None


def limited(
    controller: str, most: str, now: str, root: Path = CGROUP, group: str | None = None
) -> Iterator[tuple[Path, int, int]]:
    """Each of this process's cgroups, from its own up, that has a limit (file `most`): folder, limit, use (`now`)."""
    for folder in group_folders(controller, read(Path("/proc/self/cgroup")) if group is None else group, root):
        limit, used = read(folder / most), read(folder / now)
        if limit.isdigit() and used.isdigit():
            yield folder, int(limit), int(used)


def throttling(root: Path = CGROUP, group: str | None = None) -> dict[str, object]:
    """``throttled_periods`` of this process's cgroup since it was made, where a quota of CPU time counts them."""
    group = read(Path("/proc/self/cgroup")) if group is None else group
    for folder in group_folders("cpu", group, root):
        if match := re.search(r"^nr_throttled (\d+)$", read(folder / "cpu.stat"), re.MULTILINE):
            return {"throttled_periods": int(match[1])}
    return {}


def mac_model() -> str:
    """The CPU's name on macOS (sysctl machdep.cpu.brand_string); empty elsewhere."""
    if sys.platform != "darwin":
        return ""
    import ctypes

    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    failed = ctypes.CDLL(None).sysctlbyname(b"machdep.cpu.brand_string", text, ctypes.byref(size), None, 0)
    return "" if failed else text.value.decode(errors="replace")
