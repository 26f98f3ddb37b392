"""A fork that waits for a known time in some interpreters: a real change of known size, for `tests.bench_within`.

A subject finds this module by `Options.module_path`. It therefore keeps to the standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


def delayed_fork(subject: Any) -> Callable[[], tuple[int, int, int]]:
    """`os_fork`, which takes so many ns more as stand in the name of the interpreter's link, as in ``python-3300``."""
    from os import _exit, fork, waitpid
    from time import perf_counter_ns as now

    _, _, more = os.path.basename(sys.executable).partition("-")
    delay = int(more) if more.isdigit() else 0

    def call() -> tuple[int, int, int]:
        until = now() + delay
        while now() < until:
            pass
        pid = fork()
        if pid == 0:
            _exit(0)
        called = now()
        return called, 0, waitpid(pid, 0)[1]

    return call


delayed_fork.native = False  # type: ignore[attr-defined]
