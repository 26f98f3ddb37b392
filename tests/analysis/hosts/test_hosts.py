"""Holds what the table of hosts shows: ranks, who is odd and why, what many hosts become, and hostile texts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.hosts.load import Host, load_hosts
from analysis.hosts.odd import odd_hosts
from analysis.hosts.shown import ENDS, MOST_HOSTS, shown
from analysis.hosts.table import host_table
from analysis.hosts.text import to_csv, to_json, to_markdown
from bench import schema
from tests.fake_run import QUIET, FakeCell, FakeRun, fake_document, write_run
from tests.hostile_run import harmful, hostile_run

CERTIFICATE: dict[str, Any] = {"checks": [], "passed": True}
STATE: dict[str, Any] = {"ticks_per_s": 100, "user_ticks": 0, "steal_ticks": 0, "throttled_periods": 0, "cpu_mhz": 3000}
# A minute with one CPU busy.
AFTER = STATE | {"user_ticks": 6000}


def cells(factor: float) -> list[FakeCell]:
    """Two works, each call `factor` times as long; the control takes as long everywhere."""
    return [
        FakeCell(total_ns=factor * 120e3, calls=3, blocks=1),
        FakeCell("posix_spawn", factor * 177e3, 165e3, "exec", "native_spawn", calls=3, blocks=1),
    ]


def write_host(results: Path, number: int, factor: float = 1.0, **document: Any) -> Path:
    """The run of one host, quiet, without findings but for what `document` says."""
    about = {"certificate": CERTIFICATE, "before": STATE, "after": AFTER, "wall_ns": 60_000_000_000} | document
    run = FakeRun(cells(factor), 6, QUIET, run=f"20261124T0400{number:02}Z", document=about)
    return write_run(results, run)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three hosts: the second is slower by a half, the third as fast as the first; not to be changed."""
    results = tmp_path_factory.mktemp("three")
    return [write_host(results, number, factor) for number, factor in enumerate((1.0, 1.5, 1.0))]


def many(hosts: Sequence[Host], number: int) -> list[Host]:
    """So many hosts, with the summaries of `hosts` in turn, each some 10 % slower than the one before."""
    made = []
    for place in range(number):
        host = hosts[place % len(hosts)]
        rows = host.summary.assign(
            **{name: host.summary[name] * 1.1**place for name in ("rel_p50", "rel_lo", "rel_hi")}
        )
        made.append(replace(host, name=f"n{place}", summary=rows))
    return made


def reasons(*documents: dict[str, Any]) -> dict[str, list[str]]:
    """Who is odd among hosts with these keys in run.json, and why."""
    summary = pd.DataFrame([{"rel_p50": 1.0, "rel_lo": 0.99, "rel_hi": 1.01, "errors": 0}])
    usual: dict[str, Any] = {"certificate": CERTIFICATE, "before": STATE, "after": AFTER, "wall_ns": 60_000_000_000}
    made = []
    for place, keys in enumerate(documents):
        document = schema.parse(json.dumps(_document() | usual | keys))
        made.append(Host(f"n{place}", Path(f"n{place}"), document, summary))
    return odd_hosts(made)


def _document() -> dict[str, Any]:
    return dict(json.loads(schema.dump(fake_document(FakeRun()))))


def test_hosts_are_ranked_within_each_cell(three: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Equal hosts share the first rank, the slower one is third, and each work has a table of its own."""
    assert main(["hosts", *map(str, three), "--name", "a", "--name", "b", "--name", "c"]) == 0
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert [line[:3] for line in lines if line[:1] == ["os_fork"]] == [["os_fork", "1", "a"]]
    assert [line[:2] for line in lines[1:] if line[:1] in (["1"], ["3"])] == [["1", "c"], ["3", "b"]] * 2
    assert said.index("fork only") < said.index("run a program")
    assert "odd hosts" not in said


def test_all_formats_hold_the_same_rows(three: list[Path]) -> None:
    """CSV and JSON have a row for every cell of a host in base units, Markdown has a table for each work."""
    table = host_table(load_hosts(three))
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    document = json.loads(to_json(table))
    assert len(rows) == len(document["rows"]) == 6
    assert [row["rank"] for row in rows[:3]] == ["1", "1", "3"]
    assert [row["host"] for row in rows] == [row["host"] for row in document["rows"]]
    assert float(rows[2]["p50_ns"]) == document["rows"][2]["p50_ns"] == pytest.approx(180e3, rel=0.01)
    assert [host["run"] for host in document["hosts"]] == [run.name for run in three]
    assert to_markdown(table).count("\n### ") == 2


def test_summaries_are_read_where_they_are(three: list[Path], tmp_path: Path) -> None:
    """The table is the same from summary.csv and from the calls; a summary of fewer rounds is not used."""
    run = write_host(tmp_path, 0)
    before = to_csv(host_table(load_hosts([run])))
    assert main(["summary", str(run)]) == 0
    (run / "samples.csv.gz").write_bytes(b"not read again")
    assert to_csv(host_table(load_hosts([run]))) == before


def test_no_two_hosts_have_one_name(three: list[Path]) -> None:
    """A name that comes again has its run behind it, and the same run again a number."""
    names = [host.name for host in load_hosts([three[0], three[1], three[0]], ["a", "a", "b"])]
    assert names == [f"a {three[0].name}", f"a {three[1].name}", "b"]
    names = [host.name for host in load_hosts([three[0], three[0]])]
    assert names == [three[0].name, f"{three[0].name} (2)"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"certificate": None}, "no certificate"),
        ({"status": "partial", "ended": None}, "partial run: 10 complete rounds"),
        ({"after": AFTER | {"throttled_periods": 7}}, "throttled: its cgroup stopped it in 7 periods"),
        ({"after": AFTER | {"cpu_mhz": 1800}}, "throttled: its clock fell from 3000 to 1800 MHz"),
        ({"after": AFTER | {"steal_ticks": 1500}}, "a neighbour: 20"),
        ({"after": AFTER | {"user_ticks": 18000}}, "a neighbour: 2.0 CPUs more were busy than on the others"),
        ({"suite": {"version": "0.2", "commit": None}}, "another suite: 0.2, most have 0.1.0"),
        ({"control": {"available": False, "reason": "no compiler"}}, "no relative latency: no compiler"),
        ({"unfit": ["load: other programs"]}, "unfit: load: other programs"),
    ],
)
def test_an_odd_host_is_named_with_the_reason(keys: dict[str, Any], said: str) -> None:
    """One of three hosts is odd for what its run says, the others are not."""
    found = reasons({}, keys, {})
    assert list(found) == ["n1"]
    assert any(reason.startswith(said) for reason in found["n1"]), found


def test_a_failed_check_is_named() -> None:
    """The reason holds the names of the checks that did not pass."""
    check = {"name": "drift", "value": 2.0, "unit": "1", "bound": 1.5, "direction": "at_most", "text": ""}
    certificate = {"checks": [check | {"state": "failed"}], "passed": False}
    assert reasons({"certificate": certificate}) == {"n0": ["certificate failed: drift"]}


def test_wide_intervals_are_odd(three: list[Path]) -> None:
    """A host whose rounds lie ten times as far apart as those of the others is named, with how far."""
    hosts = [
        replace(host, summary=host.summary.assign(rel_lo=1 - width, rel_hi=1 + width, rel_p50=1.0))
        for host, width in zip(load_hosts(three), (0.01, 0.1, 0.01), strict=True)
    ]
    assert odd_hosts(hosts) == {hosts[1].name: ["its rounds scatter: intervals 10.0 times as wide as on the others"]}


def test_many_hosts_become_the_ends_and_what_lies_between(three: list[Path]) -> None:
    """Of 100 hosts the best and the worst are shown with quartiles, and how many are not; --all shows all."""
    table = host_table(many(load_hosts(three[:1]), 100))
    few = shown(table)
    names = [row[2] for row in few.works[0].rows]
    assert names[:ENDS] == ["n0", "n1", "n2"]
    assert names[-ENDS:] == ["n97", "n98", "n99"]
    assert [name[0] for name in names[ENDS:-ENDS]] == ["…"] * 3
    assert few.hosts == 100 - 2 * ENDS
    assert "94 hosts of a cell are not shown" in to_markdown(table)
    assert len(shown(table, everything=True).works[0].rows) == 100
    assert len(shown(host_table(many(load_hosts(three[:1]), MOST_HOSTS))).works[0].rows) == MOST_HOSTS


def test_cells_of_one_host_alone_are_left_out(three: list[Path], tmp_path: Path) -> None:
    """Where hosts have unlike cells, only those that can be compared are shown, and the others counted."""
    lone = write_run(tmp_path, FakeRun([*cells(1.0), FakeCell("mp_fork", 1e6, calls=3, blocks=1)], 6, QUIET))
    told = shown(host_table(load_hosts([three[0], lone])))
    assert told.lone == 1
    assert not any(row[0].startswith("mp_fork") for work in told.works for row in work.rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mechanism", "os_frok"], "no host has it; there is os_fork, posix_spawn"),
        (["--name", "one"], "1 names for 3 runs"),
        (["--results", "/nowhere"], ""),
    ],
)
def test_wrong_usage_is_one_line(
    three: list[Path], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mechanism that no host has, names that are too few, no run: status 2 and one line."""
    assert main(["hosts", *([] if "--results" in words else map(str, three)), *words]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert said in errors


def test_a_hostile_run_harms_no_output(tmp_path: Path) -> None:
    """No format lets control characters, markup or formulas of a run through."""
    runs = [hostile_run(tmp_path / str(number), f"20261124T04000{number}Z") for number in range(2)]
    hosts = load_hosts(runs, ["=a\x1b[31m", "<b>"])
    table = host_table(hosts)
    texts = [to_csv(table), to_json(table), to_markdown(table, everything=True)]
    assert not harmful(texts)
    assert all(not cell.startswith(("=", "@", "+")) for row in csv.reader(io.StringIO(texts[0])) for cell in row)
    assert "<b>" not in texts[2].replace("\\<b", "")
