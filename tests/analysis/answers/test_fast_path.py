"""The answer whether a call of `subprocess` is on the fast path, with figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.analysis.answers.test_claims import EXEC, FORK, lines, quiet
from tests.edit_run import scale_rounds
from tests.fake_kinds import MIB

POPEN = replace(EXEC, mechanism="popen", path="vfork")
PREEXEC = replace(EXEC, mechanism="popen_preexec_fn", path="fork", total_ns=250_000.0)
BIG: dict[str, Any] = {"scenario": "rss", "level": "64MiB", "unit": "bytes", "memory": 64 * MIB}
QUESTION = "fast path"
FAST = "the fast path, which copies no page tables of the parent, was taken by"


def test_preexec_fn_takes_a_call_off_the_fast_path_in_each_parent(tmp_path: Path) -> None:
    """250 µs beside 100 µs are 2.5 times, and 600 beside 120 µs in the larger parent are 5 times."""
    cells = [POPEN, PREEXEC, replace(POPEN, total_ns=120_000.0, **BIG), replace(PREEXEC, total_ns=600_000.0, **BIG)]
    assert lines(quiet(tmp_path, cells), QUESTION) == [
        f"Yes: {FAST} `popen` by `vfork`.",
        "`preexec_fn` takes a call off the fast path: "
        "in a bare parent it takes 2.50 (2.50 to 2.50) times as long as `popen`; "
        "with `rss=64MiB` it takes 5.00 (5.00 to 5.00) times as long as `popen`.",
    ]


def test_an_old_python_forks_unless_descriptors_stay_open(tmp_path: Path) -> None:
    """Python 3.8 forks for `subprocess.run`, and only `close_fds=False` spares it that; 3.13 forks for neither."""
    run = replace(EXEC, mechanism="subprocess_run", path="fork", total_ns=200_000.0, python="3.8.18")
    kept = replace(EXEC, mechanism="popen_no_close_fds", python="3.8.18")
    new = [replace(cell, python="3.13.0", path="posix_spawn") for cell in (run, kept)]
    assert lines(quiet(tmp_path, [run, kept, *new]), QUESTION) == [
        f"Python 3.8.18: Not always: {FAST} `popen_no_close_fds` by `posix_spawn`, but not by `subprocess_run`.",
        "Python 3.8.18: `close_fds=True`, the default, takes `subprocess_run` off the fast path with this Python: "
        "in a bare parent it takes 2.00 (2.00 to 2.00) times as long as `popen_no_close_fds`.",
        f"Python 3.13.0: Yes: {FAST} `subprocess_run` and `popen_no_close_fds` by `posix_spawn`.",
        "This run cannot tell: what `preexec_fn` takes; add `--mechanism popen_preexec_fn`.",
    ]


def test_without_a_fast_call_there_is_no_price(tmp_path: Path) -> None:
    """Where every call forks, the answer is no, and the price needs a call that does not."""
    answer, price = lines(quiet(tmp_path, [replace(POPEN, path="fork"), FORK]), QUESTION)[:2]
    assert answer == "No: `popen` forked, so a call copies the page tables of the parent."
    assert price.startswith("`popen` is not on the fast path with this Python. This run cannot tell: what that costs;")


def test_untraced_calls_tell_nothing(tmp_path: Path) -> None:
    """A call without a known path is no evidence, and other mechanisms are no calls of `subprocess`."""
    (line,) = lines(quiet(tmp_path, [replace(POPEN, path=""), EXEC, FORK]), QUESTION)
    assert line.startswith("This run cannot tell: no call of `subprocess` was traced; `python -m bench run")


def test_what_holds_alone_is_unclear_among_ten(tmp_path: Path) -> None:
    """A price of 4 % holds alone (3.5 standard errors), not among those of ten sizes (7.45); no import is a size."""
    cells = [POPEN, replace(PREEXEC, total_ns=100_000.0)]
    doubtful = {(1, "mechanism"): [1.02, 1.02, 1.04, 1.04, 1.06, 1.06]}
    alone = lines(scale_rounds(quiet(tmp_path / "one", cells), doubtful), QUESTION)[1]
    assert alone.startswith("`preexec_fn` takes a call off the fast path: in a bare parent it takes 1.04 (1.0")
    others = [replace(cell, scenario="rss", level=str(number), unit="bytes") for number in range(9) for cell in cells]
    others.append(replace(POPEN, scenario="imports", level="numpy"))
    others.append(replace(PREEXEC, scenario="imports", level="numpy"))
    ten = lines(scale_rounds(quiet(tmp_path / "ten", [*cells, *others]), doubtful), QUESTION)[1]
    assert ten.startswith(
        "`preexec_fn` takes a call off the fast path: in a bare parent this run cannot tell it from `popen` (1.04 (0.9"
    )
    assert "numpy" not in ten
