"""Mechanisms with a known cost, for the instrument's certificate."""

from . import mechanism

KNOWN_DELAY_NS = 200_000


@mechanism("known")
def known_delay(subject):
    """No child: waits busily until KNOWN_DELAY_NS have passed on the clock."""
    from time import perf_counter_ns as now

    def call():
        end = now() + KNOWN_DELAY_NS
        while now() < end:
            pass
        return now(), 0, 0

    return call
