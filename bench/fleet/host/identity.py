"""Turns what the kernel says into what tells this host from others, however often it is in the cluster."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
from importlib import metadata
from pathlib import Path
from typing import Any

_DIGITS = 16


def describe() -> dict[str, Any]:
    """The fields of `HostFacts`. Containers and network namespaces of one machine have one `boot`."""
    machine = _text("/etc/machine-id")
    boot = _text("/proc/sys/kernel/random/boot_id") or machine or socket.gethostname()
    try:
        network = os.stat("/proc/self/ns/net").st_ino
    except OSError:
        network = 0
    try:
        distributed = metadata.version("distributed")
    except metadata.PackageNotFoundError:
        distributed = ""
    return {
        "identity": _hash(f"{boot} {network} {machine}"),
        "boot": _hash(boot),
        "name": socket.gethostname(),
        "cpus": tuple(allowed_cpus()),
        "python": platform.python_version(),
        "distributed": distributed,
    }


def allowed_cpus() -> list[int]:
    """The CPUs that this thread may use; empty: the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
