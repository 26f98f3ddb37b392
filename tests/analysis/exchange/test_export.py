"""Turns runs into the formats of dashboards and tables: what their own readers take, by hand-made figures."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from tests import ROOT
from tests.documents import summary_schema
from tests.fake_run import QUIET, FakeCell, FakeRun, write_run

FORK, NOOP = FakeCell(), FakeCell("noop", 150.0, work="baseline", control="", path="none")
Say = pytest.CaptureFixture[str]


def exported(run: Path, form: str, capsys: Say) -> Any:
    """What `export` prints, which must be JSON."""
    assert main(["export", str(run), "--format", form]) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def read_by_the_action(text: str) -> list[dict[str, Any]]:
    """The checks of benchmark-action/github-action-benchmark at c38cce98: `BenchmarkResult` and `extractResult` in
    src/extract.ts (zod coerces; here types must be right as they are), `extractRangeInfo` in src/extractRangeInfo.ts.
    """
    entries = json.loads(text)
    assert isinstance(entries, list)
    assert entries, "No benchmark result was found"
    for entry in entries:
        assert {"name", "value", "unit"} <= set(entry) <= {"name", "value", "unit", "range", "extra"}
        assert isinstance(entry["value"], int | float)
        assert math.isfinite(entry["value"])
        assert all(isinstance(entry[key], str) for key in entry if key != "value")
        if "range" in entry:
            found = re.search(r"(\+-|±)\s*(\d.*)", entry["range"])
            assert found
            entry["range"] = float(found[2])
    return list(entries)


def read_by_bencher(text: str) -> dict[str, dict[str, dict[str, float]]]:
    """The checks of bencherdev/bencher at 8d75325c: `JsonNewMetric` in lib/bencher_json/src/project/metric/mod.rs, and
    names in lib/bencher_valid/src (benchmark_name.rs; slug.rs for the measures, at most 64 letters).
    """
    results: dict[str, dict[str, dict[str, float]]] = json.loads(text)
    assert isinstance(results, dict)
    for name, measures in results.items():
        assert 0 < len(name.encode()) <= 1024
        for measure, metric in measures.items():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", measure)
            assert len(measure) <= 64
            assert {"value"} <= set(metric) <= {"value", "lower_value", "upper_value"}
            assert all(isinstance(value, float) and math.isfinite(value) for value in metric.values())
            assert metric.get("lower_value", metric["value"]) <= metric["value"] <= metric.get("upper_value", math.inf)
    return results


def breaches(value: Any, rule: dict[str, Any], place: str = "$") -> list[str]:
    """Where `value` is not as the JSON schema `rule` says: the keywords that docs/summary.schema.json uses."""
    kinds = {"string": str, "integer": int, "number": int | float, "array": list, "object": dict, "null": type(None)}
    names = [rule["type"]] if isinstance(rule.get("type", []), str) else rule.get("type", [])
    if names and not any(isinstance(value, kinds[name]) for name in names):
        return [f"{place}: {value!r} is not {names}"]
    found = [] if value in rule.get("enum", [value]) else [f"{place}: {value!r} is not in {rule['enum']}"]
    found += [f"{place}: no {key}" for key in rule.get("required", []) if key not in value]
    if isinstance(value, int) and value < rule.get("minimum", value):
        found.append(f"{place}: {value} is too small")
    if isinstance(value, dict):
        for key, inner in value.items():
            found += breaches(inner, rule["properties"].get(key, {}), f"{place}.{key}")
    for item in value if isinstance(value, list) else []:
        found += breaches(item, rule["items"], f"{place}[]")
    return found


def test_the_action_gets_medians_and_ratios_with_their_ranges(tmp_path: Path, capsys: Say) -> None:
    """A cell is its median in ns, and one more entry for its ratio to the control; ± is the farther end."""
    run = write_run(tmp_path, FakeRun([FORK, NOOP], noise=QUIET))
    assert main(["export", str(run), "--format", "github-action"]) == 0
    one, relative, noop = read_by_the_action(capsys.readouterr().out)
    assert (one["name"], one["value"], one["unit"], one["range"]) == ("os_fork parent=bare", 120_000, "ns", 0)
    assert (relative["name"], relative["unit"]) == ("os_fork parent=bare, relative to C", "×")
    assert relative["value"] == pytest.approx(120 / 65, abs=1e-4)
    assert (noop["name"], noop["value"]) == ("noop parent=bare", 150)
    assert one["extra"].split("\n") == ["10 rounds, 800 calls", "fork, Python 3.11.7", run.name]


def test_dashboards_get_the_interval_of_the_summary(fake_run: Path, capsys: Say) -> None:
    """The ends that Bencher gets, and the distance that the action gets, are those of the summary's interval."""
    row = next(cell for cell in exported(fake_run, "json", capsys)[0]["cells"] if cell["mechanism"] == "mp_spawn")
    lo, mid, hi = row["p50_lo_ns"], row["p50_ns"], row["p50_hi_ns"]
    assert lo < mid < hi
    main(["export", str(fake_run), "--format", "bencher"])
    measures = read_by_bencher(capsys.readouterr().out)["mp_spawn parent=bare"]
    assert measures["latency"] == {"value": mid, "lower_value": lo, "upper_value": hi}
    assert measures["relative-latency"]["upper_value"] == row["rel_hi"]
    main(["export", str(fake_run), "--format", "github-action"])
    entries = {entry["name"]: entry for entry in read_by_the_action(capsys.readouterr().out)}
    assert entries["mp_spawn parent=bare"]["range"] == max(hi - mid, mid - lo)


def test_a_short_run_has_no_ranges(tmp_path: Path, capsys: Say) -> None:
    """Of fewer rounds than an interval needs the values stand alone, and of parents at once there is a throughput."""
    cells = [FORK, FakeCell(scenario="many", level="2", subjects=2)]
    run = write_run(tmp_path, FakeRun(cells, rounds=3))
    main(["export", str(run), "--format", "github-action"])
    assert not any("range" in entry for entry in read_by_the_action(capsys.readouterr().out))
    main(["export", str(run), "--format", "bencher"])
    found = read_by_bencher(capsys.readouterr().out)
    assert list(found["os_fork parent=bare"]["latency"]) == ["value"]
    assert [name for name, measures in found.items() if "throughput" in measures] == ["os_fork many=2"]


def test_a_cell_without_a_figure_is_named(tmp_path: Path, capsys: Say) -> None:
    """A cell that failed is no entry but a line on standard error; a run in which all failed is status 2."""
    failed = FakeCell("popen", failing_rounds=tuple(range(10)))
    run = write_run(tmp_path / "a", FakeRun([FORK, failed]))
    assert main(["export", str(run), "--format", "bencher"]) == 0
    out, err = capsys.readouterr()
    assert list(read_by_bencher(out)) == ["os_fork parent=bare"]
    assert err == "analysis export: popen parent=bare: left out, no call of it was measured; subjects.csv says why\n"
    nothing = write_run(tmp_path / "b", FakeRun([failed]))
    assert main(["export", str(nothing), "--format", "github-action"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "nothing to export; measure longer" in err


def test_a_name_that_bencher_does_not_take_is_refused(tmp_path: Path, capsys: Say) -> None:
    """Beyond 1,024 bytes of UTF-8, in which it counts, a name is one line with what to do; one of 1,024 is exported."""
    for letters, status in ((506, 0), (507, 2)):  # " parent=bare" is 12 bytes more
        run = write_run(tmp_path / str(letters), FakeRun([FakeCell("ü" * letters)], rounds=2))
        assert main(["export", str(run), "--format", "bencher"]) == status
    assert "the name of cell 0 has 1,026 bytes, and Bencher takes 1,024; export another" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["markdown", "csv", "json"])
def test_tables_are_those_of_the_summary(fake_run: Path, tmp_path: Path, form: str, capsys: Say) -> None:
    """The summary's formats are the same from both commands, on standard output and in the file that -o names."""
    run, file = str(fake_run), tmp_path / "out"
    assert main(["export", run, "--format", form, "-o", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert main(["export", run, "--format", form]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    assert main(["summary", run, "--format", form]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")


def test_json_is_as_its_schema_says(fake_run: Path, capsys: Say) -> None:
    """docs/summary.schema.json is that of the columns, and holds for a run; it names what is wrong in a changed one."""
    text = (ROOT / "docs" / "summary.schema.json").read_text(encoding="utf-8")
    assert text == summary_schema.text(), "python -m tests.documents.summary_schema > docs/summary.schema.json"
    found, rule = exported(fake_run, "json", capsys), json.loads(text)
    assert breaches(found, rule) == []
    found[0]["cells"][0]["p50_ns"] = "12"
    del found[0]["run"]
    assert breaches(found, rule) == ["$[]: no run", "$[].cells[].p50_ns: '12' is not ['integer', 'null']"]


def test_wrong_use_is_one_line(fake_run: Path, tmp_path: Path, capsys: Say) -> None:
    """A place that cannot be written is named in one line with what to do, and so is what is no run."""
    for arguments in ([str(fake_run), "-o", str(tmp_path / "none" / "x")], [str(tmp_path)]):
        assert main(["export", *arguments, "--format", "csv"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("analysis export: ")
        assert "; name " in err
