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
from bench.driver.process import Subject
from bench.schema.dose import DOSE_NAMES, Dose
from tests.engine import PATIENCE_S, needs_fork, needs_proc, settings, unchanged

KIB = 1024
SMAPS = """\
55d0c0000000-55d0c0003000 r-xp 00000000 fe:00 41  /usr/bin/with a blank: and a colon
Size:               101 kB
Rss:                 11 kB
Pss:                 13 kB
Pss_Anon:          9999 kB
Private_Clean:       17 kB
Private_Dirty:       19 kB
Anonymous:            0 kB
AnonHugePages:        0 kB
Swap:                 0 kB
VmFlags: rd ex mr mw me sd
55d0c0003000-55d0c0009000 rw-p 00003000 fe:00 41  /usr/bin/python3
Size:               103 kB
Rss:                 23 kB
Pss:                  0 kB
Private_Clean:        0 kB
Private_Dirty:        0 kB
Anonymous:            4 kB
Swap:                 0 kB
VmFlags: rd wr mr mw me ac sd
7f0000000000-7f0001000000 rw-p 00000000 00:00 0
Size:               107 kB
Rss:               5000 kB
Pss:                  0 kB
Anonymous:         5000 kB
AnonHugePages:     4096 kB
Swap:                29 kB
VmFlags: rd wr mr mw me ac sd hg
7f0002000000-7f0003000000 rw-p 00000000 00:00 0
Size:               109 kB
Rss:                  0 kB
Anonymous:            0 kB
Swap:                31 kB
VmFlags: rd wr mr mw me ac sd
7f0004000000-7f0005000000 rw-p 00000000 00:00 0
Size:               113 kB
Rss:                 37 kB
Anonymous:           37 kB
AnonHugePages:       36 kB
VmFlags: rd wr mr mw me dc ac sd
7f0006000000-7f0007000000 rw-s 00000000 00:01 77 /dev/zero (deleted)
Size:               127 kB
Rss:                 41 kB
Anonymous:            0 kB
VmFlags: rd wr sh mr mw me ms sd
7f0008000000-7f0009000000 rw-p 00000000 00:00 0
Size:               131 kB
Rss:                  0 kB
Anonymous:            0 kB
VmFlags: rd wr mr mw me ac sd
"""
STATUS = """\
Name:\tpython3
VmPeak:\t    9999 kB
VmPTE:\t      37 kB
Threads:\t41
Cpus_allowed:\tf
Cpus_allowed_list:\t0-3,8,10-11
"""


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
    """Sizes come in units of 1024 bytes and are sums over all mappings; CPUs are counted over their ranges.

    Private pages are what is anonymous or swapped; what children do not get is in no other sum of what fork does.
    """
    kernel_says(monkeypatch, {"smaps": SMAPS, "status": STATUS}, fds=47)
    assert dose.read(77) == Dose(
        rss_bytes=(11 + 23 + 5000 + 37 + 41) * KIB,
        pss_bytes=13 * KIB,
        private_bytes=(17 + 19) * KIB,
        huge_bytes=4096 * KIB,
        copied_bytes=(23 + 5000 - 4096) * KIB,
        copied_file_bytes=19 * KIB,  # 23 that are there, 4 of them private
        shared_bytes=41 * KIB,
        file_bytes=11 * KIB,
        unforked_bytes=37 * KIB,
        swapped_bytes=(29 + 31) * KIB,
        virtual_bytes=(101 + 103 + 107 + 109 + 113 + 127 + 131) * KIB,
        pte_bytes=37 * KIB,
        vmas=7,
        vmas_private=3,
        vmas_file=1,
        vmas_unforked=1,
        fds=47,
        threads=41,
        cpus=7,
    )


def test_what_the_kernel_does_not_say_is_unknown_and_not_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each figure is unknown by itself: another user's process tells neither mappings nor descriptors."""
    kernel_says(monkeypatch, {"status": "VmPTE:\t0 kB\nCpus_allowed_list:\t5\n"})
    assert dose.read(77) == Dose(pte_bytes=0, cpus=1)
    kernel_says(monkeypatch, {"smaps": ""}, fds=0)
    nothing = {name: 0 for name in DOSE_NAMES if name not in ("pte_bytes", "fds", "threads", "cpus")}
    assert dose.read(77) == Dose(**nothing, fds=0)


def test_flags_of_a_mapping_say_what_children_get(monkeypatch: pytest.MonkeyPatch) -> None:
    """MADV_WIPEONFORK is as MADV_DONTFORK, an unknown flag is none, and an old kernel tells no flags."""
    for flags, unforked in (("VmFlags: rd wf sd\n", 8), ("VmFlags: rd zz\n", 0), ("", 0)):
        text = f"7f00-7fff rw-p 00000000 00:00 0\nRss:  8 kB\nAnonymous:  8 kB\n{flags}"
        kernel_says(monkeypatch, {"smaps": text})
        held = dose.read(77)
        assert (held.unforked_bytes, held.copied_bytes) == (unforked * KIB, (8 - unforked) * KIB)


@needs_fork
@needs_proc
def test_the_sums_are_those_of_the_kernel() -> None:
    """Over a real process, the sums over mappings are what the kernel's own rollup says, to the byte."""
    with Subject(settings("os_fork")) as subject:
        subject.ready(PATIENCE_S)
        held = dose.read(subject.pid)
        with open(f"/proc/{subject.pid}/smaps_rollup") as lines:
            rollup = {line.split()[0]: int(line.split()[1]) * KIB for line in lines if line.endswith(" kB\n")}
        with open(f"/proc/{subject.pid}/maps") as lines:
            assert held.vmas == sum(1 for _ in lines)
    assert held.rss_bytes == rollup["Rss:"]
    assert held.private_bytes == rollup["Private_Clean:"] + rollup["Private_Dirty:"]
    assert held.huge_bytes == rollup["AnonHugePages:"]
    assert held.copied_bytes is not None
    assert rollup["Anonymous:"] <= held.copied_bytes <= rollup["Rss:"]


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
