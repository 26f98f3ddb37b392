"""Turns run.json with any key missing, of another type or out of range into one line that names file and key."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.errors import LoadError
from analysis.read.run import load_run
from bench import schema
from bench.schema import DocumentError
from tests import ROOT
from tests.fake_run import CHECK, FakeCell, FakeRun, fake_document, write_run

UNAVAILABLE = {"python": "3.11.7", "mechanism": "m", "scenario": "s", "level": "l", "reason": "none"}
FULL = {"certificate": {"checks": [CHECK], "passed": True}, "unavailable": [UNAVAILABLE]}
# What is in these depends on the machine: any name, and a plain value.
OPEN = ("machine_facts", "before", "after")
Steps = tuple[str | int, ...]


def full() -> dict[str, Any]:
    """The data of a run.json that has every key."""
    text = schema.dump(fake_document(FakeRun([FakeCell()], document=FULL)))
    data: dict[str, Any] = json.loads(text)
    return data


def keys(data: Any, steps: Steps = ()) -> Iterator[Steps]:
    """The way to every key, those inside keys and lists included."""
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in parts:
        yield (*steps, name)
        if name not in OPEN:
            yield from keys(value, (*steps, name))


def name_of(steps: Steps) -> str:
    """A key as messages name it: ``certificate.checks[0].value``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def holder(data: Any, steps: Steps) -> Any:
    """What holds the last of `steps`."""
    for step in steps[:-1]:
        data = data[step]
    return data


def error_of(data: object) -> str:
    """What is said of this run.json."""
    with pytest.raises(DocumentError) as caught:
        schema.parse(json.dumps(data))
    return str(caught.value)


NAMED = [steps for steps in keys(full()) if isinstance(steps[-1], str) and steps[-2:-1] != ("pythons",)]


def test_the_keys_are_all_there() -> None:
    """The walk below sees every key of the model, those of checks and interpreters included."""
    assert {steps[0] for steps in NAMED} == set(schema.RunDocument.__struct_fields__) - {"source", "note", "resumed"}
    assert ("certificate", "checks", 0, "direction") in NAMED
    assert ("pythons", "3.11.7", "site_loads") in NAMED


@pytest.mark.parametrize("steps", NAMED, ids=name_of)
def test_a_key_that_is_missing_is_named(steps: Steps) -> None:
    """Whatever key is taken away, the error names it and says that it is missing."""
    data = full()
    del holder(data, steps)[steps[-1]]
    said = error_of(data)
    if steps == ("schema",):
        assert said == "1: not a run's document (it has no schema version)"
    else:
        assert said == f"{name_of(steps)}: missing"


@pytest.mark.parametrize("steps", NAMED, ids=name_of)
def test_a_key_of_another_type_is_named(steps: Steps) -> None:
    """Whatever key gets a value of a type that it cannot have, the error names it and both types."""
    for wrong in ({"x": [1]}, [[1]], True, "text", -1.5, None):
        data = full()
        holder(data, steps)[steps[-1]] = wrong
        try:
            schema.parse(json.dumps(data))
        except DocumentError as error:
            said = str(error)
            assert steps == ("schema",) or said.startswith((name_of(steps), f"{name_of(steps)}[")), said
            assert "\n" not in said
        else:
            assert not isinstance(wrong, list | dict) or steps[-1] in OPEN, (steps, wrong)


@pytest.mark.parametrize(
    ("steps", "value", "said"),
    [
        (("rounds",), -1, "rounds: expected int >= 0"),
        (("rounds",), True, "rounds: expected int, got bool"),
        (("rounds",), 10**30, "rounds: expected int <= 9223372036854775807"),
        (("wall_ns",), -1, "wall_ns: expected int >= 0"),
        (("share_in_calls",), 1.01, "share_in_calls: expected float <= 1.0"),
        (("schema",), 0, "schema: expected int >= 1"),
        (("options", "budget_s"), 0, "options.budget_s: expected float > 0.0"),
        (("options", "rounds"), 0, "options.rounds: expected int >= 1"),
        (("options", "pairs"), [1], "options.pairs: expected array of length 2, got 1"),
        (("cpus", "subject"), -1, "cpus.subject: expected int >= 0"),
        (("status",), "done", "status: invalid enum value 'done'"),
        (("certificate", "checks", 0, "state"), "good", "certificate.checks[0].state: invalid enum value 'good'"),
        (("certificate", "checks", 0, "bound"), 10**400, "certificate.checks[0].bound: number out of range"),
        (
            ("machine_facts", "kernel"),
            ["6"],
            "machine_facts.kernel: expected bool | int | float | str | null, got array",
        ),
        (("unavailable", 0, "more"), 1, "unavailable[0].more: unknown key"),
        (("more",), 1, "more: unknown key"),
    ],
)
def test_what_is_out_of_range_is_named(steps: Steps, value: object, said: str) -> None:
    """A value beyond what its key may hold, and a key that no version has, are one line each."""
    data = full()
    holder(data, steps)[steps[-1]] = value
    assert error_of(data) == said


@pytest.mark.parametrize(
    ("steps", "value", "error"),
    [
        (("label",), "\ud800", ""),
        (("run",), "a\udfff", ""),
        (("after", "\ud800"), "a\udfff", ""),
        (("unavailable", 0, "level"), "\ud800", ""),
        (("status",), "\ud800", "status: invalid enum value '\\\\ud800'"),
        (("\ud800",), 1, "\\ud800: unknown key"),
    ],
)
def test_text_that_no_file_can_hold_is_spelled_out(steps: Steps, value: object, error: str) -> None:
    """Half of a pair of UTF-16, in a text or a name, becomes letters that any file can hold."""
    data = full()
    holder(data, steps)[steps[-1]] = value
    if error:
        assert error_of(data) == error
    else:
        assert schema.parse(schema.dump(schema.parse(json.dumps(data)))) == schema.parse(json.dumps(data))


def test_a_number_that_overflows_is_named() -> None:
    """A number too large for a float, which JSON can spell, is refused with its key; whole ones of any length too."""
    data = full() | {"after": {"x": 12345.5}}
    with pytest.raises(DocumentError, match=r"^after\.x: not a finite number$"):
        schema.parse(json.dumps(data).replace("12345.5", "1e999"))
    for number in (10**400, -(10**400)):
        assert error_of(full() | {"after": {"x": number}}).startswith("after.x: expected int")
    for key in ("value", "bound"):
        data = full()
        data["certificate"]["checks"][0][key] = 10**400
        assert error_of(data) == f"certificate.checks[0].{key}: number out of range"


def test_an_error_is_never_as_long_as_the_file() -> None:
    """A value or a key of a megabyte is cut in the one line that names it."""
    for data in (full() | {"x" * 1_000_000: 1}, full() | {"status": "y" * 1_000_000}, {"schema": 10**4000}):
        assert len(error_of(data)) < 1000


def test_a_machine_of_two_lines_is_refused() -> None:
    """A line end or another control character in a name would break tables, and a path would lead elsewhere."""
    for text in ("a\nb", "a\n", "a\x1b[2J", "a\x85b", "a\u2028b", "", "a/b", "..", "."):
        for key in ("machine", "run"):
            assert error_of(full() | {key: text}).startswith(f"{key}: expected str matching regex"), text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 2,\n]', "2: not JSON (Expecting property name enclosed in double quotes)"),
        ("[]", "1: not a run's document (it has no schema version)"),
        ('{"schema": true}', "1: not a run's document (it has no schema version)"),
        ("[" * 100_000, "1: not JSON that can be read (nested too deeply)"),
        ('{"schema": NaN}', "1: not JSON (NaN is no number)"),
        ('{"schema": ' + "1" * 5000 + "}", "1: not JSON that can be read (Exceeds the limit"),
        ('{"schema": 9}', "1: schema version 9 is newer than this program reads (3); use the forkbench that wrote it"),
    ],
)
def test_what_is_no_document_at_all_is_told_with_its_line(text: str, said: str) -> None:
    """Text that is not JSON, or JSON that is no run's document, is one line with its line number."""
    with pytest.raises(DocumentError) as caught:
        schema.parse(text)
    assert str(caught.value).startswith(said)


def test_the_error_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says file and key in one line, ends with status 2, and writes nothing into the run."""
    run = write_run(tmp_path, FakeRun([FakeCell()], rounds=6))
    data = json.loads((run / "run.json").read_text())
    del data["cpus"]["subject"]
    (run / "run.json").write_text(json.dumps(data))
    with pytest.raises(LoadError):
        load_run(run)
    assert main(["summary", str(run)]) == 2
    assert capsys.readouterr().err == f"analysis summary: {run / 'run.json'}: cpus.subject: missing\n"
    assert not (run / "summary.csv").exists()


def test_what_is_written_is_read_again() -> None:
    """A document survives its text, and the text has one key a line in the order of the alphabet."""
    document = fake_document(FakeRun([FakeCell()], document=FULL))
    text = schema.dump(document)
    assert schema.parse(text) == document
    assert schema.dump(schema.parse(text)) == text
    assert [*json.loads(text)] == sorted(json.loads(text))


def test_an_imported_run_may_lack_what_it_cannot_know() -> None:
    """Of an imported run only the profile and the version of its Python are sure."""
    data = full() | {
        "source": {"format": "pyperf", "file": "f.json", "version": None},
        "note": "imported",
        "options": {"profile": "imported"},
        "pythons": {"3.12": {"version": "3.12"}},
    }
    document = schema.parse(json.dumps(data))
    assert document.options.mechanisms == []
    assert document.pythons["3.12"].compiler is None


def test_a_run_of_version_1_is_read() -> None:
    """Its checks told only whether they passed; direction and state are known all the same."""
    (path,) = ROOT.glob("results/*/20261124T084933Z/run.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema"] == 1
    old = copy.deepcopy(data)
    old["certificate"]["checks"][0] |= {"passed": False, "value": 0.0, "text": "could not be measured: it ended"}
    checks = {check.name: check for check in schema.parse(json.dumps(old)).certificate.checks}  # type: ignore[union-attr]
    assert {name for name, check in checks.items() if check.direction == "at_least"} == {"share_in_calls"}
    states = [check.state for check in checks.values()]
    assert states == ["not_measured", *["passed"] * (len(states) - 1)]
    assert next(iter(checks.values())).value is None
    assert schema.parse(json.dumps(data)).schema == 1


def test_a_label_of_two_lines_is_named_in_one() -> None:
    """What lacks a key is named in one line, whatever its own name holds."""
    data = full()
    _, facts = data["pythons"].popitem()
    del facts["build"]
    data["pythons"]["a\nb"] = facts
    assert error_of(data) == "pythons.a b.build: missing"
