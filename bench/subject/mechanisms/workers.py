"""Several workers: started, ready, all at work at the same time, and ended.

The scenarios `workers` and `worker_imports` say how many there are, and what each imports first. A call is ready when
the last worker is. No worker ends before, so that each of them is another process. A fork server is started for its
workers, and preloads for them: that is a part of the call.
"""

import os

from . import mechanism
from .call import _small_main
from .worker_body import work

# How often it is looked whether a worker ended before it was ready.
LOOK_MS = 100


class WorkersError(Exception):
    """A worker ended before all were ready."""


class Meeting:
    """Two named pipes: workers tell by one that they are ready, and wait at the other until they are let go."""

    def __init__(self):
        import atexit
        from select import POLLIN, poll
        from shutil import rmtree
        from tempfile import mkdtemp

        self.folder = mkdtemp()
        atexit.register(rmtree, self.folder, True)
        opened = []
        for name in ("told", "gate"):
            path = os.path.join(self.folder, name)
            os.mkfifo(path, 0o600)
            opened.append(os.open(path, os.O_RDWR))  # with a writer and a reader, no open has to wait
        self._told, self._gate = opened
        self._poll = poll()
        self._poll.register(self._told, POLLIN)

    def wait(self, count, check):
        """When the last of `count` workers was ready; `check` raises an error where one has ended."""
        lines, unread = {}, b""
        while len(lines) < count:
            if not self._poll.poll(LOOK_MS):
                check()
                continue
            *whole, unread = (unread + os.read(self._told, 4096)).split(b"\n")
            for line in whole:
                pid, moment = line.split()
                lines[pid] = int(moment)
        return max(lines.values())

    def let_go(self, count):
        """Let so many workers go."""
        os.write(self._gate, b"x" * count)


def _processes(subject, method, preload=()):
    """Return ``call()``, which has workers started one after the other by start method `method`, and joins them."""
    from multiprocessing import get_context
    from time import perf_counter_ns as now

    _small_main()
    context = get_context(method)
    if preload:
        context.set_forkserver_preload(list(preload))
    if method != "fork":
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()
    meeting, count = Meeting(), subject.workers
    words = (meeting.folder, subject.worker_imports)

    def call():
        started = []

        def check():
            for child in started:
                if child.exitcode is not None:
                    raise WorkersError("a worker ended with exit status %d before all were ready" % child.exitcode)

        try:
            for _ in range(count):
                child = context.Process(target=work, args=words)
                child.start()
                started.append(child)
            called = now()
            ready = meeting.wait(count, check)
        finally:
            meeting.let_go(len(started))
        status = 0
        for child in started:
            child.join()
            status = status or child.exitcode
            child.close()
        return called, ready, status

    return call


@mechanism("workers", control="native_fork", needs=("start:fork", "os.mkfifo"))
def workers_fork(subject):
    """multiprocessing.Process by fork: start all workers until they are ready, then join them."""
    return _processes(subject, "fork")


def _forkserver(subject, preload=()):
    from multiprocessing.forkserver import _forkserver

    # A new server for every call: the only way to stop one; the standard library's own tests use it.
    subject.after = _forkserver._stop
    return _processes(subject, "forkserver", preload)


@mechanism("workers", control="native_fork", needs=("start:forkserver", "os.mkfifo"))
def workers_forkserver(subject):
    """The same by a fork server that is started for them."""
    return _forkserver(subject)


@mechanism("workers", control="native_fork", needs=("start:forkserver", "os.mkfifo"))
def workers_forkserver_preload(subject):
    """The same by a fork server that is started for them and imports first what they import."""
    return _forkserver(subject, ("__main__", work.__module__, *subject.worker_imports))


@mechanism("workers", control="native_fork", needs=("start:spawn", "os.mkfifo"))
def workers_spawn(subject):
    """The same by spawn."""
    return _processes(subject, "spawn")


@mechanism("workers", control="native_fork", needs=("start:fork", "os.mkfifo"))
def workers_executor(subject):
    """ProcessPoolExecutor by fork: start it, a task for every worker, shut it down."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from time import perf_counter_ns as now

    context = get_context("fork")
    meeting, count = Meeting(), subject.workers

    def call():
        pool = ProcessPoolExecutor(count, mp_context=context)
        tasks = []

        def check():
            for task in tasks:
                if task.done():
                    task.result()  # raises what went wrong
                    raise WorkersError("a worker ended its task before all were ready")

        try:
            # No task ends before all are ready, so that each has a worker of its own.
            for _ in range(count):
                tasks.append(pool.submit(work, meeting.folder, subject.worker_imports))
            called = now()
            ready = meeting.wait(count, check)
        finally:
            meeting.let_go(len(tasks))
        for task in tasks:
            task.result()
        pool.shutdown()
        return called, ready, 0

    return call
