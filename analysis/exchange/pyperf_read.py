"""Turns a pyperf file into a suite of benchmarks that are all times, or says in one line why it is none."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from pathlib import Path

import pyperf

from analysis.errors import PyperfError

# Longest time that an integer of 64 bits holds in nanoseconds, with room for sums over a run.
_LONGEST_S = 1e8


def read_suite(file: Path) -> pyperf.BenchmarkSuite:
    """The benchmarks in `file` (JSON, gzipped if it ends in ``.gz``), each with at least one value, in seconds.

    Runs that only calibrate are left in. Raises `PyperfError`.
    """
    suite = _load(file)
    for benchmark in suite:
        name = benchmark.get_name()
        unit = benchmark.get_unit()
        if unit != "second":
            raise PyperfError(f"{file}: benchmark {name!r} is in units of {unit}; only times (second) can be imported")
        if not benchmark.get_nvalue():
            raise PyperfError(f"{file}: benchmark {name!r} holds no values, only calibration; measure it again")
        _check_values(file, benchmark)
    return suite


def _check_values(file: Path, benchmark: pyperf.Benchmark) -> None:
    """pyperf itself refuses what is not above 0, NaN included; it lets infinity through."""
    for run in benchmark.get_runs():
        for value in (*run.values, *(value for _, value in run.warmups)):
            if not math.isfinite(value) or value > _LONGEST_S:
                raise PyperfError(f"{file}: benchmark {benchmark.get_name()!r} holds a time of {value:g} s")


def _load(file: Path) -> pyperf.BenchmarkSuite:
    try:
        return pyperf.BenchmarkSuite.load(str(file))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise PyperfError(f"{file}: cut off or damaged ({error}); copy it again") from None
    except OSError as error:
        raise PyperfError(f"{file}: cannot be read ({error.strerror or error}); name a pyperf JSON file") from None
    except json.JSONDecodeError as error:
        raise PyperfError(f"{file}:{error.lineno}: not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise PyperfError(f"{file}:1: not JSON (not UTF-8 text)") from None
    except RecursionError:
        raise PyperfError(f"{file}:1: not a pyperf result (nested too deeply)") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # pyperf checks what a file means, not its form: what is missing or of another type ends in any of these.
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise PyperfError(f"{file}: not a result that pyperf {pyperf.__version__} reads ({what})") from None
