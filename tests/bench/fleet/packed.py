"""Turns the directory of a run into what a host sends of it, and single members into an archive that nobody should."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from bench.fleet.arrival.unpack import RAW_FILES
from bench.fleet.records import Ending, Outcome

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> Member:
    """One entry of a tar."""
    about = tarfile.TarInfo(name)
    about.type, about.linkname, about.size = kind, target, len(content)
    return about, content


def archive(members: Iterable[Member]) -> bytes:
    """A tar of `members`, whatever they are."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for about, content in members:
            tar.addfile(about, io.BytesIO(content))
    return stream.getvalue()


def packed(run: Path) -> list[Member]:
    """The members for the raw files of `run`."""
    return [member(name, (run / name).read_bytes()) for name in RAW_FILES if (run / name).is_file()]


def outcome(content: bytes, host: str = "node1", digest: str | None = None) -> Outcome:
    """What a job left whose archive is `content`."""
    digest = hashlib.sha256(content).hexdigest() if digest is None else digest
    return Outcome("job", host, Ending.COMPLETE, archive=content, digest=digest)


def sent(run: Path, host: str = "node1") -> Outcome:
    """What a host sends of `run`."""
    return outcome(archive(packed(run)), host)


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack a tar of the suite's own into `folder`, with Python's filter where there is one (from 3.11.4 on)."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(folder)
