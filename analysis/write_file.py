"""Turns bytes that are derived from a run into a file: whole or not at all, and never somewhere else.

A run may come from anywhere, and so may what lies in the place of its derived files: a link there is replaced, and
what it points to stays as it is. Errors are `OSError`, for the caller to say what to do.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from analysis.errors import LoadError


def write_file(path: Path, content: bytes | str) -> None:
    """Put a file with `content` (text: as UTF-8) in the place of `path`; what was there stays until all is written.

    Raises `OSError`; nothing is left beside `path` then.
    """
    _refuse_special(path)
    data = content.encode() if isinstance(content, str) else content
    # A name that nobody can have laid a link or a file at; O_EXCL holds that.
    beside = path.with_name(f".{secrets.token_hex(8)}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as stream:
            rest = memoryview(data)
            while rest:
                rest = rest[stream.write(rest) :]
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def make_folder(path: Path) -> None:
    """Make the folder `path` where there is none. Raises `LoadError` for a link, which may lead anywhere; `OSError`."""
    with suppress(FileExistsError):
        path.mkdir()
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise LoadError(f"{path}: is a symbolic link, and what it leads to is not to be changed; remove the link")
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _refuse_special(path: Path) -> None:
    """Raise `OSError` where a rename would take away a device or FIFO, such as ``/dev/stdout``."""
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
