"""Runs the program named first in this process, then times forks of it on request; the control's folder comes second.

A request is a line ``control CALLS`` or ``os_fork CALLS``; the answer is a line with the times of the calls in ns. The
first answer is ``ready``. It ends when its input does.
"""

import os
import sys
import time


def os_fork_block(calls: int) -> "list[int]":
    """Times (ns) of so many children that end at once."""
    fork, leave, wait, now = os.fork, os._exit, os.waitpid, time.perf_counter_ns
    times = [0] * calls
    for number in range(calls):
        begin = now()
        pid = fork()
        if pid == 0:
            leave(0)
        wait(pid, 0)
        times[number] = now() - begin
    return times


def serve(fork) -> None:  # type: ignore[no-untyped-def]  # it must not import what types it
    """Answer requests until the input ends."""
    answer("ready")
    for line in iter(sys.stdin.readline, ""):
        role, calls = line.split()
        count = int(calls)
        times = os_fork_block(count) if role == "os_fork" else memoryview(fork(count)).cast("q").tolist()[::3]
        answer(" ".join(map(str, times)))


def answer(text: str) -> None:
    """Write a line at once."""
    os.write(1, text.encode() + b"\n")


program, folder = sys.argv[1:]
with open(program, encoding="utf-8") as stream:
    kept = {"__name__": "__main__"}
    exec(compile(stream.read(), program, "exec"), kept)
sys.path.insert(0, folder)
serve(__import__("_control").fork)
