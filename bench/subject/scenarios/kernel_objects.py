"""What the kernel keeps for a parent beside its memory: mappings, open files and threads."""

import os

from . import scenario

MADV_DONTDUMP = 16  # <linux/mman.h>


def _split(subject, count):
    """One stretch of memory that is `count` mappings of a page each: neighbours differ in one flag."""
    import mmap

    if count == 0:
        return None
    # The kernel places it below the newest mapping, and would join it to that: then all parts had private pages.
    subject.kept.append(mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ))
    memory = mmap.mmap(-1, count * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(0, count, 2):
        memory.madvise(MADV_DONTDUMP, page * mmap.PAGESIZE, mmap.PAGESIZE)
    return memory


@scenario(unit="mappings", dose="vmas", needs=("mmap.MAP_PRIVATE", "mmap.MADV_DONTNEED"), takes={"mappings": 1})
def vmas(subject, level):
    """More mappings, without pages."""
    subject.kept.append(_split(subject, int(level)))


@scenario(
    unit="mappings",
    dose="vmas_private",
    needs=("mmap.MAP_PRIVATE", "mmap.MADV_DONTNEED"),
    takes={"mappings": 1, "memory": 4096},
)
def vmas_private(subject, level):
    """More mappings, each with a private page."""
    memory = _split(subject, int(level))
    for page in range(int(level)):
        memory[page * 4096] = 1
    subject.kept.append(memory)


@scenario(unit="files", dose="fds", takes={"files": 1})
def fds(subject, level):
    """More open files, each /dev/null opened anew; the soft limit is raised where the hard one allows it."""
    count = int(level)
    try:
        from resource import RLIMIT_NOFILE, getrlimit, setrlimit
    except ImportError:  # Windows
        pass
    else:
        soft, hard = getrlimit(RLIMIT_NOFILE)
        if soft < count + 64 and soft != hard:
            setrlimit(RLIMIT_NOFILE, (hard, hard))
    for _ in range(count):
        os.open(os.devnull, os.O_RDONLY)


def _threads(subject, level, body):
    from _thread import start_new_thread

    for _ in range(int(level)):
        start_new_thread(body, ())


@scenario(unit="threads", dose="threads", takes={"threads": 1, "mappings": 2})
def threads(subject, level):
    """More threads, which wait for a lock."""
    from _thread import allocate_lock

    lock = allocate_lock()
    lock.acquire()
    subject.kept.append(lock)
    _threads(subject, level, lock.acquire)


def _compute():
    while True:
        pass


@scenario(unit="threads", dose="threads", takes={"threads": 1, "mappings": 2}, alone=True)
def threads_busy(subject, level):
    """More threads, which run Python code all the time and so hold the GIL."""
    _threads(subject, level, _compute)
