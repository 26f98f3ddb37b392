"""Turns a pyperf file into a suite of benchmarks that are all times, or says in one line why it is none."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pyperf

from analysis.errors import LoadError, PyperfError
from analysis.read.bounded_file import DAMAGED, MOST_PYPERF, read_bytes
from bench.schema import json_text
from bench.schema.json_text import shown
from bench.schema.run_document import LARGEST

# Longest time that an integer of 64 bits holds in nanoseconds, with room for sums over a run.
_LONGEST_S = 1e8
# No clock of a machine that runs Python stands before the epoch; strftime writes years of fewer digits.
FIRST_YEAR = 1970
# A small text becomes 80 times its size in memory: 4 million lists, maps and texts take 0.3 GiB, and one is a warm-up.
_MOST_PARTS = 1 << 22
# pyperf compares each benchmark with all before it: 2,000 of them take seconds.
_MOST_BENCHMARKS = 2000


def read_suite(file: Path) -> pyperf.BenchmarkSuite:
    """The benchmarks in `file` (JSON, gzipped if it ends in ``.gz``), each with at least one value, in seconds.

    Runs that only calibrate are left in. Raises `PyperfError`.
    """
    suite = _load(file)
    for benchmark in suite:
        name = shown(repr(benchmark.get_name()))
        unit = shown(str(benchmark.get_unit()))
        if unit != "second":
            raise PyperfError(f"{file}: benchmark {name} is in units of {unit}; only times (second) can be imported")
        if not benchmark.get_nvalue():
            raise PyperfError(f"{file}: benchmark {name} holds no values, only calibration; measure it again")
        _check_values(file, benchmark)
    return suite


def _check_values(file: Path, benchmark: pyperf.Benchmark) -> None:
    """pyperf itself refuses what is not above 0; it lets a value of a thousand years through, and any date."""
    name = shown(repr(benchmark.get_name()))
    for run in benchmark.get_runs():
        for value in (*run.values, *(value for _, value in run.warmups)):
            if value > _LONGEST_S:
                raise PyperfError(f"{file}: benchmark {name} holds a time of {value:g} s")
        date = str(run.get_metadata().get("date"))
        if _is_before_clocks(date):
            raise PyperfError(f"{file}: benchmark {name} has a date before {FIRST_YEAR}: {shown(date)}")


def _is_before_clocks(date: str) -> bool:
    """Whether it is a date before any clock; a text that is no date is none, and its process is placed without one."""
    try:
        return datetime.datetime.fromisoformat(date).year < FIRST_YEAR
    except ValueError:
        return False


def _load(file: Path) -> pyperf.BenchmarkSuite:
    try:
        return _suite_of(file, read_bytes(file, MOST_PYPERF))
    except LoadError as error:
        raise PyperfError(str(error)) from None
    except DAMAGED as error:
        raise PyperfError(f"{file}: cut off or damaged ({error}); copy it again") from None
    except OSError as error:
        raise PyperfError(f"{file}: cannot be read ({error.strerror or error}); name a pyperf JSON file") from None
    except UnicodeDecodeError:
        raise PyperfError(f"{file}:1: not JSON (not UTF-8 text)") from None
    except json_text.DocumentError as error:
        # A line number follows the file's name at once, a key after a blank.
        raise PyperfError(f"{file}:{'' if str(error)[:1].isdigit() else ' '}{error}") from None


def _suite_of(file: Path, content: bytes) -> pyperf.BenchmarkSuite:
    if sum(content.count(mark) for mark in (b'"', b"[", b"{")) > _MOST_PARTS:
        raise PyperfError(f"{file}: more than {_MOST_PARTS} lists, maps and texts, which no result of pyperf has")
    data = json_text.load(content.decode("utf-8"), constants=True)
    json_text.refuse_values(data, _not_for_a_run)
    try:
        if len(data.get("benchmarks", ())) > _MOST_BENCHMARKS:
            raise PyperfError(f"{file}: more than {_MOST_BENCHMARKS} benchmarks; import some of them at a time")
        return pyperf.BenchmarkSuite._json_load(str(file), data)
    except PyperfError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # pyperf checks what a file means, not its form: what is missing or of another type ends in any of these.
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise PyperfError(f"{file}: not a result that pyperf {pyperf.__version__} reads ({shown(what)})") from None


def _not_for_a_run(value: Any) -> str | None:
    """What is wrong with a value that pyperf takes and the files of a run do not."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of more than 63 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    return json_text.unwritable(value)
