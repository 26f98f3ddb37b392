"""Turns small text files of /proc and /sys into values. A file that cannot be read is empty, never an error."""

from __future__ import annotations

from pathlib import Path


def read_text(path: str | Path) -> str:
    """The text of the file without blanks around it; empty where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def read_number(path: str | Path) -> int | None:
    """The whole number that the file holds; None where it holds something else, such as ``max``."""
    text = read_text(path)
    return int(text) if text.removeprefix("-").isdecimal() else None


def read_numbers(path: str | Path) -> dict[str, int]:
    """The numbers of a file of lines ``name[:] number [kB]``, such as /proc/meminfo; kB become bytes."""
    numbers: dict[str, int] = {}
    for line in read_text(path).splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdecimal():
            numbers[words[0]] = int(words[1]) * (1024 if words[2:] == ["kB"] else 1)
    return numbers
