"""Turns the cells of a run into what other ways to start a process cost in parents of several sizes."""

from __future__ import annotations

import msgspec
import numpy as np

from analysis.summary.analysed_run import AnalysedRun
from analysis.text.units import known

MECHANISMS = ("posix_spawn", "subprocess_run")
# These vary memory alone, so that what lies between two of them can be told from them.
_SIZED = ("parent", "rss")


class Alternative(msgspec.Struct, frozen=True):
    """The median latency of a mechanism (ns, with its interval) in a parent that has so much to copy."""

    mechanism: str
    copied_bytes: float
    ns: float
    lo_ns: float | None
    hi_ns: float | None


def alternatives_of(analysed: AnalysedRun, python: str) -> list[Alternative]:
    """What was measured of `MECHANISMS` in bare parents and such with more memory, by mechanism and size."""
    rows = analysed.summary
    rows = rows[(rows["python"] == python) & rows["mechanism"].isin(MECHANISMS) & rows["p50_ns"].notna()]
    rows = rows[rows["scenario"].isin(_SIZED) & (rows["level"] != "equal")]
    doses = analysed.verified_doses("copied_bytes").median()
    return sorted(
        (
            Alternative(
                str(row["mechanism"]),
                float(doses.get(row["cell"], np.nan)),
                float(row["p50_ns"]),
                float(row["p50_lo_ns"]) if known(row["p50_lo_ns"]) else None,
                float(row["p50_hi_ns"]) if known(row["p50_hi_ns"]) else None,
            )
            for _, row in rows.iterrows()
            if known(doses.get(row["cell"]))
        ),
        key=lambda one: (MECHANISMS.index(one.mechanism), one.copied_bytes),
    )


def at_size(measured: list[Alternative], copied_bytes: float) -> Alternative | None:
    """One mechanism in a parent that has `copied_bytes`: a straight line between the neighbouring sizes, the nearest
    size where it has only one. ``None``: nothing was measured.
    """
    if not measured:
        return None
    sizes = [one.copied_bytes for one in measured]
    lows = [one.ns if one.lo_ns is None else one.lo_ns for one in measured]
    highs = [one.ns if one.hi_ns is None else one.hi_ns for one in measured]
    value, low, high = (
        float(np.interp(copied_bytes, sizes, values)) for values in ([one.ns for one in measured], lows, highs)
    )
    return Alternative(measured[0].mechanism, sizes[-1], value, low, high)
