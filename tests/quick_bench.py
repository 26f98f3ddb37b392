"""Turns `python -m bench` into the same program with a small certificate: ``python -m tests.quick_bench WORDS``.

The certificate and the look at the machine take a second of every run, however short. What a test holds of a real
process (its end by a signal, its limits, its output) does not depend on them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from bench.__main__ import main

_WATCH_S = 0.01


@contextmanager
def small_certificate() -> Iterator[None]:
    """Have the certificate and the look at the machine measure as little as they can."""
    from bench.machine import fitness
    from bench.measure import certificate, run

    with (
        patch.object(fitness, "measure_cpu_activity", partial(fitness.measure_cpu_activity, _WATCH_S)),
        patch.multiple(certificate, _OBSERVER_CALLS=3, _OBSERVER_BLOCKS=1, _FEWEST_OBSERVATIONS=1),
        patch.object(run, "_CERTIFICATE_SHARE", 0.0),
    ):
        yield


if __name__ == "__main__":
    with small_certificate():
        sys.exit(main())
