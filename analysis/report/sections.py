"""Turns an analysed run into what its report shows besides figures and answers: texts and tables.

What it was measured on is in `analysis.report.machine_sections`, whose `nameless` all free text goes through.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

import msgspec

from analysis.report.machine_sections import nameless
from analysis.summary.analysed_run import AnalysedRun
from analysis.text import units
from analysis.text.names import IMPORTED, WORK_TITLES, latency_text
from analysis.text.units import known
from bench import schema
from bench.schema import SubjectStatus, state_name

QUESTION = "How long does it take to start a process from Python, here, and why does it take that long?"
FILE_MEANINGS = {
    schema.RUN_FILE: "the run: options, machine, interpreters, certificate",
    **{table.file: f"one row is {table.row}" for table in schema.RAW_TABLES},
}
MOST_ERRORS = 40
FIGURE_NOTE = (
    "Point at anything drawn to read its value, its 95 % interval and its number of calls; each figure has them as a "
    "table too. Where no line is seen at a point, its interval is narrower than the point. Most axes are logarithmic: "
    "the same distance is the same factor. A mechanism has the same colour and the same sign in all figures."
)


def title(analysed: AnalysedRun) -> str:
    """What the report is about, in a line."""
    what = "Times imported from pyperf" if analysed.main_parent == IMPORTED else "Fork latency"
    return f"{what} on {analysed.run.machine}, {_moment(analysed)}"


def question(analysed: AnalysedRun) -> str:
    """What a run of this suite is about; an imported one asks something else, which it does not say."""
    return "" if analysed.main_parent == IMPORTED else QUESTION


def _moment(analysed: AnalysedRun) -> str:
    return re.sub(r"T(\d\d:\d\d):\d\dZ$", r" \1 UTC", analysed.run.document.started)


def standing(analysed: AnalysedRun) -> str:
    """Who measured what and how much of it: the sentence under the title."""
    document, facts = analysed.run.document, analysed.run.document.machine_facts
    machine = ", ".join(
        str(facts[name]) for name in ("cpu_model_name", "platform", "virtualisation") if facts.get(name)
    )
    text = f"Run `{analysed.run.name}` on `{analysed.run.machine}`{f' ({machine})' if machine else ''}: "
    pythons = ", ".join(analysed.pythons) or "none"
    text += f"{analysed.run.rounds} complete rounds of {len(analysed.run.cells)} cells with Python {pythons}"
    if document.wall_ns is not None:
        text += f" in {units.time_text(document.wall_ns)}"
    if document.share_in_calls is not None:
        text += f", {units.percent_text(document.share_in_calls)} of it inside measured calls"
    text += "."
    if analysed.run.partial:
        text += (
            " The run is partial: it was ended before its time, or gave up cells. Only its complete rounds are shown."
        )
    for resumed in document.resumed:
        text += f" It was interrupted, and went on with round {resumed.round} at {resumed.at}."
    if document.note:
        text += f" It was {nameless(document.note)}."
    return text


def table_note(analysed: AnalysedRun) -> str:
    """How to read the tables."""
    return (
        "Medians are taken over rounds and stand with their 95 % interval; p99 is over all calls, and missing where "
        "they are too few. Relative is mechanism ÷ its C control, block by block in the same process. "
        "An interval of a time is about the machine as it was during this run; the next hour may differ by more. "
        "Blocked is the time until the creating call returns. Where parent and child share a CPU, the child may get it "
        "before that: the parent then waits for milliseconds, in some rounds and not in others. "
        "For a first write or read after a fork it is that write or read alone. "
        "Faults are page faults a call, of parent + child. Only rows of one table do the same work."
    )


def tables(analysed: AnalysedRun) -> list[dict[str, Any]]:
    """One table for each work, cells in the order in which they were asked for."""
    several = len(analysed.pythons) > 1
    names = ["mechanism", *(["Python"] if several else []), "parent", "path"]
    columns = [*names, "median (95 % interval)", "p99 (95 % interval)", "relative (÷ C control)", "blocked",
               "page faults a call", "calls", "rounds"]  # fmt: skip
    by_work: dict[str, list[Mapping[Any, Any]]] = {work: [] for work in WORK_TITLES}
    for cell in analysed.summary.to_dict("records"):
        by_work.setdefault(str(cell["work"]), []).append(cell)
    return [
        {
            "title": WORK_TITLES.get(work, work),
            "columns": columns,
            "rows": [_row(cell, several) for cell in cells],
            "names": len(names),
            "series": [str(cell["mechanism"]) for cell in cells],
        }
        for work, cells in by_work.items()
        if cells
    ]


def _row(cell: Mapping[Any, Any], several: bool) -> list[str]:
    return [
        f"`{cell['mechanism']}`",
        *([str(cell["python"])] if several else []),
        state_name(str(cell["scenario"]), _level(cell)),
        str(cell["path"]) or units.MISSING,
        latency_text(cell),
        units.time_text(cell["p99_ns"], cell["p99_lo_ns"], cell["p99_hi_ns"]),
        units.ratio_text(cell["rel_p50"], cell["rel_lo"], cell["rel_hi"]),
        units.time_text(cell["call_p50_ns"], cell["call_p50_lo_ns"], cell["call_p50_hi_ns"]),
        _faults(cell),
        f"{cell['calls']:,}",
        f"{cell['rounds']:,}" + (f" ({cell['errors']} failed)" if cell["errors"] else ""),
    ]


def _faults(cell: Mapping[Any, Any]) -> str:
    both = cell["parent_faults"], cell["child_faults"]
    return " + ".join(f"{count:.1f}" for count in both) if all(map(known, both)) else units.MISSING


def _level(cell: Mapping[Any, Any]) -> str:
    level = str(cell["level"])
    return units.bytes_text(int(level)) if cell["unit"] == "bytes" and level.isdigit() and level != "0" else level


def errors(analysed: AnalysedRun) -> list[list[str]]:
    """Every subject that ended in an error: cell, round, and what happened."""
    subjects = analysed.run.subjects
    names = {cell["cell"]: cell_name(cell) for cell in analysed.run.cells.to_dict("records")}
    failed = subjects[subjects["status"] == SubjectStatus.ERROR]
    rows = [
        [names[row["cell"]], "–" if row["round"] < 0 else str(row["round"]), nameless(row["error"])]
        for row in failed.to_dict("records")
    ]
    more = len(rows) - MOST_ERRORS
    return rows if more <= 0 else [*rows[:MOST_ERRORS], [f"and {more} more", "", "subjects.csv has them all"]]


def cell_name(cell: Mapping[Any, Any]) -> str:
    """A readable name of a cell."""
    state = state_name(str(cell["scenario"]), str(cell["level"]))
    return f"`{cell['mechanism']}` {state}, Python {cell['python']}"


def unavailable(analysed: AnalysedRun) -> list[list[str]]:
    """What was asked for and could not be measured, and why; cells with one reason stand together."""
    by_reason: dict[str, list[str]] = {}
    for cell in analysed.run.document.unavailable:
        by_reason.setdefault(nameless(cell.reason), []).append(cell_name(msgspec.structs.asdict(cell)))
    return [["; ".join(cells), reason] for reason, cells in by_reason.items()]


def command(analysed: AnalysedRun) -> tuple[str, str]:
    """The command that measures the same again, and what else it takes."""
    document, options = analysed.run.document, analysed.run.document.options
    if document.source is not None:
        return "python -m analysis import-pyperf FILE", "FILE is the pyperf result that this run was made from."
    words = ["python", "-m", "bench", "run"]
    for name in options.mechanisms:
        words += ["--mechanism", name]
    for scenario in options.scenarios:
        words += ["--scenario", scenario]
    if len(words) == 4:
        words += ["--profile", options.profile]
    for option, value in (("rounds", options.rounds), ("budget", options.budget_s)):
        words += [f"--{option}", f"{value:g}"] if value is not None else []
    words += ["--seed", str(document.seed)] if document.seed is not None else []
    suite = document.suite
    commit = f", commit {suite.commit}" if suite.commit else ""
    python = " Add `--python PATH` for each interpreter." if len(analysed.pythons) > 1 else ""
    note = f"From a checkout of forkbench {suite.version or ''}{commit}.{python} `make compare` compares two runs."
    return shlex.join(words), " ".join(note.split()).replace(" ,", ",")


def derived_files(analysed: AnalysedRun) -> list[dict[str, str]]:
    """What `analysis report` makes beside the raw files, so that it is there when the report is."""
    made = [{"name": "summary.csv", "meaning": "one row is a cell: medians with intervals, tails, ratios, page faults"}]
    if analysed.summary["p50_ns"].notna().any():
        made.append({"name": "pyperf.json.gz", "meaning": "the same run for pyperf's tools"})
    return made


def files(analysed: AnalysedRun) -> list[dict[str, str]]:
    """The run's raw files with what they hold."""
    raw_files = []
    for name, meaning in FILE_MEANINGS.items():
        for file in (name, f"{name}.gz"):
            if (analysed.run.path / file).is_file():
                raw_files.append({"name": file, "meaning": meaning})
    return raw_files
