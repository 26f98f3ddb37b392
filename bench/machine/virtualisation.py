"""Turns what /proc, /sys and DMI show into the kind of virtual machine and the kind of container."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bench.machine.kernel_files import read_text

# Words in DMI's vendor and product (lower case), and the kind that they stand for; as in systemd-detect-virt.
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
# Where there is no DMI (as in Firecracker), the hypervisor's own clock source names it.
_CLOCKS = (("kvm-clock", "kvm"), ("hyperv", "hyperv"), ("xen", "xen"))


def detect(kernel: str, root: Path = Path("/")) -> dict[str, str]:
    """``virtualisation`` and ``container``, each present only where there is one. `kernel` is the kernel's release."""
    kinds = {"virtualisation": _virtual_machine(kernel, root), "container": _container(root)}
    return {name: kind for name, kind in kinds.items() if kind}


def product(root: Path = Path("/")) -> dict[str, str]:
    """What the firmware and cloud-init say that this machine is, each present only where it is said.

    ``product``: vendor and product of the hardware or hypervisor. ``instance_type``: the cloud's word for this size of
    machine. Amazon writes it as the product's name. Elsewhere cloud-init keeps what the cloud told it when the machine
    started (docs.cloud-init.io, "Instance-data"). Nothing is asked over the network.
    """
    vendor, name = (read_text(root / "sys/class/dmi/id" / file) for file in ("sys_vendor", "product_name"))
    kinds = {"product": f"{vendor} {name}".strip(), "instance_type": name if vendor == "Amazon EC2" else ""}
    told = re.search(
        r'"(?:instance[-_]type|vmSize|machine-type)"\s*:\s*"(?:[^"]*/)?([\w.-]+)"',
        read_text(root / "run/cloud-init/instance-data.json"),
    )
    kinds["instance_type"] = kinds["instance_type"] or (told[1] if told else "")
    return {name: kind for name, kind in kinds.items() if kind}


def _virtual_machine(kernel: str, root: Path) -> str:
    if "microsoft" in kernel.lower():
        return "wsl"
    dmi = " ".join(read_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")).lower()
    flags = re.search(r"^flags\s*:(.*)$", read_text(root / "proc/cpuinfo"), re.MULTILINE)
    tree = read_text(root / "sys/firmware/devicetree/base/hypervisor/compatible")
    hypervisor = read_text(root / "sys/hypervisor/type")
    if not (hypervisor or tree or (flags and " hypervisor" in flags[1])) and "virtual" not in dmi and "qemu" not in dmi:
        return ""  # a cloud provider also rents out physical machines: its name alone says nothing
    clocks = read_text(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
    kind_by_dmi = next((kind for word, kind in _DMI if word in dmi), "")
    kind_by_clock = next((kind for word, kind in _CLOCKS if word in clocks), "")
    return kind_by_dmi or hypervisor or kind_by_clock or ("kvm" if "kvm" in tree else "vm")


def _container(root: Path) -> str:
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    for line in read_text(root / "proc/1/environ").split("\0"):
        if line.startswith("container="):
            return line.partition("=")[2]
    if container := read_text(root / "run/systemd/container"):
        return container
    if (root / "run/.containerenv").exists():
        return "podman"
    return "docker" if (root / ".dockerenv").exists() else ""
