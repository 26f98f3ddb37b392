"""A task for a worker that already runs."""

from . import mechanism


def _task(pool):
    from time import perf_counter_ns as now

    pool.submit(now).result()  # the worker is started by its first task

    def call():
        task = pool.submit(now)
        called = now()
        return called, task.result(), 0

    return call


@mechanism("reuse", control="native_fork", needs=("start:fork",))
def pool_task(subject):
    """A task to a warm ProcessPoolExecutor of one."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return _task(ProcessPoolExecutor(1, mp_context=get_context("fork")))


@mechanism("reuse", control="native_fork")
def thread_pool_task(subject):
    """A task to a warm ThreadPoolExecutor of one."""
    from concurrent.futures import ThreadPoolExecutor

    return _task(ThreadPoolExecutor(1))
