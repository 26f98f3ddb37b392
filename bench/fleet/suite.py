"""Turns the checkout into the archive that a host measures with, and a folder of wheels into another.

``python -m bench.fleet.suite`` prints the part of the lock that a host needs, for ``pip download``.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.files.suite_commit import COMMIT_FILE, ROOT, suite_commit

LOCK = "requirements.lock"
# All that `bench` imports beyond the standard library; what these need in turn is found in the lock.
IMPORTED = ("msgspec", "psutil", "pyperf", "rich")
VERSION_DIGITS = 16
_FOLDER = "bench"
_BESIDE = ("LICENSE",)
_SUFFIXES = (".py", ".c")
# A package of the lock: its first line, and the lines that are set in behind it (hashes, and what it is needed for).
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==.*\n(?:[ \t].*\n)*", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """The suite as it is sent. `version` is the beginning of the SHA-256 of `archive`, a tar."""

    version: str
    archive: bytes


def pack(root: Path) -> Suite:
    """The suite under `root` as it is now, changes that are not committed included; the same files, the same bytes.

    Raises `UsageError` where a file cannot be read.
    """
    try:
        files = {name: (root / name).read_bytes() for name in _names(root)}
        lock = (root / LOCK).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read ({error.strerror}); the suite is sent whole") from None
    files[LOCK] = part_of_lock(lock, IMPORTED).encode()
    files[COMMIT_FILE] = (suite_commit(root) or "").encode()
    archive = _tar(files)
    return Suite(hashlib.sha256(archive).hexdigest()[:VERSION_DIGITS], archive)


def pack_wheels(folder: Path) -> bytes:
    """A tar of all wheels in `folder`, for hosts that reach no package index. Raises `UsageError`."""
    try:
        wheels = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix == ".whl"}
    except OSError as error:
        raise UsageError(f"--wheels {folder}: cannot be read ({error.strerror}); name a directory of wheels") from None
    if not wheels:
        command = f"python -m bench.fleet.suite > host.lock; python -m pip download --no-deps -r host.lock -d {folder}"
        raise UsageError(f"--wheels {folder}: holds no wheel; fill it with: {command}")
    return _tar(wheels)


def part_of_lock(lock: str, names: Collection[str]) -> str:
    """The lines of `lock` for the packages `names` and all that they need."""
    packages = [(match[1], match[0]) for match in _PACKAGE.finditer(lock)]
    wanted, before = set(names), 0
    while len(wanted) > before:
        before = len(wanted)
        wanted |= {name for name, text in packages if wanted & set(_needed_by(text))}
    return "".join(text for name, text in packages if name in wanted)


def _needed_by(package: str) -> Iterable[str]:
    """The packages behind ``# via`` in the lines of one package."""
    return re.findall(r"^ +#(?: via)? +([A-Za-z0-9._-]+)$", package, re.MULTILINE)


def _names(root: Path) -> list[str]:
    """What a run needs: the files that git keeps, or all sources where this is no checkout."""
    try:
        listing = ["git", "-C", str(root), "ls-files", "-z", "--", _FOLDER, *_BESIDE]
        done = subprocess.run(listing, capture_output=True, timeout=10)
        kept = done.stdout.decode().split("\0") if done.returncode == 0 else []
    except (OSError, subprocess.TimeoutExpired):
        kept = []
    if not any(kept):
        sources = (path for path in (root / _FOLDER).rglob("*") if path.suffix in _SUFFIXES)
        kept = [*(str(path.relative_to(root).as_posix()) for path in sources), *_BESIDE]
    return sorted(name for name in kept if name and (root / name).is_file())


def _tar(files: dict[str, bytes]) -> bytes:
    """Without times, owners and modes: nothing but names and content decides about the bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            tar.addfile(member, io.BytesIO(files[name]))
    return stream.getvalue()


if __name__ == "__main__":
    print(part_of_lock((ROOT / LOCK).read_text(encoding="utf-8"), IMPORTED), end="")
