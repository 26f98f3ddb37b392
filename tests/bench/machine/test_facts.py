"""Turns machines, real and made of files, into facts, and holds that facts name nobody."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from bench.machine import control_groups, cpu, facts, kernel_files, virtualisation
from bench.schema.run_document import Fact
from tests import ROOT

CPU: dict[str, Fact] = {
    "cpu_model": "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    "cpu_id": "GenuineIntel 6 106 6",
    "cpu_count": 8,
    "architecture": "x86_64",
    "system": "Linux",
    "virtualisation": "kvm",
    "mem_total_bytes": 32 << 30,
}


DMI = "sys/class/dmi/id/"


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write `files` (path: text) under `root`, as /proc and /sys would hold them."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_facts_are_flat_and_can_be_written() -> None:
    """Facts of this machine are text and numbers under simple names, and survive JSON unchanged."""
    collected = facts.collect()
    assert json.loads(json.dumps(collected)) == collected
    assert all(re.fullmatch(r"[a-zA-Z0-9_]+", name) for name in collected)
    assert all(isinstance(value, str | int | float) for value in collected.values())
    assert collected["kernel"] == platform.release()
    assert collected["cpu_count"] == os.cpu_count()
    assert collected["cpu_model"]


def test_facts_name_nobody() -> None:
    """Neither host name, user, home directory nor a path of this checkout is in facts, state or slug."""
    collected = facts.collect()
    text = json.dumps([collected, facts.state(), facts.slug(collected)])
    assert "hostname" not in text
    assert str(ROOT) not in text
    host = socket.gethostname()
    assert not [
        name
        for name, value in collected.items()
        if value == host and name not in ("system", "virtualisation", "container")
    ]
    assert not re.search(r"(^|[^A-Za-z0-9_])/(root|home|Users)/", text)


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="there is no /proc/stat to read")
def test_state_counts_upwards() -> None:
    """Ticks and forks since boot never fall from one reading to the next."""
    first, second = facts.state(), facts.state()
    counters = [name for name in first if name.endswith("_ticks") or name in ("forks", "context_switches")]
    assert "steal_ticks" in counters
    for name in counters:
        before, after = first[name], second[name]
        assert isinstance(before, int)
        assert isinstance(after, int)
        assert after >= before or name == "iowait_ticks"  # proc(5): iowait may fall


def test_slug_is_readable() -> None:
    """A slug holds the CPU, their count and the virtualisation, as a name that any file system takes."""
    assert re.fullmatch(r"intel-xeon-platinum-8370c-8cpu-kvm-[0-9a-f]{6}", facts.slug(CPU))
    assert facts.slug({}).startswith("cpu-")


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": "6.1.0"},
        {"microcode": "0xd"},
        {"thp": "always"},
        {"cpus_allowed": 2},
        {"python": "3.13"},
        {"mem_total_bytes": (32 << 30) - (300 << 20)},
    ],
)
def test_slug_outlasts_what_changes_from_boot_to_boot(change: dict[str, Fact]) -> None:
    """Kernel, microcode, settings and the memory that a kernel keeps for itself do not make another machine."""
    assert facts.slug(CPU | change) == facts.slug(CPU)


@pytest.mark.parametrize(
    "change",
    [
        {"cache_l3_bytes": 1 << 25},
        {"instance_type": "m5.large"},
        {"cpu_count": 4},
        {"cpu_id": "GenuineIntel 6 85 7"},
        {"virtualisation": "xen"},
        {"mem_total_bytes": 64 << 30},
    ],
)
def test_slug_tells_machines_apart(change: dict[str, Fact]) -> None:
    """Another CPU, number of CPUs, hypervisor or memory size is another machine."""
    assert facts.slug(CPU | change) != facts.slug(CPU)


def test_what_cannot_be_read_is_absent(tmp_path: Path) -> None:
    """Files that are missing, hold something else or cannot be decoded are empty, not errors."""
    assert kernel_files.read_text(tmp_path / "nothing") == ""
    assert kernel_files.read_number(tmp_path) is None
    tree(tmp_path, {"max": "max\n", "negative": "-1\n", "meminfo": "MemTotal:  16 kB\nHugePages_Total:  3\nodd\n"})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert kernel_files.read_number(tmp_path / "max") is None
    assert kernel_files.read_number(tmp_path / "negative") == -1
    assert kernel_files.read_numbers(tmp_path / "meminfo") == {"MemTotal": 16384, "HugePages_Total": 3}
    assert kernel_files.read_numbers(tmp_path / "binary") == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "intel-xeon-platinum-8370c-8cpu-kvm"),
        ({"cpu_model": "AMD EPYC", "cpu_id": "AuthenticAMD 25 1 1"}, "amd-epyc-f25-m1-s1-8cpu-kvm"),
        ({"cpu_model": "ARM", "cpu_id": "0x41 0xd0c 0x3"}, "arm-8cpu-kvm"),
        ({"instance_type": "m5.large"}, "intel-xeon-platinum-8370c-8cpu-m5-large-kvm"),
    ],
)
def test_slug_names_what_tells_the_machine_apart(change: dict[str, Fact], expected: str) -> None:
    """A model without a number gets family, model and stepping; an instance type is named."""
    assert facts.slug(CPU | change).rpartition("-")[0] == expected


def test_caches_are_read_by_level_and_kind(tmp_path: Path) -> None:
    """Each cache of the first CPU is a fact of its own in bytes; a cache without a size is left out."""
    cache = "sys/devices/system/cpu/cpu0/cache/"
    texts = [("1", "Data", "32K"), ("1", "Instruction", "48K"), ("2", "Unified", "2M"), ("3", "Unified", "")]
    for index, (level, kind, size) in enumerate(texts):
        tree(
            tmp_path,
            {f"{cache}index{index}/{file}": text for file, text in (("level", level), ("type", kind), ("size", size))},
        )
    assert cpu.caches(tmp_path) == {"cache_l1d_bytes": 32768, "cache_l1i_bytes": 49152, "cache_l2_bytes": 2097152}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {}),
        ({"sys_vendor": "QEMU", "product_name": "Standard PC"}, {"product": "QEMU Standard PC"}),
        (
            {"sys_vendor": "Amazon EC2", "product_name": "m5.large"},
            {"product": "Amazon EC2 m5.large", "instance_type": "m5.large"},
        ),
    ],
)
def test_product_is_what_the_firmware_says(tmp_path: Path, files: dict[str, str], expected: dict[str, str]) -> None:
    """Vendor and product come from DMI; on Amazon the product's name is the instance type."""
    tree(tmp_path, {f"{DMI}{file}": text for file, text in files.items()})
    assert virtualisation.product(tmp_path) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"instance-type": "c6a.xlarge"', "c6a.xlarge"),
        ('"vmSize": "Standard_D2s_v3"', "Standard_D2s_v3"),
        ('"machine-type": "projects/1/machineTypes/e2-medium"', "e2-medium"),
        ('"instance-id": "i-1"', None),
    ],
)
def test_instance_type_is_what_cloud_init_kept(tmp_path: Path, line: str, expected: str | None) -> None:
    """The words that Amazon, Azure and Google use for a size of machine are found in cloud-init's file."""
    tree(tmp_path, {"run/cloud-init/instance-data.json": "{" + line + "}"})
    assert virtualisation.product(tmp_path).get("instance_type") == expected


HYPERVISOR = {"proc/cpuinfo": "flags\t\t: fpu sse hypervisor lm\n"}
CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {}),
        ({"proc/cpuinfo": "flags\t\t: fpu sse lm\n", f"{DMI}sys_vendor": "Google"}, {}),
        (HYPERVISOR, {"virtualisation": "vm"}),
        (HYPERVISOR | {CLOCKS: "tsc kvm-clock"}, {"virtualisation": "kvm"}),
        (HYPERVISOR | {f"{DMI}sys_vendor": "Amazon EC2", CLOCKS: "kvm-clock"}, {"virtualisation": "amazon"}),
        ({f"{DMI}product_name": "VirtualBox"}, {"virtualisation": "virtualbox"}),
        ({"sys/hypervisor/type": "xen\n"}, {"virtualisation": "xen"}),
        ({".dockerenv": ""}, {"container": "docker"}),
        ({"run/.containerenv": ""}, {"container": "podman"}),
        ({"proc/1/environ": "A=1\0container=lxc\0"}, {"container": "lxc"}),
    ],
)
def test_virtual_machines_and_containers_are_told_by_their_files(
    files: dict[str, str], expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind of virtual machine or container follows from DMI, CPU flags, clocks and marker files."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert virtualisation.detect("6.1.0", tree(tmp_path, files)) == expected


def test_windows_subsystem_is_told_by_its_kernel(tmp_path: Path) -> None:
    """A kernel of Microsoft's is the Windows subsystem for Linux."""
    assert virtualisation.detect("5.15.90.1-microsoft-standard-WSL2", tmp_path)["virtualisation"] == "wsl"


def test_limits_of_cgroup_2_are_the_smallest_on_the_way_up(tmp_path: Path) -> None:
    """Every group above this one limits it too, so that the smallest limit counts."""
    root = tree(
        tmp_path,
        {
            "cpu.max": "max 100000",
            "a/cpu.max": "150000 100000",
            "a/b/cpu.max": "200000 100000",
            "a/memory.max": "1000",
            "a/b/memory.max": "max",
            "a/b/pids.max": "50",
            "a/b/pids.current": "8",
            "a/b/cpu.stat": "usage_usec 5\nnr_throttled 3\n",
        },
    )
    assert control_groups.limits(root, "0::/a/b\n") == {"cpus": 1.5, "memory_bytes": 1000, "pids": 50}
    assert control_groups.processes_left(root, "0::/a/b\n") == 42
    assert control_groups.throttling(root, "0::/a/b\n") == {"throttled_periods": 3}


def test_limits_of_cgroup_1_are_in_a_folder_for_each_controller(tmp_path: Path) -> None:
    """Version 1 has a tree for each controller, and says "no limit" by a very large number."""
    root = tree(
        tmp_path,
        {
            "cpu,cpuacct/box/cpu.cfs_quota_us": "50000",
            "cpu,cpuacct/box/cpu.cfs_period_us": "100000",
            "memory/box/memory.limit_in_bytes": "9223372036854771712",
            "pids/box/pids.max": "max",
        },
    )
    group = "4:memory:/box\n3:pids:/box\n2:cpu,cpuacct:/box\n"
    assert control_groups.limits(root, group) == {"cpus": 0.5}
    assert control_groups.processes_left(root, group) is None


def test_no_cgroup_is_no_limit(tmp_path: Path) -> None:
    """Where there are no control groups, nothing is limited."""
    assert control_groups.limits(tmp_path, "") == {}
    assert control_groups.throttling(tmp_path, "") == {}
