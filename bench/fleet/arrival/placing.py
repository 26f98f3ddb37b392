"""Turns a run's document and files into the name of its place, and into what tells it from another run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter

from bench import schema
from bench.errors import UsageError
from bench.fleet.arrival.unpack import MOST_BYTES, RAW_FILES, ArrivalError, RawFile
from bench.schema import DocumentError, RunDocument
from bench.schema.visible import writable

_MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,149}\Z")
_RUN = re.compile(r"\d{8}T\d{6}Z(-[A-Za-z0-9][A-Za-z0-9._+-]{0,149})?\Z")
_FIELDS = ("machine", "host")
_NAMES = ("machine", "run")


@dataclass(frozen=True)
class PlaceName:
    """Where a run lies below results."""

    machine: str
    run: str


def check_template(template: str | None) -> None:
    """Raise `UsageError` for a ``--machine`` that no name can be made of."""
    try:
        fields = [part[1:] for part in Formatter().parse(template or "") if part[1] is not None]
    except ValueError as error:
        raise UsageError(f"--machine {template}: {error}; write {{machine}} or {{host}}") from None
    for name, spec, conversion in fields:
        if name not in _FIELDS or spec or conversion:
            raise UsageError(f"--machine {template}: {{{name}}} is no field; there is {{machine}} and {{host}}")
    if template is not None and not _MACHINE.match(template.format(machine="m", host="h")):
        raise UsageError(f"--machine {template}: letters, digits and . _ + -, since it names a directory")


def place_name(document: RunDocument, host: str, template: str | None) -> PlaceName:
    """The directory of a run: what its document says, or `template` with the fields ``{machine}`` and ``{host}``.

    Raises `ArrivalError` for a name that is none.
    """
    host = re.sub(r"[^A-Za-z0-9._+-]+", "-", host).strip("-.") or "host"
    machine = template.format(machine=document.machine, host=host) if template else document.machine
    for key, name, pattern in (("machine", machine, _MACHINE), ("run", document.run, _RUN)):
        if not pattern.match(name):
            raise ArrivalError(f"{schema.RUN_FILE}: {key} is {name!a:.100}, no name of a directory")
    return PlaceName(machine, document.run)


def document_of(files: Iterable[RawFile]) -> RunDocument:
    """run.json among `files`. Raises `ArrivalError`."""
    try:
        return schema.parse(_text(files))
    except DocumentError as error:
        raise ArrivalError(f"{schema.RUN_FILE}: {error}") from None


def renamed(files: Sequence[RawFile], name: PlaceName) -> list[RawFile]:
    """`files` with the names of the place in run.json, which is otherwise as it was."""
    data = json.loads(_text(files)) | {"machine": name.machine, "run": name.run}
    text = writable(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)) + "\n"
    return [RawFile(file.name, text.encode()) if file.name == schema.RUN_FILE else file for file in files]


def fingerprint_of(run: Path | Sequence[RawFile]) -> str:
    """Hex SHA-256 of what was measured, the same wherever the run lies; empty: it is none that can be read."""
    digest = hashlib.sha256()
    try:
        files = _files_in(run) if isinstance(run, Path) else run
        for file in sorted(files, key=lambda file: file.name):
            content = file.content
            if file.name == schema.RUN_FILE:
                data = json.loads(content)
                content = json.dumps({key: data[key] for key in data if key not in _NAMES}, sort_keys=True).encode()
            digest.update(f"{file.name} {len(content)}\n".encode())
            digest.update(content)
    except (OSError, ValueError, AttributeError, TypeError):
        return ""
    return digest.hexdigest()


def names_for(name: PlaceName, mark: str) -> Iterator[PlaceName]:
    """`name`, and for where another run has it, the same with the beginning of `mark`, the run's fingerprint."""
    yield name
    for length in (8, 16, 64):
        yield replace(name, run=f"{name.run}-{mark[:length]}")


def _files_in(directory: Path) -> Iterator[RawFile]:
    size = 0
    for name in RAW_FILES:
        if (path := directory / name).is_file():
            size += path.stat().st_size
            if size > MOST_BYTES:
                raise ValueError
            yield RawFile(name, path.read_bytes())


def _text(files: Iterable[RawFile]) -> str:
    try:
        return next(file.content for file in files if file.name == schema.RUN_FILE).decode()
    except UnicodeDecodeError:
        raise ArrivalError(f"{schema.RUN_FILE}:1: not UTF-8 text") from None
