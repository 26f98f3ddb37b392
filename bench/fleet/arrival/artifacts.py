"""Turns directories, and archives of them, into the runs that they hold, at whatever depth and by whomever packed."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import schema
from bench.fleet.arrival.unpack import MOST_BYTES, RAW_FILES, ArrivalError, RawFile, content_of

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_MOST_DEPTH = 8
_MOST_ENTRIES = 100_000
# Of one archive, expanded: a thousand runs of profile `standard` have 1.2 GB.
_MOST_EXPANDED = 8 << 30


@dataclass(frozen=True)
class Found:
    """A run at `where`, with its raw files; `host`: the artifact that it was in. Or the `problem` that one has."""

    host: str
    where: str
    files: tuple[RawFile, ...] = ()
    problem: str = ""


def runs_in(path: Path) -> Iterator[Found]:
    """All runs in `path`, a directory or an archive. What cannot be read is one of them, with its `problem`."""
    if not path.is_dir():
        yield from _in_archive(path, _stem(path.name))
        return
    some = False
    for place in _places(path):
        inside = place.relative_to(path).parts
        host = _stem(inside[0] if inside else path.resolve().name)
        if place.is_dir():
            yield _read(host, str(place), partial(_files_of, place))
        else:
            yield from _in_archive(place, host)
        some = True
    if not some:
        yield Found(path.name, str(path), problem=f"no run in it (no {schema.RUN_FILE}), and no archive")


def _stem(name: str) -> str:
    return next((name.removesuffix(end) for end in ARCHIVES if name.endswith(end)), name)


def _places(top: Path) -> Iterator[Path]:
    """Directories of runs and archives below `top`, in order; no link is followed."""
    entries = 0
    for folder, folders, names in os.walk(top):
        entries += len(folders) + len(names)
        here = Path(folder)
        if schema.RUN_FILE in names:
            folders.clear()
            yield here
            continue
        if len(here.relative_to(top).parts) >= _MOST_DEPTH or entries > _MOST_ENTRIES:
            folders.clear()
        folders.sort()
        yield from (here / name for name in sorted(names) if name.endswith(ARCHIVES))


def _read(host: str, where: str, files: Callable[[], Iterable[RawFile]]) -> Found:
    try:
        return Found(host, where, tuple(files()))
    except ArrivalError as error:
        return Found(host, where, problem=str(error))
    except OSError as error:
        return Found(host, where, problem=f"cannot be read ({error.strerror or error})")
    except Exception as error:  # as in `unpack`: what is no archive raises much that is documented nowhere
        return Found(host, where, problem=f"damaged ({error})")


def _files_of(run: Path) -> Iterator[RawFile]:
    left = MOST_BYTES
    for name in RAW_FILES:
        path = run / name
        if not os.path.lexists(path) or path.parent.is_symlink():
            continue
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            about = os.fstat(descriptor)
            left -= about.st_size
            if not stat.S_ISREG(about.st_mode) or left < 0:
                raise ArrivalError(f"{name}: no regular file, or larger than such a file may be")
            yield RawFile(name, stream.read(about.st_size))


def _in_archive(path: Path, host: str) -> Iterator[Found]:
    """The runs of one archive, read one after the other."""
    opened = _zip_members if path.name.endswith(".zip") else _tar_members
    try:
        with open(path, "rb"):  # for the message of the system
            yield from _runs_of(opened(path), path, host)
    except ArrivalError as error:
        yield Found(host, str(path), problem=str(error))
    except OSError as error:
        yield Found(host, str(path), problem=f"cannot be read ({error.strerror or error})")
    except Exception as error:
        yield Found(host, str(path), problem=f"no archive, or a damaged one ({error})")


_Member = tuple[str, Callable[[], bytes]]


def _runs_of(members: Iterator[list[_Member]], path: Path, host: str) -> Iterator[Found]:
    for listed in members:
        by_name = {name.removeprefix("./"): content for name, content in listed}
        if len(by_name) < len(listed):
            raise ArrivalError("a name is in it twice")
        runs = [name.removesuffix(schema.RUN_FILE) for name in by_name if f"/{name}".endswith(f"/{schema.RUN_FILE}")]
        if not runs:
            raise ArrivalError(f"no run in it (no {schema.RUN_FILE})")
        for run in runs:
            chosen = [(name, by_name[f"{run}{name}"]) for name in RAW_FILES if f"{run}{name}" in by_name]
            read = partial(_contents, chosen)
            yield _read(host, f"{path}:{run.rstrip('/') or '.'}", read)


def _contents(chosen: Sequence[_Member]) -> Iterator[RawFile]:
    return (RawFile(name, content()) for name, content in chosen)


def _zip_members(path: Path) -> Iterator[list[_Member]]:
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        if len(listed) > _MOST_ENTRIES:
            raise ArrivalError(f"more than {_MOST_ENTRIES} entries")
        yield [(info.filename, partial(_from_zip, archive, info)) for info in listed]


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or info.file_size > MOST_BYTES:
        raise ArrivalError(f"{info.filename!a:.200}: no regular file, or larger than such a file may be")
    with archive.open(info) as stream:
        return stream.read(info.file_size)


class _BoundedGzip(gzip.GzipFile):
    """A gzip file of which no more is read at once than a run may have: a header of a tar names any size."""

    def read(self, size: int | None = -1) -> bytes:
        """As in the class above; raises `ArrivalError`."""
        if size is None or not 0 <= size <= MOST_BYTES:
            raise ArrivalError("a part of it is larger than a file of a run may be")
        return super().read(size)


def _tar_members(path: Path) -> Iterator[list[_Member]]:
    with open(path, "rb") as raw:
        stream = raw if path.name.endswith(".tar") else _BoundedGzip(fileobj=raw, mode="rb")
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            found: list[tarfile.TarInfo] = []
            total = 0
            # The next header lies behind what this one says of its size, so that this is looked at first.
            while (member := tar.next()) is not None:
                total += member.size
                if total > _MOST_EXPANDED or len(found) >= _MOST_ENTRIES or member.size > MOST_BYTES:
                    raise ArrivalError("larger than an archive of runs may be")
                found += [member] if not member.isdir() else []
            yield [(member.name, partial(content_of, tar, member)) for member in found]
