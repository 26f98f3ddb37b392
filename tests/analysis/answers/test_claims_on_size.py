"""What decides a claim about the parent's size: growth or none, and from where on starting a program is faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.analysis.answers.test_claims import FORK, lines, quiet
from tests.edit_run import scale_rounds
from tests.fake_kinds import MIB


def sizes(
    results: Path, small: Sequence[float], large: Sequence[float], memory: int = 256 * MIB, mechanism: str = "os_fork"
) -> Path:
    """A run of two sizes in which a mechanism takes so many ms in each round."""
    cell = replace(FORK, mechanism=mechanism, total_ns=1e6)
    cells = [cell, replace(cell, scenario="rss", level="big", unit="bytes", memory=memory)]
    return scale_rounds(quiet(results, cells), {(0, "mechanism"): small, (1, "mechanism"): large})


def test_growth_is_shown_where_every_round_grows(tmp_path: Path) -> None:
    """From 1 ms to 1.6 … 2.1 ms over 256 MiB are 2.4 … 4.4 ms for each GiB; one round that falls makes it no growth."""
    (line,) = lines(sizes(tmp_path / "grown", [1] * 6, [1.6, 1.7, 1.8, 1.9, 2.0, 2.1]), "more memory")
    assert line.startswith(
        "`os_fork`: for each GiB of private memory 3.4 ms (2.4 to 4.4) between 6.68 MiB and 263 MiB. "
        "The last is 13 ns (9 to 17) for each page of 4 KiB. Larger parents were not measured."
    )
    (line,) = lines(sizes(tmp_path / "one", [1] * 6, [0.95, 1.7, 1.8, 1.9, 2.0, 2.1]), "more memory")
    assert line == (
        "`os_fork`: this run shows no growth up to 263 MiB. If there is any, it is below 4.40 ms for each GiB."
    )
    (line,) = lines(sizes(tmp_path / "fall", [1] * 6, [1.05, 0.3, 0.4, 0.5, 0.4, 0.5]), "more memory")
    assert (
        line == "`os_fork`: this run shows no growth up to 263 MiB. If there is any, it is below 2.80 ms for each GiB."
    )
    (line,) = lines(sizes(tmp_path / "faster", [1] * 6, [0.6, 0.7, 0.6, 0.7, 0.6, 0.7]), "more memory")
    assert line.startswith("`os_fork`: for each GiB of private memory -1.4 ms (-1.6 to -1.2) between")


@pytest.mark.parametrize(("more", "shown"), [(0.0012, True), (0.0008, False)])
def test_growth_of_less_than_a_thousandth_is_none(tmp_path: Path, more: float, shown: bool) -> None:
    """Over all that was measured, 0.12 % of the latency in the smallest parent is growth, 0.08 % is none."""
    (line,) = lines(sizes(tmp_path, [1] * 6, [1 + more] * 6), "more memory")
    assert ("this run shows no growth" in line) is not shown


def test_each_step_between_sizes_has_its_own_figure(tmp_path: Path) -> None:
    """Growth of 1 ms over the first GiB and 2 ms over the next: two figures, and the page has that of the last."""
    cell = replace(FORK, mechanism="posix_spawn", total_ns=1e6)
    sizes = [("1GiB", 1 << 30, 2e6), ("2GiB", 2 << 30, 4e6)]
    cells = [
        cell,
        *(
            replace(cell, scenario="rss", level=name, unit="bytes", memory=more, total_ns=ns)
            for name, more, ns in sizes
        ),
    ]
    (line,) = lines(quiet(tmp_path, cells), "more memory")
    assert line == (
        "`posix_spawn`: for each GiB of private memory 1.00 ms (1.00 to 1.00) between 6.68 MiB and 1.01 GiB, and "
        "2.00 ms (2.00 to 2.00) between 1.01 GiB and 2.01 GiB. The last is 7.63 ns (7.63 to 7.63) for each page of "
        "4 KiB. Larger parents were not measured."
    )


def test_too_few_rounds_of_sizes_have_no_figure(tmp_path: Path) -> None:
    """Six rounds of each size but five in common: no growth and no break-even, but what they would need."""
    cells = [replace(FORK, failing_rounds=(0,)), replace(FORK, scenario="rss", level="big", memory=256 * MIB)]
    cells += [replace(cell, mechanism="subprocess_run", work="exec", failing_rounds=()) for cell in cells]
    run = quiet(tmp_path, [replace(cell, total_ns=1e6) for cell in cells])
    reason = "need at least 6 rounds for an interval at 95 %, have 5"
    assert lines(run, "more memory")[0] == f"`os_fork`: {reason}."
    assert (
        lines(run, "From which size")[0]
        == f"This run cannot tell of `subprocess_run`: {reason} (a larger `--budget` gives more)."
    )


def break_even(results: Path, starts: Sequence[tuple[float, float]], memory: int = 256 * MIB) -> list[str]:
    """The answer for a fork of 1 ms and 3 ms and a program that takes `starts` (ms) in each round."""
    fork = replace(FORK, total_ns=1e6)
    cells = [fork, replace(fork, scenario="rss", level="big", unit="bytes", memory=memory, total_ns=3e6)]
    cells += [
        replace(cell, mechanism="subprocess_run", work="exec", control="native_spawn", total_ns=1e6) for cell in cells
    ]
    small, large = ([start[place] for start in starts] for place in (0, 1))
    return lines(
        scale_rounds(quiet(results, cells), {(2, "mechanism"): small, (3, "mechanism"): large}), "From which size"
    )


def test_the_break_even_has_the_words_that_its_interval_allows(tmp_path: Path) -> None:
    """At every size, at none, somewhere between the two that were measured, with or without an upper end."""

    # Parents of 9 MB (8.6 MiB) and of 256 MiB more: 265 MiB.
    def answer(name: str, *starts: tuple[float, float]) -> str:
        first, second = break_even(tmp_path / name, starts if len(starts) == 6 else starts * 6)
        assert second.startswith("The two of each line do different work")
        return first.partition(" In the largest parent")[0]

    use, keep, untold = "Use `subprocess_run`", "Keep `os_fork`, not `subprocess_run`,", "This run cannot tell"
    every = "at every size that was measured, up to 265 MiB"
    assert answer("always", (0.5, 0.5)) == f"{use} {every}."
    assert answer("never", (3.5, 6)) == f"{keep} {every}."
    assert answer("half", (2, 2)) == f"{use} from 140 MiB (10 to 260) of resident memory on, as measured up to 265 MiB."
    some = [(2.0, 2.0)] * 5 + [(3.5, 6.0)]
    assert answer("open", *some) == (
        f"{use} from about 137 MiB (at least 8.58 MiB) of resident memory on, as measured up to 265 MiB."
    )
    mostly_never = [(3.5, 6.0)] * 5 + [(2.0, 2.0)]
    assert answer("to", *mostly_never) == f"{keep} up to 8.58 MiB; beyond, this run cannot tell."
    either = [(0.5, 0.5)] * 3 + [(3.5, 6.0)] * 3
    assert answer("either", *either) == (f"{untold} of `subprocess_run`: it takes less time {every}, or at none.")
    nearly = [(0.5, 0.5)] * 5 + [(2.0, 2.0)]
    assert answer("nearly", *nearly) == (
        f"{untold} of `subprocess_run`: it takes less time {every}, or only from 265 MiB of resident memory on."
    )


def test_several_ways_must_hold_together(tmp_path: Path) -> None:
    """Six rounds carry the interval of one way; of two, each needs 97.5 %, and so 1 - 2 / 2**7: seven rounds."""
    fork = replace(FORK, total_ns=1e6)
    cells = [fork, replace(fork, scenario="rss", level="big", unit="bytes", memory=256 * MIB, total_ns=3e6)]
    for name, work in (("subprocess_run", "exec"), ("thread", "baseline"), ("noop", "baseline")):
        cells += [replace(cell, mechanism=name, work=work, total_ns=2e6) for cell in cells[:2]]
    few = lines(quiet(tmp_path / "few", cells), "From which size")
    assert [line.partition(":")[0] for line in few] == [
        "This run cannot tell of `subprocess_run`",
        "This run cannot tell of `thread`",
    ]
    assert few[0].endswith(
        ": need at least 7 rounds for an interval at 97.5 %, have 6 (a larger `--budget` gives more)."
    )
    enough = lines(quiet(tmp_path / "enough", cells, rounds=7), "From which size")
    assert [line[:21] for line in enough[:-1]] == ["Use `subprocess_run` ", "Use `thread` from 140"]


def test_the_largest_parent_is_named_with_what_both_took(tmp_path: Path) -> None:
    """Both latencies are those in the largest parent that both were measured in."""
    first, _ = break_even(tmp_path, [(2.0, 2.5)] * 6)
    assert first.endswith(
        "In the largest parent measured, `os_fork` took 3.00 ms (3.00 to 3.00) and `subprocess_run` took "
        "2.50 ms (2.50 to 2.50)."
    )
