"""The states of a parent or its surroundings: each is one function here, marked with `scenario`.

A scenario ``apply(subject, level)`` brings the process to `level` before the mechanism is made. It
raises an error where the level was not reached. It may return a function that checks the level again
when the whole subject is set up.
"""

import os


def scenario(levels=(), unit="", dose="", needs=()):
    """Mark a function as a scenario.

    Either `levels` names all levels, or a level is a number of `unit`. `dose` is then the column of
    subjects.csv that must hold at least that number. `needs` are attributes that the interpreter must
    have, like ``mmap.MAP_PRIVATE``.
    """

    def mark(apply):
        apply.levels, apply.unit, apply.dose, apply.needs = levels, unit, dose, needs
        return apply

    return mark


# The standard library modules of a parent that could use any mechanism.
EQUAL_MODULES = (
    "asyncio",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "multiprocessing.forkserver",
    "multiprocessing.popen_fork",
    "multiprocessing.popen_forkserver",
    "multiprocessing.popen_spawn_posix",
    "multiprocessing.queues",
    "multiprocessing.synchronize",
    "shlex",
    "subprocess",
    "threading",
)


@scenario(levels=("bare", "equal"))
def parent(subject, level):
    """bare: only what the mechanism needs is loaded; equal: every parent has the same modules loaded."""
    if level == "equal":
        for name in EQUAL_MODULES:
            try:
                __import__(name)
            except ImportError:  # not every system has all of them; then no parent here has this one
                pass


@scenario(levels=("pinned", "free"))
def affinity(subject, level):
    """pinned: parent and children on one CPU; free: on all that this process may use."""
    if level == "free":
        subject.cpu = None

    def check():
        cpus = len(os.sched_getaffinity(0))
        if (cpus == 1) != (level == "pinned"):
            raise RuntimeError("affinity=%s not reached: it may use %d CPUs" % (level, cpus))

    return check


MADV_NOHUGEPAGE = 15  # <linux/mman.h>; the module mmap has the name only on some builds
MADV_POPULATE_WRITE = 23  # Linux 5.14


@scenario(unit="bytes", dose="private_bytes", needs=("mmap.MAP_PRIVATE",))
def rss(subject, level):
    """Private anonymous memory in 4 KiB pages, written once; huge pages are refused."""
    import mmap  # also at size 0, so that the levels differ only in size

    size = int(level)
    if size == 0:
        return
    before = _huge_bytes()
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(MADV_NOHUGEPAGE)
    except OSError:
        pass  # a kernel without huge pages
    try:
        memory.madvise(MADV_POPULATE_WRITE)  # the same as a write to every page, in one system call
    except OSError:
        for offset in range(0, size, mmap.PAGESIZE):
            memory[offset] = 1
    subject.memory = memory
    huge = _huge_bytes() - before
    if huge > 0:
        raise RuntimeError("rss=%s: the kernel used huge pages for %d bytes" % (level, huge))


def _huge_bytes():
    """Bytes of this process's anonymous memory in huge pages; 0 where /proc does not say."""
    try:
        with open("/proc/self/smaps_rollup") as lines:
            for line in lines:
                if line.startswith("AnonHugePages:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
