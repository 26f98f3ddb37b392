"""The baselines, which are cheaper than any process: the harness itself, and a thread."""

from . import mechanism


@mechanism("baseline")
def noop(subject):
    """Nothing: what the harness adds to every call."""
    from time import perf_counter_ns as now

    def call():
        return now(), 0, 0

    return call


@mechanism("baseline", control="native_fork")
def thread(subject):
    """threading.Thread: start, join."""
    from threading import Thread
    from time import perf_counter_ns as now

    def call():
        ready = []
        child = Thread(target=lambda: ready.append(now()))
        child.start()
        called = now()
        child.join()
        return called, ready[0], 0

    return call
