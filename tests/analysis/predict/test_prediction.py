"""What is predicted for a process from prices that are known, and how it is said."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.model.alternatives import Alternative, at_size
from analysis.model.checks import Check
from analysis.model.cost_model import CostModel, Price
from analysis.predict import text
from analysis.predict.prediction import Prediction, predict
from analysis.predict.process import Process
from tests.analysis.model.known_costs import BARE, CONTROL, MIB, SHARE, run_of
from tests.analysis.predict.test_process import child
from tests.engine import needs_proc
from tests.fake_run import QUIET, write_run

MOST = {"constant": 1, "page": 65536, "huge_page": 256, "mapping_private": 1020, "mapping_other": 4000, "file": 1005}


def price(term: str, ns: float) -> Price:
    """A price that is known to 1 %."""
    return Price(term, ns, 0.99 * ns, 1.01 * ns, 0.0, float(MOST.get(term, 100)))


MODEL = CostModel(
    run="20261124T040000Z",
    machine="fake-2cpu",
    python="3.11.7",
    rounds=12,
    control=[price(term, ns) for term, ns in CONTROL.items()],
    share=[price(term, ns) for term, ns in SHARE.items()],
    checks=[Check("rss=64MiB+threads=8", "control", "held out", 1.0, 1.0)],
    control_error=0.1,
    os_fork_error=0.2,
    bare_ns=150_000.0,
    thread_ns=None,
    alternatives=[
        Alternative("posix_spawn", 3.0 * MIB, 200_000.0, 190_000.0, 210_000.0),
        Alternative("posix_spawn", 67.0 * MIB, 264_000.0, 250_000.0, 280_000.0),
    ],
    missing=[],
)


def process(handlers: frozenset[str] = frozenset({"threading"}), is_python: bool = True, **more: int) -> Process:
    """A process that holds so much more than a bare parent."""
    dose: Mapping[str, int] = {name: size + more.get(name, 0) for name, size in BARE.items()}
    return Process(7, "server", dose, handlers, is_python)


def cost(found: Prediction) -> float:
    """The whole of it, ns."""
    assert found.os_fork is not None
    return found.os_fork.ns


def test_a_prediction_is_the_sum_of_its_causes() -> None:
    """20 mappings at 1500 ns, 25 at 300, 768 pages at 40, 5 files at 20, 11 tables at 2000, and both constants."""
    found = predict(MODEL, process())
    control = 30_000 + 20 * 1500 + 25 * 300 + 768 * 40 + 5 * 20 + 11 * 2000
    assert found.control.ns == pytest.approx(control)
    assert cost(found) == pytest.approx(control + 50_000 + 180_000)
    assert sum(cause.ns for cause in found.causes) == pytest.approx(cost(found))
    assert found.causes[0].key == "handlers_threading"


def test_the_interval_is_the_error_of_the_model_on_parents_it_did_not_know() -> None:
    """Within the fit's reach it lies within a factor of exp(0.1) for the control and exp(0.2) for os.fork."""
    found = predict(MODEL, process())
    assert found.control.lo_ns == pytest.approx(found.control.ns * math.exp(-0.1))
    assert found.control.hi_ns == pytest.approx(found.control.ns * math.exp(0.1))
    assert found.os_fork is not None
    assert found.os_fork.hi_ns == pytest.approx(found.os_fork.ns * math.exp(0.2))


def test_beyond_the_fit_the_interval_is_wider_and_the_sentence_says_so() -> None:
    """1 GiB of pages is four times the largest parent: 1 % of its price is added as squares, and said at once."""
    found = predict(MODEL, process(copied_bytes=1 << 30))
    pages = (BARE["copied_bytes"] + (1 << 30)) / 4096
    assert found.beyond == ["page"]
    assert found.control.hi_ns - found.control.ns == pytest.approx(
        math.hypot(found.control.ns * math.expm1(0.1), 0.4 * pages)
    )
    assert "beyond the 256 MiB in 4 KiB pages that the fit reaches" in text.lines(MODEL, found)[0]


def test_handlers_that_no_file_gives_away_are_in_the_upper_end_alone() -> None:
    """Without a trace of `threading` its 180 µs may still come on top, and a line says so; never for other programs."""
    found = predict(MODEL, process(handlers=frozenset()))
    assert found.os_fork is not None
    assert found.unseen_ns == pytest.approx(180_000)
    assert found.os_fork.hi_ns == pytest.approx(found.os_fork.ns * math.exp(0.2) + 180_000)
    assert any("no file gives away" in line for line in text.lines(MODEL, found))
    assert predict(MODEL, process(frozenset(), is_python=False)).unseen_ns == 0


def test_huge_pages_and_an_earlier_fork_help_by_what_they_save() -> None:
    """256 MiB are 65,536 pages (2.62 ms) or 128 huge ones (51 µs); a bare parent takes 150 µs."""
    found = predict(MODEL, process(copied_bytes=253 * MIB))
    helps = {one.what: (one.before_ns, one.after_ns) for one in found.helps}
    assert helps["these pages as huge pages"] == pytest.approx((65536 * 40, 128 * 400))
    assert helps["fork before loading"] == pytest.approx((cost(found), 150_000))
    line = next(line for line in text.lines(MODEL, found) if line.startswith("would help most"))
    assert "these pages as huge pages: 2.62 ms → 51.2 µs" in line


def test_a_small_process_gets_no_advice_on_its_few_pages() -> None:
    """3 MiB are no case for huge pages."""
    assert "these pages as huge pages" not in [one.what for one in predict(MODEL, process()).helps]


def test_other_ways_come_from_the_cells_and_say_their_reach() -> None:
    """Between two sizes a straight line; beyond the largest its value and that size; else what to add."""
    between = at_size(MODEL.alternatives, 35.0 * MIB)
    assert between is not None
    assert between.ns == pytest.approx(232_000)
    lines = text.lines(MODEL, predict(MODEL, process(copied_bytes=200 * MIB)))
    assert "instead, posix_spawn: 260 µs (250 to 280), measured in parents of up to 67.0 MiB" in lines
    assert any("subprocess_run: not measured in this run (add --mechanism subprocess_run" in line for line in lines)


def test_what_has_no_price_is_named_and_not_counted() -> None:
    """Huge pages in a process, none in the run: a line with the scenario to add."""
    without = replace_control([price(term, ns) for term, ns in CONTROL.items() if term != "huge_page"])
    found = predict(without, process(huge_bytes=64 * MIB))
    assert found.unpriced == ["huge_page"]
    assert any("not counted: 64.0 MiB in huge pages" in line for line in text.lines(without, found))


def replace_control(control: list[Price]) -> CostModel:
    """The model with other prices of C."""
    import msgspec

    return msgspec.structs.replace(MODEL, control=control)


def test_a_model_without_os_fork_predicts_the_fork_in_c() -> None:
    """Where Python's share was not measured, the first line says what it is about, and JSON has null."""
    import msgspec

    model = msgspec.structs.replace(MODEL, share=[], os_fork_error=None)
    found = predict(model, process())
    assert found.os_fork is None
    assert text.lines(model, found)[0].startswith("a fork in C in process 7 (server) would take")
    assert json.loads(text.to_json(model, found))["os_fork_ns"] is None


def test_json_has_the_keys_that_scripts_read() -> None:
    """The keys of the contract, in whole nanoseconds."""
    found = json.loads(text.to_json(MODEL, predict(MODEL, process())))
    assert found["os_fork_lo_ns"] < found["os_fork_ns"] < found["os_fork_hi_ns"]
    assert found["control_ns"] < found["os_fork_ns"]
    assert found["posix_spawn_ns"] == 200_000
    assert {"term", "text", "amount", "ns"} == set(found["causes"][0])


def test_a_name_that_would_move_the_cursor_is_shown_as_it_is() -> None:
    """The name of a process is text of somebody else; the reader of /proc spells it out."""
    found = predict(MODEL, replace(process(), name="a\\x1bb"))
    assert "(a\\x1bb)" in text.lines(MODEL, found)[0]


@needs_proc
def test_both_commands_say_it_for_a_real_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`model` leaves a file that `predict` takes as well as the run, for a Python that waits."""
    run = write_run(tmp_path, run_of(noise=QUIET, rounds=6))
    assert main(["model", str(run)]) == 0
    assert "page of 4 KiB" in capsys.readouterr().out
    with child() as waiting:
        assert main(["predict", str(run), "--pid", str(waiting.pid), "--json"]) == 0
        by_run = json.loads(capsys.readouterr().out)
        assert main(["predict", str(run / "model.json"), "--pid", str(waiting.pid)]) == 0
        waiting.kill()
    assert by_run["pid"] == waiting.pid
    assert by_run["os_fork_ns"] > by_run["control_ns"] > 0
    assert capsys.readouterr().out.startswith(f"os.fork in process {waiting.pid} (")


@pytest.mark.parametrize("form", ["markdown", "csv", "json"])
def test_a_model_is_printed_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Each format has the price of a page, 40 ns."""
    run = write_run(tmp_path, run_of(noise=QUIET, rounds=6))
    assert main(["model", str(run), "--format", form]) == 0
    assert "40" in capsys.readouterr().out


@needs_proc
def test_a_wrong_pid_or_run_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No number, or no run: status 2, nothing on standard output."""
    for words in (["predict", str(tmp_path), "--pid", "no"], ["model", str(tmp_path)]):
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
