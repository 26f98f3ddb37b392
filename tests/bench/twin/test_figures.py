"""Holds that the figures of a twin are those that the analysis of its run shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.read.run import load_run
from analysis.summary.analysed_run import AnalysedRun
from bench.schema import Role
from bench.twin.figures import times


def test_times_are_those_of_the_summary(fake_run: Path) -> None:
    """Median and interval of each mechanism, and the control's median, are what `analysis summary` has, to the ns."""
    run = load_run(fake_run)
    analysed = AnalysedRun(run)
    once = analysed.summary[~analysed.summary["mechanism"].duplicated(keep=False) & analysed.summary["p50_ns"].notna()]
    found = times(fake_run, run.rounds)
    assert len(once)
    for row in once.itertuples():
        time = found[str(row.mechanism), Role.MECHANISM]
        assert (time.p50_ns, time.lo_ns, time.hi_ns) == pytest.approx((row.p50_ns, row.p50_lo_ns, row.p50_hi_ns), abs=1)
        control = analysed.rounds[analysed.rounds["cell"] == row.cell]["control_p50_ns"].median()
        if (str(row.mechanism), Role.CONTROL) in found:
            assert found[str(row.mechanism), Role.CONTROL].p50_ns == pytest.approx(control, abs=1)
