"""A function called in a new Python process.

The target is a builtin function that any child can import. A `spawn` or `forkserver` child imports
the parent's main module again. Here that is `small_main.py`, which is empty: so the mechanism is
measured, and not this harness. Where a user's program is the parent, it is that program, as it is without us.
"""

from . import mechanism


def _small_main():
    import os
    import sys

    folder = os.path.dirname(os.path.abspath(__file__))
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) in (None, os.path.join(os.path.dirname(folder), "__main__.py")):
        main.__file__ = os.path.join(folder, "small_main.py")


def _process(subject, method):
    """Return ``call()``, which runs a function in a process of start method `method` and joins it."""
    from multiprocessing import get_context
    from time import perf_counter_ns as now

    _small_main()
    create = get_context(method).Process
    if method != "fork":
        # It starts once in a program, whatever the number of processes: it is not part of a call.
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()
    target = subject.target or now

    def call():
        child = create(target=target)
        child.start()
        called = now()
        child.join()
        status = child.exitcode
        child.close()
        return called, 0, status

    return call


@mechanism("python_call", control="native_fork", needs=("start:fork",))
def mp_fork(subject):
    """multiprocessing.Process by fork: start, join."""
    return _process(subject, "fork")


@mechanism("python_call", control="native_fork", needs=("start:forkserver",))
def mp_forkserver(subject):
    """multiprocessing.Process by a fork server that is already up: start, join."""
    call = _process(subject, "forkserver")
    call()  # the server is started by its first process
    return call


@mechanism("python_call", control="native_python", needs=("start:forkserver",))
def mp_forkserver_cold(subject):
    """multiprocessing.Process by a fork server that has to be started for it: start, join."""
    from multiprocessing.forkserver import _forkserver

    # The only way to stop a server before its parent ends; the standard library's own tests use it.
    subject.after = _forkserver._stop
    return _process(subject, "forkserver")


@mechanism("python_call", control="native_python", needs=("start:spawn",))
def mp_spawn(subject):
    """multiprocessing.Process by spawn: start, join."""
    return _process(subject, "spawn")


@mechanism("python_call", control="native_fork", needs=("start:fork",))
def process_pool(subject):
    """ProcessPoolExecutor of one, by fork: start it, one task, shut it down."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from time import perf_counter_ns as now

    context = get_context("fork")

    def call():
        pool = ProcessPoolExecutor(1, mp_context=context)
        task = pool.submit(now)
        called = now()
        ready = task.result()
        pool.shutdown()
        return called, ready, 0

    return call
