"""Tells whether the machine was suspended, from the two clocks of which only one goes on then."""

from __future__ import annotations

import time

# Reading two clocks, one after the other, may be interrupted; a suspension takes seconds.
LEAST_NS = 500_000_000


def asleep_ns() -> int:
    """For how long the machine was suspended since it started (Linux: man 2 clock_gettime; elsewhere 0)."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
