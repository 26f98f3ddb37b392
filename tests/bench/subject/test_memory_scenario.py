"""Holds how a parent gets its memory: on a kernel that says what the test wants, without a process of its own."""

from __future__ import annotations

import builtins
import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bench.subject.scenarios import memory

PAGE = 4096


class Kernel:
    """A module `mmap` over memory that is not there: it notes what it is told, and refuses some advice."""

    MAP_PRIVATE, MAP_ANONYMOUS, PAGESIZE = 2, 32, PAGE

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refuses: tuple[int, ...], huge_kib: tuple[int, ...]) -> None:
        self.refuses = refuses
        self.mapped: list[tuple[int, int, int]] = []
        self.advice: list[int] = []
        self.written: list[int] = []
        rollups = iter(huge_kib)
        monkeypatch.setitem(sys.modules, "mmap", self)
        real_open = builtins.open

        def fake_open(path: Any, *arguments: Any, **options: Any) -> Any:
            if path != "/proc/self/smaps_rollup":
                return real_open(path, *arguments, **options)
            kib = next(rollups)
            if kib < 0:
                raise FileNotFoundError(2, "No such file or directory")
            return io.StringIO(f"Rss:   99 kB\nAnonHugePages:   {kib} kB\nFilePmdMapped:   77 kB\n")

        monkeypatch.setattr(builtins, "open", fake_open)

    def mmap(self, descriptor: int, size: int, flags: int) -> Kernel:
        """The one mapping."""
        self.mapped.append((descriptor, size, flags))
        return self

    def madvise(self, advice: int) -> None:
        """Note it, or refuse it."""
        self.advice.append(advice)
        if advice in self.refuses:
            raise OSError(22, "Invalid argument")

    def __len__(self) -> int:
        return self.mapped[-1][1]

    def __setitem__(self, offset: int, value: int) -> None:
        self.written.append(offset)


def filled(
    monkeypatch: pytest.MonkeyPatch, size: int, refuses: tuple[int, ...] = (), huge_kib: tuple[int, ...] = (0, 0)
) -> tuple[Kernel, Any]:
    """A kernel and a parent after ``rss=size``."""
    kernel, parent = Kernel(monkeypatch, refuses, huge_kib), SimpleNamespace(memory=[], written=[])
    memory.rss(parent, str(size))
    return kernel, parent


def test_memory_is_private_kept_and_filled_by_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Huge pages are refused first (15), then every page is made (23); the parent holds on to what was mapped."""
    kernel, parent = filled(monkeypatch, 3 * PAGE)
    assert kernel.mapped == [(-1, 3 * PAGE, 34)]
    assert kernel.advice == [15, 23]
    assert kernel.written == []
    assert parent.memory == [kernel]


def test_an_older_kernel_has_every_page_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MADV_POPULATE_WRITE there is one write to each page, the begun last one included."""
    kernel, _ = filled(monkeypatch, 2 * PAGE + 1, refuses=(23,))
    assert kernel.written == [0, PAGE, 2 * PAGE]


def test_a_kernel_without_huge_pages_needs_not_refuse_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows no such advice; the memory is filled all the same."""
    kernel, parent = filled(monkeypatch, PAGE, refuses=(15,))
    assert kernel.advice == [15, 23]
    assert parent.memory == [kernel]


def test_no_memory_is_not_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Level 0 leaves the parent as it is."""
    kernel, parent = filled(monkeypatch, 0)
    assert kernel.mapped == []
    assert parent.memory == []


def test_huge_pages_are_an_error_with_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process had in huge pages before does not count, nor does a kernel that tells nothing."""
    filled(monkeypatch, PAGE, huge_kib=(2048, 2048))
    filled(monkeypatch, PAGE, huge_kib=(-1, -1))
    with pytest.raises(RuntimeError, match=r"^rss=4096: the kernel used huge pages for 1024 bytes$"):
        filled(monkeypatch, PAGE, huge_kib=(2048, 2049))
