"""Names the parents of the profile `sweep`: what makes a fork dear, one thing at a time and several together."""

from __future__ import annotations

FORK = ("os_fork",)
# What starts a program by the fast path; in the same parents it shows what a fork could have been spared.
PROGRAM = ("posix_spawn", "subprocess_run")

# Parents that all three are measured in: memory, and what works on the GIL or on descriptors.
FOR_ALL = (
    "parent=bare",
    "rss=0,4MiB,16MiB,64MiB,256MiB,1GiB",
    "threads_busy=1",
)
# Parents in which only a fork has something to copy, to look at or to call.
FOR_FORK = (
    "thp=64MiB,256MiB,1GiB",
    "shared=64MiB,256MiB",
    "file_clean=64MiB,256MiB",
    "file_dirty=64MiB,256MiB",
    "untouched=1GiB",
    "dontfork=256MiB",
    "vmas=1000,10000",
    "vmas_private=1000,10000",
    "fds=1000,10000",
    "threads=8,64",
    "imports=threading,random,subprocess,multiprocessing,asyncio,numpy,pandas",
    "atfork_hooks=1,10,100",
    "objects=1e5,1e6",
    "gc_frozen=1e5,1e6",
)
# A program gets the environment, and subprocess closes descriptors.
FOR_PROGRAM = ("fds=10000", "env=100KiB,1MiB")
# What a model of the cost, fitted to the parents above, is tested on.
COMBINED = (
    "rss=64MiB+threads=8",
    "rss=256MiB+vmas=1000+fds=1000",
    "thp=256MiB+rss=16MiB",
    "file_dirty=64MiB+vmas_private=1000",
    "imports=numpy+rss=64MiB",
    "objects=1e6+threads=16",
)

# What is left to do after the fork: first writes in small and huge pages, collections with and without gc.freeze().
FIRST_WRITES = ("rewrites", "parent_rewrites", "parent_rewrites_few", "child_rewrites", "child_rewrites_few")
OF_OBJECTS = ("reads_objects", "child_reads_objects", "collects", "child_collects")
WORKERS = ("workers=1,4,16+worker_imports=light", "workers=4+worker_imports=heavy")

MATRIX = (
    ((*FORK, *PROGRAM), FOR_ALL),
    (FORK, (*FOR_FORK, *COMBINED)),
    (PROGRAM, FOR_PROGRAM),
    (FIRST_WRITES, ("rss=64MiB", "thp=64MiB")),
    (OF_OBJECTS, ("objects=1e6", "gc_frozen=1e6")),
    ((*FORK, "subprocess_run"), ("at_once=1,2,4",)),
    ((), WORKERS),
)
"""Mechanisms (none: all that start workers) and the scenarios that all of them are measured in."""
