"""That the programs which judge the model start, can be read, fork on request, and end."""

from __future__ import annotations

import sys

from analysis.predict.prediction import predict
from analysis.predict.process import read_process
from tests import bench_model
from tests.analysis.predict.test_prediction import MODEL
from tests.engine import CONTROL, needs_control, needs_proc

pytestmark = [needs_control, needs_proc]


def test_programs_are_read_and_forked_and_end() -> None:
    """Two of them side by side: each has a dose of its own kind, times of both roles, and a line in the table."""
    names = {"many_threads", "open_files"}
    programs = [path for path in bench_model.programs() if path.stem in names]
    with bench_model.started(programs, CONTROL, None, sys.executable) as parents:
        for parent in parents:
            parent.calls = {"control": 5, "os_fork": 2}
            parent.prediction = predict(MODEL, read_process(str(parent.process.pid)))
            parent.measure()
    assert {parent.name: parent.process.poll() is not None for parent in parents} == dict.fromkeys(names, True)
    dose = {parent.name: parent.prediction.process.dose for parent in parents if parent.prediction}
    assert dose["many_threads"]["threads"] == 101
    assert dose["open_files"]["fds"] >= 800
    assert all(median > 0 for parent in parents for times in parent.medians.values() for median in times)
    found = bench_model.errors(parents)
    assert [len(values) for values in found.values()] == [2, 2]
    # What is taken out of the measured times is out of the errors.
    half = bench_model.errors(parents, {"control": 2.0, "os_fork": 2.0})
    assert [round((1 + two) / (1 + one), 6) for one, two in zip(found["control"], half["control"], strict=True)] == [
        2,
        2,
    ]
