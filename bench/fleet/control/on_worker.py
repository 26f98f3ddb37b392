"""Turns a task of the engine, on a worker, into a call of `bench.fleet.host`, with the worker idle while a run lasts.

It is sent to the worker as text, as that is, and uses the standard library and what a worker has.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

# Names of this suite's tasks begin so; those of other people do not.
OWN = "forkbench-"
MOST_NAMED = 3
# What a worker does by itself: it profiles its tasks (every 10 ms), measures itself (every 20, 100 and 500 ms), and
# tells its scheduler that it lives. `distributed` 2026.8: worker.py, core.py, worker_memory.py.
CALLBACKS = (
    "profile",
    "profile-cycle",
    "tick",
    "ticks",
    "monitor",
    "memory_monitor",
    "find-missing",
    "shift_counters",
    "heartbeat",
)
# A scheduler gives a worker up that is silent for 5 minutes (distributed.scheduler.worker-ttl).
HEARTBEAT_S = 30.0
_LOOP_S = 10.0


class NobodyWaits(Exception):
    """The task was cancelled: whoever asked for it is gone. A job itself ends by its lease."""


def call(host: Any, function: str, *arguments: Any) -> dict[str, Any]:
    """What a function of `host` returns as ``answer``, or its ``error`` in one line."""
    return _in_plain_values(lambda: getattr(host, function)(*arguments))


def set_up(host: Any, version: str, archive: bytes | None, wheels: bytes | None, key: str) -> dict[str, Any]:
    """The same of `host.set_up`, for as long as somebody wants the task of the name `key`, which is this one."""
    from distributed import get_worker

    worker = get_worker()

    def look() -> None:
        if not _is_wanted(worker, key):
            raise NobodyWaits

    return _in_plain_values(lambda: host.set_up(version, archive, wheels, look=look))


def measure(host: Any, job: dict[str, Any], topic: str, key: str) -> dict[str, Any]:
    """The same of `host.measure`, and the tasks of ``others``; its progress is told under `topic`.

    `key` is the name of this task.
    """
    from distributed import get_worker

    worker = get_worker()
    others: dict[str, None] = {}

    def say(progress: dict[str, Any]) -> None:
        if not _is_wanted(worker, key):
            raise NobodyWaits
        others.update(dict.fromkeys(_tasks_of_others(worker)))
        worker.log_event(topic, progress)

    with _quiet(worker):
        return {**_in_plain_values(lambda: host.measure(job, say)), "others": list(others)[:MOST_NAMED]}


def _in_plain_values(do: Callable[[], Any]) -> dict[str, Any]:
    """Exceptions do not travel: their classes are not known where they arrive."""
    try:
        return {"answer": do()}
    except NobodyWaits:
        return {"error": "nobody waits for it any more"}
    except Exception as error:
        text = " ".join(str(error).split())
        return {"error": text if type(error).__name__ == "HostError" else f"{type(error).__name__}: {text}"}


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the scheduler still wants the task of this name."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state not in ("cancelled", "released", "forgotten")


def _tasks_of_others(worker: Any) -> list[str]:
    """The tasks that run in the worker's other threads and are not of this suite."""
    with contextlib.suppress(RuntimeError):  # the event loop may change the set while it is read
        return [str(task.key) for task in worker.state.executing if not str(task.key).startswith(OWN)]
    return []


@contextlib.contextmanager
def _quiet(worker: Any) -> Iterator[None]:
    """Have the worker do nothing by itself inside the block, but for a rare sign that it lives."""
    slow = _on_loop(worker, lambda: _fall_silent(worker))
    try:
        yield
    finally:
        _on_loop(worker, lambda: _speak_again(worker, slow))


def _fall_silent(worker: Any) -> Any:
    from tornado.ioloop import PeriodicCallback

    worker.forkbench_jobs = getattr(worker, "forkbench_jobs", 0) + 1
    for name in CALLBACKS:
        if name in worker.periodic_callbacks:
            worker.periodic_callbacks[name].stop()
    slow = PeriodicCallback(worker.heartbeat, HEARTBEAT_S * 1000)
    slow.start()
    return slow


def _speak_again(worker: Any, slow: Any) -> None:
    """Undo `_fall_silent`, unless another job wants it silent still, or the worker is being closed."""
    if slow is not None:
        slow.stop()
    worker.forkbench_jobs -= 1
    if worker.forkbench_jobs == 0 and worker.status.name in ("running", "paused"):
        for name in CALLBACKS:
            if name in worker.periodic_callbacks:
                worker.periodic_callbacks[name].start()


def _on_loop(worker: Any, act: Callable[[], Any]) -> Any:
    """Do something on the event loop of the worker, and wait for it; None where the loop has ended."""
    found: list[Any] = []
    done = threading.Event()

    def carry_out() -> None:
        try:
            found.append(act())
        finally:
            done.set()

    worker.loop.add_callback(carry_out)
    done.wait(_LOOP_S)
    return found[0] if found else None
