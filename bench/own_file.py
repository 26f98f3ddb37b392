"""Turns the path of a user's file into what a run records of it: its name and the hash of its content, never a path."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass

from bench.errors import UsageError

# Hexadecimal digits of the SHA-256: by accident, two of a million files share 12 of them once in 500 times.
DIGITS = 12
_NAME = re.compile(r"[^,+@=:\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}")


@dataclass(frozen=True)
class OwnFile:
    """A file as it was when the run began: `path` as it was given, `digest` the first `DIGITS` of its SHA-256."""

    path: str
    digest: str
    size: int
    changed_ns: int

    @property
    def base(self) -> str:
        """Its name without its directory."""
        return os.path.basename(self.path)

    @property
    def name(self) -> str:
        """What a run calls it, as in ``server.py@1a2b3c4d5e6f``."""
        return f"{self.base}@{self.digest}"

    def problem(self) -> str:
        """Why it is no longer what the run began with, or an empty string; cheap enough for every start."""
        try:
            now = os.stat(self.path)
        except OSError as error:
            return f"{self.base}: was there when the run began, and is not now ({error.strerror})"
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            return f"{self.base}: was changed while the run lasted; measure the new content in a new run"
        return ""


def look_at(path: str) -> OwnFile:
    """Read the file at `path`. Raises `UsageError`."""
    path = os.path.expanduser(path)
    if not _NAME.fullmatch(os.path.basename(path)):
        raise UsageError(f"{path}: a file's name becomes part of the run; rename it without , + @ = : (100 characters)")
    try:
        # A pipe without a writer would block for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read ({reason}); name a Python file") from None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise UsageError(f"{path}: is not a regular file; name a Python file")
    with open(descriptor, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()[:DIGITS]
    return OwnFile(path, digest, facts.st_size, facts.st_mtime_ns)
