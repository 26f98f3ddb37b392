"""Turns the columns of summary.csv into the JSON schema of a summary; run as a program, it prints that."""

from __future__ import annotations

import json
from typing import Any

from bench import schema
from bench.schema import RunStatus

KINDS = {"int": "integer", "float": "number", "str": "string"}


def document() -> dict[str, Any]:
    """The JSON schema of `summary --format json` and `export --format json`."""
    run = {
        "machine": {"type": "string", "description": "the machine's name, that of the directory above the run"},
        "run": {"type": "string", "description": "the run's name: its time (UTC), and its label if it has one"},
        "status": {"enum": [str(status) for status in RunStatus]},
        "rounds": {"type": "integer", "minimum": 0, "description": "complete rounds"},
        "warnings": {
            "type": "array",
            "items": {"type": "string"},
            "description": "what to know, a line each",
        },
        "cells": {
            "type": "array",
            "items": _object({column.name: _column(column) for column in schema.SUMMARY.columns}),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Summaries of forkbench's runs",
        "description": "What `python -m analysis export RUN --format json` prints. Keys may be added; none is taken "
        "away or changes its meaning. null: the figure is not known.",
        "type": "array",
        "items": _object(run),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _column(column: schema.Column) -> dict[str, Any]:
    kind: Any = KINDS[column.kind]
    if column.optional and column.kind != "str":
        kind = [kind, "null"]
    found: dict[str, Any] = {"type": kind, "description": column.meaning}
    if column.unit:
        found["description"] += f" ({column.unit})"
    return found


def text() -> str:
    """The schema as it stands in docs/summary.schema.json."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
