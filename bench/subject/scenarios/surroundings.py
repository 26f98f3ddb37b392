"""What surrounds a parent: its modules, its CPUs and its environment."""

import os

from . import scenario

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
# Linux refuses a longer variable: MAX_ARG_STRLEN in <linux/binfmts.h> is 32 pages.
LONGEST_VARIABLE = 100_000


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


@scenario(unit="bytes", dose="env_bytes", takes={"arguments": 1})
def env(subject, level):
    """More environment variables, of so many bytes: what every exec copies."""
    left = int(level)
    number = 0
    while left > 0:
        name = "FORKBENCH_%d" % number
        size = min(left, LONGEST_VARIABLE)
        if 0 < left - size < 32:  # the last one needs room for its name
            size -= 32
        # NAME=VALUE and a zero byte.
        os.environ[name] = "x" * max(0, size - len(name) - 2)
        left -= max(size, len(name) + 2)
        number += 1


@scenario(placeholder="MODULE", needs=("module:{level}",))
def imports(subject, level):
    """One more module is imported, by its name: subprocess, asyncio, numpy, pandas."""
    __import__(level)
