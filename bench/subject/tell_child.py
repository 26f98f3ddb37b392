"""Turns the start of a child of multiprocessing into its stamp; the child imports this module by its name."""

import os
import sys
import time


def tell():
    """Write the time, CLOCK_MONOTONIC in ns, into the first eight bytes of the file at descriptor 1."""
    began = time.perf_counter_ns()
    os.pwrite(1, began.to_bytes(8, sys.byteorder), 0)
