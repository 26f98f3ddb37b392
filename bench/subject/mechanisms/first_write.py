"""What a fork leaves behind: a pass over the parent's memory or objects while parent and child share its pages.

A fork copies no page. Whoever writes a page first while both have it pays for its copy, and so does who reads a
Python object: that writes its reference count. Here `total_ns` is the whole call: fork, pass, the child's end, reaping.
`call_ns` is the pass alone, in the process that the mechanism's name begins with; `ready_ns` is not told. A mechanism
without `parent` or `child` in its name does the same pass and forks nothing: subtract it.
"""

from . import exit_code, mechanism

# A pass is slices of so many pages: no object for each page, and no large buffer beside the memory.
_PAGES_OF_SLICE = 4096
_EACH_PAGE, _EACH_HUGE_PAGE = 4096, 2 << 20
# What a child tells of its pass: when it began and when it ended, ns.
_STAMP_BYTES = 16


def _writes(subject, step=_EACH_PAGE):
    """Return a pass that writes one byte in each `step` bytes of what scenarios wrote before."""
    byte = b"\x01" * _PAGES_OF_SLICE
    slices = []
    for memory, first, size, _ in subject.written:
        for begin in range(first, first + size, step * _PAGES_OF_SLICE):
            end = min(begin + step * _PAGES_OF_SLICE, first + size)
            part = memoryview(memory)[begin:end:step]
            slices.append((part, byte[: len(part)]))

    def write():
        for part, source in slices:
            part[:] = source

    return write


def _keep_huge(subject):
    """Undo after each call what a write of the parent did to its huge pages: the kernel split them."""
    huge = [(renew, part) for *part, renew in subject.written if renew is not None]

    def renew_all():
        for renew, part in huge:
            renew(*part)

    if huge:
        subject.after = renew_all


def _reads(subject):
    """Return a pass that takes every object of scenarios in hand once; in C, since a `for` costs more than a page."""
    # The part in C alone: `collections` would add memory to the parent.
    from _collections import deque  # type: ignore[import-not-found]

    made = subject.objects

    def read():
        for objects in made:
            deque(objects, maxlen=0)

    return read


def _collects(subject):
    """Return the pass of the garbage collector over all objects of this process."""
    from gc import collect

    collect()  # all are of the oldest generation from here on, as in a program that has run for a while
    return collect


def _alone(work):
    """Return ``call()``, which does `work` in this process, and forks nothing."""
    from time import perf_counter_ns as now

    def call():
        work()
        return now(), 0, 0

    return call


def _in_child(work):
    """Return ``call()``, which forks a child that does `work` and tells how long that took."""
    from os import _exit, close, fork, pipe, read, waitpid, write
    from time import perf_counter_ns as now

    def call():
        begin = now()
        told, tell = pipe()
        pid = fork()
        if pid == 0:
            try:
                started = now()
                work()
                ended = now()
                write(tell, started.to_bytes(8, "little") + ended.to_bytes(8, "little"))
                _exit(0)
            finally:
                _exit(1)  # it raised an error
        close(tell)
        stamps = read(told, _STAMP_BYTES)  # nothing: the child ended before it could tell
        close(told)
        status = waitpid(pid, 0)[1]
        took = int.from_bytes(stamps[8:], "little") - int.from_bytes(stamps[:8], "little")
        return begin + took, 0, status and exit_code(status)

    return call


def _in_parent(work):
    """Return ``call()``, which forks a child that waits, and does `work` in this process meanwhile."""
    from os import _exit, close, fork, pipe, read, waitpid, write
    from time import perf_counter_ns as now

    def call():
        begin = now()
        told, tell = pipe()
        waits, end = pipe()
        pid = fork()
        if pid == 0:
            try:
                close(end)
                write(tell, b"1")
                read(waits, 1)  # nothing comes: the parent closes its end, or ends itself
                _exit(0)
            finally:
                _exit(1)
        close(tell)
        close(waits)
        read(told, 1)  # what the child writes to start is its own affair, and over now
        started = now()
        work()
        took = now() - started
        close(end)
        close(told)
        status = waitpid(pid, 0)[1]
        return begin + took, 0, status and exit_code(status)

    return call


@mechanism("first_write", needs=("parent:memory",))
def rewrites(subject):
    """No fork: write one byte in each 4 KiB page of the parent's memory."""
    return _alone(_writes(subject))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:memory"))
def parent_rewrites(subject):
    """The parent writes each 4 KiB page of its memory while a child lives."""
    _keep_huge(subject)
    return _in_parent(_writes(subject))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:memory"))
def parent_rewrites_few(subject):
    """The parent writes one page in each 2 MiB of its memory while a child lives."""
    _keep_huge(subject)
    return _in_parent(_writes(subject, _EACH_HUGE_PAGE))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:memory"))
def child_rewrites(subject):
    """A child writes each 4 KiB page of the parent's memory."""
    return _in_child(_writes(subject))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:memory"))
def child_rewrites_few(subject):
    """A child writes one page in each 2 MiB of the parent's memory."""
    return _in_child(_writes(subject, _EACH_HUGE_PAGE))


@mechanism("first_write", needs=("parent:objects",))
def reads_objects(subject):
    """No fork: take each of the parent's objects in hand once."""
    return _alone(_reads(subject))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:objects"))
def child_reads_objects(subject):
    """A child takes each of the parent's objects in hand once."""
    return _in_child(_reads(subject))


@mechanism("first_write", needs=("parent:objects",))
def collects(subject):
    """No fork: gc.collect()."""
    return _alone(_collects(subject))


@mechanism("first_write", control="native_fork", needs=("os.fork", "parent:objects"))
def child_collects(subject):
    """A child calls gc.collect()."""
    return _in_child(_collects(subject))
