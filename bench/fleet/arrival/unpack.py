"""Turns an archive from a host into the raw files of one run: names that a run has, regular files, bounded sizes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench import schema

# A run of an hour has 40 MB of calls before they are gzipped.
MOST_BYTES = 128 << 20
# As `analysis validate` has it.
MOST_DOCUMENT = 2 << 20
_TABLES = tuple(f"{table.file}{end}" for table in schema.RAW_TABLES for end in ("", ".gz"))
RAW_FILES = (schema.RUN_FILE, *_TABLES, *(f"interrupted/{name}" for name in _TABLES))
"""All that is taken of a run. What is derived from these is made again here."""


class ArrivalError(Exception):
    """What arrived is not taken for a run. The text says in one line what is wrong; it may quote what came."""


@dataclass(frozen=True)
class RawFile:
    """One file of a run: its name, one of `RAW_FILES`, and its bytes."""

    name: str
    content: bytes


def unpack(archive: bytes) -> list[RawFile]:
    """The files in the tar `archive`, all of them raw files of one run. Raises `ArrivalError`."""
    if len(archive) > MOST_BYTES:
        raise ArrivalError(f"{len(archive)} bytes, more than the {MOST_BYTES >> 20} MiB that a run may have")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            return checked(_members(tar))
    except ArrivalError:
        raise
    except Exception as error:  # tarfile raises much that it does not document for what is no archive
        raise ArrivalError(f"no archive of a run, or a damaged one ({error})") from None


def checked(files: Iterable[RawFile]) -> list[RawFile]:
    """`files`, if they are of bounded sizes, none is twice there, and one is run.json. Raises `ArrivalError`."""
    found: dict[str, RawFile] = {}
    total = 0
    for file in files:
        if file.name not in RAW_FILES:
            raise no_file_of_a_run(file.name)
        if file.name in found:
            raise ArrivalError(f"{file.name}: twice in the archive")
        total += len(file.content)
        if total > MOST_BYTES or (file.name == schema.RUN_FILE and len(file.content) > MOST_DOCUMENT):
            raise ArrivalError(f"{file.name}: larger than such a file may be")
        found[file.name] = file
    if schema.RUN_FILE not in found:
        raise ArrivalError(f"{schema.RUN_FILE}: missing; the run is not whole")
    return list(found.values())


def content_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The bytes of a member that is a regular file of bounded size. Raises `ArrivalError`."""
    # What tarfile calls a regular file may be a sparse one, which is larger than the archive.
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
        raise ArrivalError(f"{member.name!a:.200}: no regular file; a run holds nothing else")
    stream = tar.extractfile(member) if member.size <= MOST_BYTES else None
    content = stream.read(member.size) if stream else b""
    if len(content) != member.size:
        raise ArrivalError(f"{member.name!a:.200}: cut off, or larger than such a file may be")
    return content


def no_file_of_a_run(name: str) -> ArrivalError:
    """The error for a name that none of `RAW_FILES` has."""
    return ArrivalError(f"{name!a:.200}: no file that a run has")


def _members(tar: tarfile.TarFile) -> Iterator[RawFile]:
    while (member := tar.next()) is not None:
        content = content_of(tar, member)
        if member.name not in RAW_FILES:
            raise no_file_of_a_run(member.name)
        yield RawFile(member.name, content)
