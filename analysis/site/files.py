"""Turns files of runs into bytes and digests, and pages into files of the site; no link is followed either way."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path, PurePosixPath

from analysis.errors import LoadError
from analysis.write_file import make_folder, write_file

MOST_BYTES = 64 * 2**20  # a file of a standard run has less than 3 MiB
_PART = 1 << 18  # stays in the cache of a CPU
_OF_PAGES = (".html", ".svg", ".png", ".csv", ".json", ".zip")  # what a folder would take the place of
# Half of the time of zlib's own choice (6) for blocks.csv, and 6 % more bytes of the files that are not packed already.
_ZIP_LEVEL = 4
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,150}")


def place_name(name: str) -> str:
    """A name for a folder or file of the site: `name` itself where it is plain, else its plain letters and a hash."""
    if _PLAIN_NAME.fullmatch(name) and not name.endswith(_OF_PAGES):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"x-{re.sub('[^A-Za-z0-9]+', '-', name)[:40]}-{digest}"


def read_regular(path: Path) -> bytes | None:
    """The bytes of a regular file; ``None``: there is none. Raises `LoadError` for a link or too large a file."""
    stream = _open_regular(path)
    if stream is None:
        return None
    with stream:
        return stream.read(MOST_BYTES)


def _open_regular(path: Path) -> FileIO | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror}); links are not followed") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
        os.close(descriptor)
        raise LoadError(f"{path}: not a regular file of at most {MOST_BYTES >> 20} MiB; leave the run out")
    return FileIO(descriptor)


def digest(contents: Mapping[str, bytes]) -> str:
    """SHA-256 of named contents, whatever their order."""
    whole = hashlib.sha256()
    for name in sorted(contents):
        whole.update(_head(name, len(contents[name])))
        whole.update(contents[name])
    return whole.hexdigest()


def digest_of_files(folder: Path, names: Iterable[str]) -> str:
    """`digest` of the files in `folder` that are there, read in parts: most of the time they are as they were."""
    whole = hashlib.sha256()
    part = memoryview(bytearray(_PART))
    for name in sorted(names):
        stream = _open_regular(folder / name)
        if stream is not None:
            with stream:
                whole.update(_head(name, os.fstat(stream.fileno()).st_size))
                while count := stream.readinto(part):
                    whole.update(part[:count])
    return whole.hexdigest()


def _head(name: str, length: int) -> bytes:
    return f"{len(name)} {name} {length} ".encode("utf-8", "surrogateescape")


def archive(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A zip archive with `files` in `folder`; the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            about = zipfile.ZipInfo(f"{folder}/{name}")  # its time is 1980, so that bytes are the same
            about.external_attr = 0o644 << 16
            packed = name.endswith(".gz")  # to press it again takes time and gains nothing
            made.writestr(about, files[name], zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED, _ZIP_LEVEL)
    return target.getvalue()


def put(site: Path, place: str, content: bytes | str) -> bool:
    """Write `content` at `place` (folders with / between) of the site unless it is there; whether it was written."""
    *folders, name = PurePosixPath(place).parts
    here = site
    for folder in folders:
        here = here / folder
        make_folder(here)
    data = content.encode() if isinstance(content, str) else content
    path = here / name
    if not path.is_symlink() and path.is_file() and path.read_bytes() == data:
        return False
    write_file(path, data)
    return True
