"""Turns the text of run.json into the checked model, and the model into that text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from threading import Lock
from typing import Any, NoReturn

import msgspec

from bench.schema import json_text
from bench.schema.json_text import DocumentError
from bench.schema.run_document import SCHEMA_VERSION, InterpreterFacts, RunDocument, RunOptions
from bench.schema.visible import in_all_texts, visible, writable
from bench.schema.words import CheckState, Direction

# The only check of version 1 that passes above its bound; later versions write the direction down.
_AT_LEAST_IN_VERSION_1 = ("share_in_calls",)
_NOT_MEASURED_IN_VERSION_1 = "could not be measured"
# msgspec looks a class up when it is first used, and a second thread that comes meanwhile crashes the process.
_ONE_THREAD = Lock()
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)

__all__ = ["DocumentError", "dump", "parse"]


def dump(document: RunDocument) -> str:
    """The text of run.json: keys in order, one a line."""
    return writable(json.dumps(msgspec.to_builtins(document), indent=1, sort_keys=True, ensure_ascii=False)) + "\n"


def parse(text: str) -> RunDocument:
    """Read the text of run.json, of this version or an older one; its texts are made `visible`.

    Raises `DocumentError`, whose text is not.
    """
    data = json_text.load(text)
    json_text.refuse_values(data, _not_finite)
    data = in_all_texts(data, writable)
    version = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise DocumentError("1: not a run's document (it has no schema version)")
    if version > SCHEMA_VERSION:
        raise DocumentError(
            f"1: schema version {json_text.shown(str(version))} is newer than this program reads ({SCHEMA_VERSION}); "
            "use the forkbench that wrote it, or a later one"
        )
    if version < 2:
        _raise_to_version_2(data)
    try:
        with _ONE_THREAD:
            document = msgspec.convert(data, RunDocument)
    except msgspec.ValidationError as error:
        _refuse(_with_key(data, str(error)))
    if document.source is None:
        _require_all_keys(data)
    # What was written is what is checked, and what is safe to show is what is given out.
    return msgspec.convert(in_all_texts(data, visible), RunDocument)


def _not_finite(value: Any) -> str | None:
    """What is wrong with a number that JSON can spell, and `dump` could not write again."""
    return "not a finite number" if isinstance(value, float) and not math.isfinite(value) else None


def _raise_to_version_2(data: dict[str, Any]) -> None:
    """Version 1 told of a check only whether it passed."""
    certificate = data.get("certificate")
    checks = certificate.get("checks") if isinstance(certificate, dict) else None
    for check in checks if isinstance(checks, list) else []:
        if isinstance(check, dict) and isinstance(check.get("passed"), bool):
            passed, name = check.pop("passed"), check.get("name")
            unseen = str(check.get("text", "")).startswith(_NOT_MEASURED_IN_VERSION_1)
            check["direction"] = Direction.AT_LEAST if name in _AT_LEAST_IN_VERSION_1 else Direction.AT_MOST
            check["state"] = CheckState.PASSED if passed else CheckState.FAILED
            if unseen and not passed:
                check |= {"state": CheckState.NOT_MEASURED, "value": None}


def _with_key(data: dict[str, Any], error: str) -> str:
    """The error with the key of a map in place of ``[...]``, which is all that msgspec tells of it."""
    match = re.search(r"\$\.(\w+)\[\.\.\.\]", error)
    if match is None:
        return error
    types = {field.name: field.type for field in msgspec.structs.fields(RunDocument)}
    for key, value in data[match[1]].items():
        # One entry at a time, and nothing of the rest: a map may hold a million.
        try:
            msgspec.convert({key: value}, types[match[1]])
        except msgspec.ValidationError:
            return error.replace("[...]", f".{key}", 1)
    return error


def _refuse(error: str) -> NoReturn:
    """Raise `DocumentError` for what msgspec says, the key first: ``options.budget_s: expected ...``."""
    match = _PLACE.match(error)
    assert match is not None
    what, place = match["what"], (match["place"] or "").lstrip(".")
    if field := _MISSING.fullmatch(what) or _UNKNOWN.fullmatch(what):
        key = f"{place}.{field[1]}" if place else field[1]
        what = "missing" if _MISSING.fullmatch(what) else "unknown key"
    else:
        key, what = place, what[:1].lower() + what[1:].replace("`", "")
    raise DocumentError(f"{json_text.shown(key) or 'run.json'}: {json_text.shown(what)}")


def _require_all_keys(data: Mapping[str, Any]) -> None:
    """What an imported run may lack, a measured one has."""
    parts: dict[str, tuple[Mapping[str, Any], type[msgspec.Struct]]] = {"options": (data["options"], RunOptions)}
    parts |= {f"pythons.{label}": (facts, InterpreterFacts) for label, facts in data["pythons"].items()}
    for place, (part, model) in parts.items():
        for name in model.__struct_fields__:
            if name not in part:
                raise DocumentError(f"{json_text.shown(place)}.{name}: missing")
