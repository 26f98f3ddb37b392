"""A parent with tables, threads and objects at once."""

import concurrent.futures
import threading

import numpy
import pandas

frame = pandas.DataFrame(numpy.ones((1_000_000, 8)))
pool = concurrent.futures.ThreadPoolExecutor(16)
barrier = threading.Barrier(16)
list(pool.map(lambda _: barrier.wait(), range(16)))
objects = [{"number": number} for number in range(100_000)]
