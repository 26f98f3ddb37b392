"""Holds that the dose is what the kernel says of a process, figure by figure, in bytes."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pytest

from bench.driver import dose
from bench.driver.dose import Dose
from bench.driver.process import Subject
from tests.engine import PATIENCE_S, needs_fork, needs_proc, settings, unchanged

KIB = 1024
ROLLUP = """\
55d0c0000000-7ffd3a1ff000 ---p 00000000 00:00 0                          [rollup]
Rss:               11 kB
Pss:               13 kB
Pss_Anon:        9999 kB
Shared_Clean:      17 kB
Shared_Dirty:      19 kB
Private_Clean:     23 kB
Private_Dirty:     29 kB
Anonymous:       9999 kB
AnonHugePages:     31 kB
"""
STATUS = """\
Name:\tpython3
VmPeak:\t    9999 kB
VmPTE:\t      37 kB
Threads:\t41
Cpus_allowed:\tf
Cpus_allowed_list:\t0-3,8,10-11
"""
MAPS = "a line\n" * 43


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Every test of this file ends with the descriptors and children that it began with."""
    with unchanged():
        yield


def kernel_says(monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], fds: int | None = None) -> None:
    """Let /proc/77 have these files, and no others."""
    real_open, real_list = builtins.open, os.listdir

    def fake_open(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not str(path).startswith("/proc/77/"):
            return real_open(path, mode, *arguments, **options)
        name = str(path).removeprefix("/proc/77/")
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return io.BytesIO(files[name].encode()) if "b" in mode else io.StringIO(files[name])

    def fake_list(path: Any = ".") -> list[str]:
        if path != "/proc/77/fd":
            return real_list(path)
        if fds is None:
            raise PermissionError(13, "Permission denied")
        return [str(number) for number in range(fds)]

    monkeypatch.setattr(builtins, "open", fake_open)
    monkeypatch.setattr(os, "listdir", fake_list)


def test_every_figure_is_read_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes come in units of 1024 bytes; private memory is clean and dirty; CPUs are counted over their ranges."""
    kernel_says(monkeypatch, {"smaps_rollup": ROLLUP, "status": STATUS, "maps": MAPS}, fds=47)
    assert dose.read(77) == Dose(
        rss_bytes=11 * KIB,
        pss_bytes=13 * KIB,
        private_bytes=52 * KIB,
        huge_bytes=31 * KIB,
        pte_bytes=37 * KIB,
        vmas=43,
        fds=47,
        threads=41,
        cpus=7,
    )


def test_what_the_kernel_does_not_say_is_unknown_and_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is unknown by itself: an old kernel has no smaps_rollup, another user's process no descriptors."""
    kernel_says(monkeypatch, {"status": "VmPTE:\t0 kB\nCpus_allowed_list:\t5\n", "maps": ""})
    assert dose.read(77) == Dose(pte_bytes=0, vmas=0, cpus=1)
    kernel_says(monkeypatch, {"smaps_rollup": "Private_Dirty: 3 kB\nAnonHugePages: 0 kB\n"}, fds=0)
    assert dose.read(77) == Dose(private_bytes=3 * KIB, huge_bytes=0, fds=0)


@needs_fork
@needs_proc
def test_memory_is_what_another_program_reads() -> None:
    """A subject that waits has the private and proportional memory that psutil reads of it, to the byte."""
    with Subject(settings("os_fork")) as subject:
        subject.ready(PATIENCE_S)
        for _ in range(100):  # shared pages are counted by parts, and another process that ends changes the part
            verified, theirs = dose.read(subject.pid), psutil.Process(subject.pid).memory_full_info()
            if verified == dose.read(subject.pid):
                break
    assert verified.private_bytes == theirs.uss
    # A share in what other processes map as well, and one of them may have ended in between.
    assert verified.pss_bytes == pytest.approx(theirs.pss, rel=0.05)
