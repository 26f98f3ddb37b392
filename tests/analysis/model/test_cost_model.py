"""What a model of cost says of runs whose prices are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.errors import LoadError
from analysis.model import model_text
from analysis.model.checks import CONTROL as CONTROL_PART
from analysis.model.checks import Check, error_of
from analysis.model.cost_model import CostModel, fit_model
from analysis.model.observations import handlers_of, median_parents, observe
from analysis.model.published import PUBLISHED, agrees
from analysis.model.stored import MODEL_FILE, model_of, read, store
from analysis.model.terms import COLUMNS, amounts
from analysis.read.run import load_run
from tests.analysis.model.known_costs import CONTROL, SHARE, parent, parents, run_of
from tests.fake_kinds import KINDS
from tests.fake_run import PYTHON, QUIET, Noise, write_run


@pytest.fixture(scope="module")
def quiet_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which every call costs just what its parent's dose adds up to."""
    return write_run(tmp_path_factory.mktemp("quiet"), run_of(noise=QUIET, rounds=6))


@pytest.fixture(scope="module")
def quiet(quiet_run: Path) -> CostModel:
    """Its model."""
    return fit_model(load_run(quiet_run))


def test_prices_are_those_that_the_run_was_made_with(quiet: CostModel) -> None:
    """Every price of C and of Python is found back within 1 %, and nothing else has one that matters."""
    for prices, true in ((quiet.control, CONTROL), (quiet.share, SHARE)):
        found = {price.term: price.ns for price in prices}
        assert {key: found[key] for key in true} == pytest.approx(true, rel=0.01)
        rest = {key: ns for key, ns in found.items() if key not in true}
        assert rest == pytest.approx(dict.fromkeys(rest, 0.0), abs=5.0)


def test_intervals_hold_the_prices_of_a_noisy_run(tmp_path: Path) -> None:
    """With bursts and subjects that differ, the intervals of the prices that dominate hold the truth."""
    model = fit_model(load_run(write_run(tmp_path, run_of(rounds=12, noise=Noise(drift=0)))))
    for price in model.control:
        if price.term in ("page", "mapping_private", "mapping_other"):
            assert price.lo_ns is not None
            assert price.hi_ns is not None
            assert price.lo_ns <= CONTROL[price.term] <= price.hi_ns


def test_combined_parents_are_predicted_and_not_fitted(quiet: CostModel) -> None:
    """The three combined cells are checks of both parts, and of exact costs the error is nothing."""
    combined = [check for check in quiet.checks if check.kind == "held out"]
    assert {check.name for check in combined} == {
        "rss=64MiB+threads=64",
        "rss=16MiB+vmas=1000",
        "imports=threading+rss=64MiB",
    }
    assert {check.part for check in combined} == {"control", "os_fork"}
    assert max(abs(check.error) for check in combined) < 0.01


def test_a_parent_beyond_all_others_is_no_check(quiet: CostModel) -> None:
    """The largest of a kind cannot be predicted from the rest without leaving their reach; the second largest can."""
    left_out = {check.name for check in quiet.checks if check.kind == "left out"}
    assert {"rss=64MiB", "vmas=1000", "fds=100"} <= left_out
    assert not {"rss=256MiB", "vmas=4000", "fds=1000"} & left_out


def test_pages_of_files_are_priced_apart_and_swapped_ones_are_pages() -> None:
    """Of 100 copied pages 30 are of a file; 5 in swap come on top."""
    dose = {name: np.zeros(1) for name in COLUMNS}
    dose |= {"copied_bytes": np.array([409_600.0]), "copied_file_bytes": np.array([122_880.0])}
    dose |= {"swapped_bytes": np.array([20_480.0])}
    assert amounts(dose, ("page", "page_of_file")).tolist() == [[75.0, 30.0]]


def test_other_ways_are_taken_from_parents_that_differ_in_memory_alone(tmp_path: Path) -> None:
    """posix_spawn in bare parents and such with more memory is kept by size; with all modules loaded it is not."""
    kinds = [parent("parent", "bare"), parent("rss", "64MiB", copied_bytes=64 << 20), parent("parent", "equal")]
    spawns = [replace(cell, mechanism="posix_spawn", work="exec", control="native_spawn") for cell in kinds]
    model = fit_model(load_run(write_run(tmp_path, run_of([*parents(), *spawns], noise=QUIET, rounds=6))))
    assert [one.copied_bytes for one in model.alternatives] == [3 << 20, 67 << 20]
    assert model.alternatives[0].ns == pytest.approx(kinds[0].total_ns, rel=1e-3)


def test_two_rounds_of_six_that_met_a_burst_move_no_price(quiet_run: Path, quiet: CostModel) -> None:
    """Rounds three times as slow as the rest leave the medians over rounds, and so the fit, where they were."""
    rows = observe(load_run(quiet_run), PYTHON)
    slow = rows["round"].isin([1, 4])
    rows.loc[slow, "control_ns"] *= 3
    all_parents = median_parents(rows)
    keys = tuple(price.term for price in quiet.control)
    found = CONTROL_PART.fit(all_parents[~all_parents["held_out"]], keys)
    assert found == pytest.approx([price.ns for price in quiet.control], rel=1e-3, abs=1.0)


def test_pages_that_cost_more_in_large_parents_get_a_price_of_their_own(tmp_path: Path) -> None:
    """A cost that bends upwards is fitted with growth, and held-out parents are nearer for it."""
    bent = []
    for cell in parents():
        pages = cell.doses["copied_bytes"] / 4096
        more = 10 * pages * math.log2(1 + pages / 16384)
        bent.append(replace(cell, total_ns=cell.total_ns + more, control_ns=cell.control_ns + more))
    model = fit_model(load_run(write_run(tmp_path, run_of(bent, noise=QUIET, rounds=6))))
    found = {price.term: price.ns for price in model.control}
    assert found["page_growth"] == pytest.approx(10.0, rel=0.02)
    assert found["page"] == pytest.approx(40.0, rel=0.02)


def test_an_idle_thread_is_shown_with_all_that_it_brings(quiet: CostModel) -> None:
    """64 threads with two mappings and a page table each: 1500 + 300 + 2000 ns a thread in C."""
    assert quiet.thread_ns == pytest.approx(3_800.0, rel=0.01)


def test_published_prices_are_said_to_differ_where_the_interval_does_not_hold_them(quiet: CostModel) -> None:
    """55 ns a page are not in an interval around 40 ns, and the text says so with the source."""
    page = next(price for price in quiet.control if price.term == "page")
    assert agrees(PUBLISHED[0], page) is False
    assert any("page of 4 KiB: published as 55.0 ns (Baumann" in line for line in model_text.notes(quiet))
    assert not any("published as 300 ns" in line for line in model_text.notes(quiet))


def test_a_run_without_some_scenarios_says_what_to_add(tmp_path: Path) -> None:
    """Without huge pages and files there is a model, and a line for each price that it lacks."""
    cells = [cell for cell in parents() if cell.scenario not in ("thp", "fds")]
    model = fit_model(load_run(write_run(tmp_path, run_of(cells, noise=QUIET, rounds=6))))
    assert "huge page of 2 MiB: no price from this run; add --scenario thp=256MiB" in model.missing
    assert "open file: no price from this run; add --scenario fds=1000" in model.missing


def test_a_run_of_bare_parents_alone_is_refused_with_what_to_measure(tmp_path: Path) -> None:
    """One size of parent tells no price: one line names the scenarios."""
    run = load_run(write_run(tmp_path, run_of([parent("parent", "bare")], noise=QUIET, rounds=6)))
    with pytest.raises(LoadError, match=r"needs at least .* --scenario rss=16MiB,64MiB,256MiB"):
        fit_model(run)


def test_a_run_without_doses_or_of_another_python_is_refused(kind_run: Callable[[str], Path], quiet_run: Path) -> None:
    """Runs of older versions lack what a fork copies; an interpreter that is not there is named."""
    older = load_run(kind_run("usual"))
    with pytest.raises(LoadError, match="no doses to fit a model to"):
        fit_model(older)
    with pytest.raises(LoadError, match=r"--python 2\.7: not in"):
        fit_model(load_run(quiet_run), "2.7")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_run_of_any_kind_is_refused_in_one_line(kind_run: Callable[[str], Path], kind: str) -> None:
    """Partial, imported, empty or failed runs, and those of older versions, end in a line and never in a traceback."""
    with pytest.raises(LoadError) as caught:
        fit_model(load_run(kind_run(kind)))
    assert "\n" not in str(caught.value)


def test_subjects_that_failed_in_some_rounds_take_only_these_rounds_away(tmp_path: Path) -> None:
    """A cell that failed in two of eight rounds leaves six rounds for the intervals, and the same prices."""
    cells = [replace(cell, failing_rounds=(0, 5)) if cell.scenario == "thp" else cell for cell in parents()]
    model = fit_model(load_run(write_run(tmp_path, run_of(cells, noise=QUIET, rounds=8))))
    huge = next(price for price in model.control if price.term == "huge_page")
    assert (huge.ns, huge.lo_ns, huge.hi_ns) == pytest.approx((400.0, 400.0, 400.0), rel=0.01)


def test_threads_that_compute_and_free_cpus_are_not_in_the_fit(tmp_path: Path, quiet: CostModel) -> None:
    """Parents whose forks cost more than what they hold leave the prices alone."""
    disturbed = [replace(parent(name, "8"), control_ns=9e6, total_ns=2e7) for name in ("threads_busy", "affinity")]
    model = fit_model(load_run(write_run(tmp_path, run_of([*parents(), *disturbed], noise=QUIET, rounds=6))))
    assert [one.ns for one in model.control] == pytest.approx([one.ns for one in quiet.control], rel=1e-3, abs=1.0)


def test_calls_that_change_their_parent_are_not_in_the_fit(tmp_path: Path) -> None:
    """First writes, workers and parents at the same time are no parents of known dose; forks beside them are."""
    fork = parent("parent", "bare")
    others = [
        replace(fork, mechanism="child_rewrites", work="first_write", scenario="rss", level="1MiB"),
        replace(fork, mechanism="workers_fork", work="workers", scenario="workers", level="4"),
        replace(fork, scenario="at_once", level="2"),
    ]
    rows = observe(load_run(write_run(tmp_path, run_of([fork, *others], rounds=6, noise=QUIET))), PYTHON)
    assert set(rows["cell"]) == {0}


def test_too_few_rounds_leave_prices_without_intervals(tmp_path: Path) -> None:
    """Three rounds have prices, no intervals, and a line that says how many it needs."""
    model = fit_model(load_run(write_run(tmp_path, run_of(noise=QUIET, rounds=3))))
    assert all(price.lo_ns is None for price in model.control)
    assert any("at least 6 rounds" in line for line in model_text.notes(model))


def test_the_error_is_a_quantile_of_the_checks() -> None:
    """Of 39 checks the 38th smallest counts, ceil(0.95 · 40), of 20 the last, ceil(0.95 · 21); of 5 the largest."""
    checks = [Check("x", "control", "left out", math.exp(number / 100), 1.0) for number in range(1, 40)]
    assert error_of(checks) == pytest.approx(0.38, rel=0.01)
    assert error_of(checks[:20]) == pytest.approx(0.20, rel=0.01)
    assert error_of(checks[:5]) == pytest.approx(0.05, rel=0.01)


def test_the_file_is_the_same_when_made_again_and_is_read_back(quiet_run: Path, quiet: CostModel) -> None:
    """model.json has the same bytes each time, and says what the model says."""
    first = store(quiet_run, quiet).read_bytes()
    again = store(quiet_run, fit_model(load_run(quiet_run))).read_bytes()
    assert first == again
    assert read(quiet_run / MODEL_FILE) == quiet
    assert model_of(quiet_run / MODEL_FILE, None) == quiet
    (quiet_run / MODEL_FILE).unlink()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"run": 1}', "\udcff", '{"run": "\\ud800"}'])
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    """Anything else in its place is named with what to do."""
    path = tmp_path / MODEL_FILE
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(LoadError, match=r"no model .*make it again") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_handlers_are_known_from_the_name_of_a_parent() -> None:
    """An import that brings `threading` is told by its name, in combinations too; a program's is not known."""
    assert handlers_of("rss=64MiB+imports=subprocess") == {"threading"}
    assert handlers_of("imports=scipy.stats") == {"threading", "random"}
    assert handlers_of("imports=json") == set()
    assert handlers_of("imports=something_else") is None
    assert handlers_of("program=server.py") is None
    assert handlers_of("parent=equal") == {"threading"}
