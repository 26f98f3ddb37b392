"""Turns run.json of a contributed run into its document and into everything that is wrong with it, key by key."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from analysis.errors import LoadError
from analysis.read.bounded_file import read_bytes
from analysis.read.run import read_document
from analysis.validate.finding import MOST_OF_FILE, Findings
from analysis.validate.texts import wrong_text
from bench import schema
from bench.schema import CheckState, Direction, DocumentError, RunDocument, RunStatus, json_text

# The committed ones have 8 KB; that of a run with many interpreters and unavailable cells 200 KB.
MOST_BYTES = 2 << 20
# Without these nobody can say what was measured.
_FACTS = ("architecture", "cpu_count", "kernel", "platform", "system")
_RUN_NAME = re.compile(r"(\d{8}T\d{6}Z)(-.+)?\Z")
# The clock of a contributor may go wrong by a time zone.
_SLACK = datetime.timedelta(days=1)
# The name is made of the time of the start; two runs of one second may not have the same.
_NAMED_WITHIN = datetime.timedelta(minutes=1)


def check_document(directory: Path, findings: Findings, published: bool = True) -> RunDocument | None:
    """The document of the run, with all that is wrong with it added to `findings`; ``None``: it cannot be used.

    Not `published`: a run need not be whole, nor good, and its texts are nobody else's.
    """
    file = schema.RUN_FILE
    try:
        text = read_bytes(directory / file, MOST_BYTES).decode("utf-8")
        data = json_text.load(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        findings.add(file, line, "not UTF-8 text; copy it again or measure again")
        return None
    except DocumentError as error:
        findings.add_error(LoadError(f"{directory / file}:{error}"), file)
        return None
    except LoadError as error:
        findings.add_error(error, file)
        return None
    except OSError as error:
        findings.add(file, None, f"cannot be read ({error.strerror}); copy it again")
        return None
    for way, what in _wrong_texts(data, ()) if published else ():
        if findings.counts.get(file, 0) > MOST_OF_FILE:
            break
        _add(findings, text, way, what)
    try:
        document = read_document(directory)
    except LoadError as error:
        found = len(findings.found)
        for way, what in _wrong_keys(data):
            _add(findings, text, way, what)
        if len(findings.found) == found:
            findings.add_error(error, file)
        return None
    content = _wrong_content(document) if published else ()
    for way, what in (*_wrong_names(directory, document), *_wrong_times(document), *content):
        _add(findings, text, way, what)
    return document


def _add(findings: Findings, text: str, way: Sequence[str], what: str) -> None:
    findings.add(schema.RUN_FILE, _line_of(text, way), f"{json_text.shown('.'.join(way))}: {what}")


def _line_of(text: str, way: Sequence[str]) -> int:
    """The line of the key at the end of `way`: each is looked for after the one before it."""
    place = 0
    for key in way:
        match = re.compile(rf'"{re.escape(key)}"\s*:').search(text, place)
        place = match.end() if match else place
    return text.count("\n", 0, place) + 1


def _wrong_texts(data: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(data, str):
        yield from ((way, what) for what in wrong_text(data))
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from (((*way, key), f"its name {what}") for what in wrong_text(key))
            yield from _wrong_texts(value, (*way, key))
    elif isinstance(data, list):
        for value in data:
            yield from _wrong_texts(value, way)


def _wrong_keys(data: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """What does not fit the model, top-level keys each for itself: all of them are named, not the first one."""
    if not isinstance(data, dict):
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(RunDocument)}
    for key in data:
        if key not in fields:
            yield (key,), "unknown key"
    for key, about in fields.items():
        if key not in data:
            if about.required:
                yield (key,), "missing"
            continue
        try:
            msgspec.convert(data[key], about.type)
        except msgspec.ValidationError as error:
            yield (key,), str(error).replace("`", "")


def _wrong_names(directory: Path, document: RunDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    place = directory.resolve()
    for key, said, name in (("run", document.run, place.name), ("machine", document.machine, place.parent.name)):
        if said != name:
            yield (key,), f"{json_text.shown(said)}, but its directory is {json_text.shown(name)}"
    if not _RUN_NAME.match(document.run):
        yield ("run",), "does not begin with the time of the run, as in 20261124T084933Z"


def _wrong_times(document: RunDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    latest = datetime.datetime.now(datetime.UTC) + _SLACK
    started, ended = _time(document.started), _time(document.ended)
    named = _RUN_NAME.match(document.run)
    times = [("started", started)]
    times += [("ended", ended)] if document.ended is not None or document.status is RunStatus.COMPLETE else []
    times += [("run", _time(named[1]))] if named else []
    times += [("resumed", _time(one.at)) for one in document.resumed]
    for key, time in times:
        if time is None:
            yield (key,), "no time in UTC, as 2026-11-24T08:49:33Z"
        elif time > latest:
            yield (key,), "lies in the future; set the clock and measure again"
    if started and named and abs(started - (_time(named[1]) or started)) > _NAMED_WITHIN:
        yield ("started",), f"{document.started}, but the run is named {json_text.shown(document.run)}"
    if started and ended and ended < started:
        yield ("ended",), "is before started"


def _time(text: str | None) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def _wrong_content(document: RunDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a run must tell to be published: it is whole, measured here, on a known machine, by a good instrument."""
    if document.status is not RunStatus.COMPLETE:
        yield ("status",), f"{document.status}; only complete runs are published: resume it, or measure again"
    if document.source is not None:
        yield ("source",), "imported from another tool; only runs measured by this suite are published"
    if (document.suite.commit or "").endswith("-dirty"):
        yield ("suite", "commit"), "measured with changed files; commit them and measure again"
    for fact in _FACTS:
        if document.machine_facts.get(fact) in (None, ""):
            yield ("machine_facts", fact), "missing"
    for key in ("before", "after"):
        if not getattr(document, key):
            yield (key,), "empty; the state of the machine is part of a result"
    if not document.pythons:
        yield ("pythons",), "empty; no interpreter is described"
    yield from _wrong_certificate(document)


def _wrong_certificate(document: RunDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    certificate = document.certificate
    if certificate is None or not certificate.checks:
        yield ("certificate",), "missing; nothing says how far the instrument can be believed"
        return
    for check in certificate.checks:
        name = json_text.shown(check.name)
        if not check.passed:
            yield ("certificate", "checks"), f"{name}: {check.state.replace('_', ' ')}; see `make check`, measure again"
        elif check.value is None or not (
            check.value <= check.bound if check.direction is Direction.AT_MOST else check.value >= check.bound
        ):
            yield ("certificate", "checks"), f"{name}: {CheckState.PASSED}, but {check.value} is beyond {check.bound}"
    if certificate.passed != all(check.passed for check in certificate.checks):
        yield ("certificate", "passed"), "does not follow from its checks"
