"""Turns results/README.md into tests: its dictionary is that of the writer, and its example runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from analysis.read.run import load_run
from analysis.summary.cells import summarise
from bench import schema
from tests import ROOT

TEXT = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
KINDS = {"int": "whole number", "float": "number", "str": "text"}


def section(file: str) -> str:
    """What is below the heading of `file`, up to the next heading."""
    found = re.search(rf"^### `{re.escape(file)}`$(.*?)(?=^#|\Z)", TEXT, re.M | re.S)
    assert found, f"no heading for {file}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the table in `text`, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[field.strip() for field in line[1:-1].split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.name)
def test_every_column_is_described_as_the_writer_has_it(table: schema.Table) -> None:
    """Each file has its heading, what a row is, and every column in order with type, unit and meaning."""
    text = section(table.file)
    assert text.strip().startswith(f"One row is {table.row}.")
    assert rows(text) == [
        [
            f"`{column.name}`",
            KINDS[column.kind] + (", may be empty" if column.optional else ""),
            column.unit,
            column.meaning,
        ]
        for column in table.columns
    ]


def test_no_other_file_is_described() -> None:
    """A table that is no longer written does not stay in the dictionary."""
    assert re.findall(r"^### `(.*)`$", TEXT, re.M) == [*(table.file for table in schema.TABLES), schema.RUN_FILE]


def described(model: type[msgspec.Struct], prefix: str = "") -> Iterator[list[str]]:
    """A row for each key of the model that has a meaning; keys inside keys are written with a dot."""
    for field in msgspec.inspect.type_info(model).fields:  # type: ignore[attr-defined]
        about = field.type.extra_json_schema if isinstance(field.type, msgspec.inspect.Metadata) else None
        if about is not None:
            unit, since = field.type.extra["unit"], field.type.extra["since"]
            meaning = about["description"] + (f" (since version {since})" if since > 1 else "")
            yield [f"`{prefix}{field.encode_name}`", kind_of(field.type.type), unit, meaning]
        elif isinstance(field.type, msgspec.inspect.StructType):
            yield from described(field.type.cls, f"{prefix}{field.encode_name}.")


def kind_of(kind: msgspec.inspect.Type) -> str:
    """The kind of a value in a word; what may be missing may be null."""
    names = {"int": "whole number", "float": "number", "str": "text", "bool": "true or false", "enum": "text",
             "list": "list", "tuple": "list", "dict": "object", "struct": "object"}  # fmt: skip
    if isinstance(kind, msgspec.inspect.Metadata):
        return kind_of(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        inner = [part for part in kind.types if not isinstance(part, msgspec.inspect.NoneType)]
        return f"{kind_of(inner[0])} or null"
    return names[type(kind).__name__.removesuffix("Type").lower()]


def test_every_key_of_the_document_is_described_as_the_model_has_it() -> None:
    """The dictionary of run.json is the model's: every key with its type, unit and meaning, in order."""
    assert rows(section(schema.RUN_FILE)) == list(described(schema.RunDocument))


def test_the_example_prints_the_medians_of_the_summary(fake_run: Path, tmp_path: Path) -> None:
    """The three lines, copied with a run's own path, print each cell's median over rounds."""
    found = re.search(r"```python\n(.*?)```", TEXT, re.S)
    assert found
    code = found[1]
    assert len([line for line in code.splitlines() if line and not line.startswith("import")]) == 3
    os.symlink(fake_run.parent.parent, tmp_path / "results")
    code = code.replace("MACHINE/RUN", f"{fake_run.parent.name}/{fake_run.name}")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    summary = summarise(load_run(fake_run))
    printed = [line.split() for line in done.stdout.splitlines()]
    medians = {line[0]: float(line[-1]) for line in printed if len(line) >= 4 and line[0] in set(summary["mechanism"])}
    once = summary.drop_duplicates("mechanism", keep=False)
    assert len(once) == 5
    assert all(abs(medians[str(row["mechanism"])] - row["p50_ns"]) <= 0.5 for row in once.to_dict("records"))


def test_the_example_is_right_for_several_scenarios_too(fake_run: Path) -> None:
    """A mechanism in two scenarios is two rows of the example: they are not mixed."""
    run = load_run(fake_run)
    warm = run.samples[(run.samples["role"] == "mechanism") & (run.samples["warmup"] == 0)].merge(run.cells)
    by_round = warm.groupby(["mechanism", "scenario", "level", "round"])["total_ns"].median()
    found = by_round.groupby(level=[0, 1, 2]).median()
    expected = summarise(run).set_index(["mechanism", "scenario", "level"])["p50_ns"].sort_index()
    pd.testing.assert_series_equal(found.round(), expected, check_names=False, atol=1)
