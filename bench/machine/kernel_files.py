"""Turns small text files of /proc and /sys into values; what cannot be read is empty, never an error."""

from __future__ import annotations

from pathlib import Path


def read(path: str | Path) -> str:
    """The text of the file without blanks around it; empty where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(path: str | Path) -> int | None:
    """The whole number that the file holds; None where it holds something else, such as ``max``."""
    text = read(path)
    return int(text) if text.removeprefix("-").isdecimal() else None


def keyed(path: str | Path) -> dict[str, int]:
    """The numbers of a file of lines ``name[:] number [kB]``, such as /proc/meminfo; kB become bytes."""
    found: dict[str, int] = {}
    for line in read(path).splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdecimal():
            found[words[0]] = int(words[1]) * (1024 if words[2:] == ["kB"] else 1)
    return found
