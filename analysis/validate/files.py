"""Turns the directory of a contributed run into what is wrong with its files before one of them is opened."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from analysis.exchange.pyperf_export import FILE as PYPERF_FILE
from analysis.validate.finding import Findings
from bench import schema

# All that is submitted of a run of profile `standard`; the committed ones have 0.8 to 1.2 MiB without the report.
MOST_BYTES = 3 << 20
# No profile measures for more than a few times as long as `standard`.
MOST_BYTES_OTHER = 16 << 20
# Figures come in two formats and once more inside the page.
MOST_REPORT = 8 << 20
_MOST_ENTRIES = 500
_RAW = {f"{table.name}.csv{end}" for table in schema.RAW_TABLES for end in ("", ".gz")}
_TOP = {schema.RUN_FILE, schema.SUMMARY.file, "model.json", PYPERF_FILE, *_RAW}
_REPORT = ("index.html", "report.md")
_PICTURE = re.compile(r"[a-z0-9_]+\.(?:svg|png)\Z")
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_files(directory: Path, findings: Findings) -> dict[str, int]:
    """Add what is wrong with names, kinds and sizes; return the size in bytes of each regular file by its name."""
    sizes: dict[str, int] = {}
    if directory.is_symlink():
        findings.add(".", None, "is a link; submit the directory itself")
        return sizes
    _walk(directory, "", findings, sizes)
    for table in schema.RAW_TABLES:
        if table.file not in sizes and f"{table.file}.gz" not in sizes:
            findings.add(table.file, None, "missing; the run is not whole, copy it again or measure again")
    if schema.RUN_FILE not in sizes:
        findings.add(schema.RUN_FILE, None, "missing; submit the directory that `bench run` printed")
    return sizes


def check_size(sizes: dict[str, int], profile: str, findings: Findings) -> None:
    """Add a finding where data or report are larger than runs of this profile are, or calls are not gzipped."""
    if schema.SAMPLES.file in sizes:
        findings.add(schema.SAMPLES.file, None, "is not gzipped; a complete run has samples.csv.gz alone")
    report = sum(size for name, size in sizes.items() if name.startswith("report/"))
    data = sum(sizes.values()) - report
    most = MOST_BYTES if profile in ("quick", "standard") else MOST_BYTES_OTHER
    if data >= most:
        findings.add(".", None, f"{data} bytes without the report; a run of this profile stays below {most >> 20} MiB")
    if report >= MOST_REPORT:
        findings.add("report", None, f"{report} bytes; a report stays below {MOST_REPORT >> 20} MiB")


def can_be_read(directory: Path, sizes: dict[str, int]) -> bool:
    """Whether every table is there, and nothing that is no regular file lies where a reader would open it."""
    names = [(table.file, f"{table.file}.gz") for table in schema.RAW_TABLES]
    whole = all(plain in sizes or packed in sizes for plain, packed in names)
    return whole and all(name in sizes or not os.path.lexists(directory / name) for pair in names for name in pair)


def _walk(directory: Path, inside: str, findings: Findings, sizes: dict[str, int]) -> None:
    try:
        with os.scandir(directory / inside) as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_ENTRIES:
                    findings.add(inside or ".", None, f"more than {_MOST_ENTRIES} files; no run has so many")
                    return
                _look_at(directory, f"{inside}{entry.name}", entry.stat(follow_symlinks=False), findings, sizes)
    except OSError as error:
        findings.add(inside or ".", None, f"cannot be read ({error.strerror}); copy it again")


def _look_at(directory: Path, name: str, about: os.stat_result, findings: Findings, sizes: dict[str, int]) -> None:
    kind = stat.S_IFMT(about.st_mode)
    if kind == stat.S_IFDIR and name in ("report", "interrupted"):
        _walk(directory, f"{name}/", findings, sizes)
    elif kind in _KINDS:
        findings.add(name, None, f"is {_KINDS[kind]}; a run holds regular files only")
    elif kind == stat.S_IFDIR or not _belongs(name):
        findings.add(name, None, "does not belong to a run; remove it")
    else:
        sizes[name] = about.st_size


def _belongs(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    if folder == "report":
        return file in _REPORT or _PICTURE.match(file) is not None
    return file in (_RAW if folder == "interrupted" else _TOP)
