"""Turns a Dask cluster into an engine: its workers into hosts, jobs into tasks, what becomes of them into events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future as Answer
from concurrent.futures import wait
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from bench.fleet.control import carried, on_worker
from bench.fleet.control.carried import Code
from bench.fleet.control.connection import RECONNECT_S, Connection, LostError
from bench.fleet.control.events import Ended, Event, Lost, Note, Present, Ready, Said, facts_of
from bench.fleet.records import HostFacts, Job
from bench.fleet.suite import Suite

LOOK_S = 1.0
# A worker answers these on its event loop; one that does not is busy, or cannot be reached.
ANSWER_S = 10.0
LAST_ANSWERS_S = 3.0
# What a worker declares to be asked one thing at a time by the engine too: dask worker --resources forkbench=1
RESOURCE = "forkbench"


@dataclass(frozen=True)
class Task:
    """What a worker of the host at `identity` was asked for: a job, or a set-up where that is empty.

    `future` is None while the host is asked whether it needs the suite.
    """

    identity: str
    address: str
    job: str
    future: Any

    def cancel(self) -> None:
        """Want it no more."""
        if self.future is not None:
            with contextlib.suppress(Exception):
                self.future.cancel()


class Cluster:
    """The hosts of the scheduler at `place`: an address, or the path of a scheduler file. Raises `EngineError`."""

    def __init__(
        self,
        place: str,
        suite: Suite,
        wheels: bytes | None = None,
        code: Code | None = None,
        reconnect_s: float = RECONNECT_S,
    ) -> None:
        self._suite, self._wheels = suite, wheels
        self._code = code or carried.code()
        self._heard: queue.SimpleQueue[Callable[[], Iterable[Event]]] = queue.SimpleQueue()
        self._tasks: dict[str, Task] = {}
        self._finished: deque[str] = deque()
        self._asking: set[Answer[Any]] = set()
        self._workers: dict[str, HostFacts] = {}
        self._declared: dict[str, bool] = {}
        self._asked_at: dict[str, float] = {}
        self._count = 0
        self._next_look = 0.0
        self._topic = f"{on_worker.OWN}{os.getpid()}-{time.time_ns():x}"
        self._connection = Connection(place, self._topic, self._hear_progress, reconnect_s)

    def set_up(self, identity: str) -> None:
        """Send the suite, unless the host has it."""
        address = self._address(identity)
        if address is None:
            self._hear(lambda: [Lost(identity, "", "no worker of it is there")])
            return

        self._count += 1
        asked = f"needs-{self._count}"
        self._tasks[asked] = Task(identity, address, "", None)

        def go_on(needs: dict[str, Any]) -> list[Event]:
            if self._tasks.pop(asked, None) is None:  # given up before
                return []
            if "error" in needs:
                return [Lost(identity, "", needs["error"])]
            sent = (self._suite.archive, self._wheels) if needs["answer"] else (None, None)
            self._submit(identity, "", "set_up", self._suite.version, *sent)
            return []

        self._ask(address, "needs", self._suite.version, then=go_on)

    def measure(self, identity: str, job: Job) -> None:
        """Submit one task for the job, to one worker of the host."""
        self._submit(identity, job.id, "measure", asdict(job), self._topic)

    def forget(self, identity: str, job: str) -> None:
        """Ask any worker of the host to."""
        if address := self._address(identity):
            self._ask(address, "forget", [job])

    def stop(self, jobs: Sequence[str]) -> None:
        """Ask the workers that have these jobs; the tasks themselves end by that. Nobody waits for a set-up."""
        for key, task in list(self._tasks.items()):
            if task.job in jobs:
                self._ask(task.address, "stop", [task.job])
            elif not task.job:
                del self._tasks[key]
                task.cancel()
                self._ask(task.address, "stop_set_up", self._suite.version)

    def events(self, timeout_s: float, room: int) -> list[Event]:
        """Look at the cluster once a second, and hear what has come; fetch what `room` jobs left."""
        found: list[Event] = []
        if self._connection.is_lost:
            found += self._try_again()
        elif time.monotonic() >= self._next_look or self._connection.client.status != "running":
            self._next_look = time.monotonic() + LOOK_S
            try:
                found += self._look(self._connection.workers())
            except LostError as error:
                found += self._lose(str(error))
        with contextlib.suppress(queue.Empty):
            found += self._heard.get(timeout=0.0 if found or (room and self._finished) else timeout_s)()
            while True:
                found += self._heard.get_nowait()()
        while room > 0 and self._finished:
            found += self._ended(self._finished.popleft())
            room -= 1
        return found

    def close(self, at_once: bool = False) -> None:
        """End all tasks, and the connection, when what was asked last is done."""
        for task in list(self._tasks.values()):
            task.cancel()
        self._tasks.clear()
        wait(self._asking, 0.0 if at_once else LAST_ANSWERS_S)
        self._connection.close()

    def _hear(self, what: Callable[[], Iterable[Event]]) -> None:
        self._heard.put(what)

    def _hear_progress(self, event: tuple[float, Any]) -> None:
        said = event[1]
        if isinstance(said, dict):
            known = Said.of(said)
            self._hear(lambda: [known])

    def _lose(self, reason: str) -> list[Event]:
        """Nothing that was asked of the scheduler will be answered."""
        lost = [Lost(task.identity, task.job, reason, counts=False) for task in self._tasks.values()]
        self._tasks.clear()
        self._workers.clear()
        self._asked_at.clear()
        return [Note(f"scheduler {self._connection.place}: {reason}; {self._connection.lose()}"), *lost, Present(())]

    def _try_again(self) -> list[Event]:
        if not self._connection.try_again():
            return []
        self._next_look = 0.0
        return [Note(f"scheduler {self._connection.place}: connected again")]

    def _look(self, there: Mapping[str, dict[str, Any]]) -> list[Event]:
        """Ask new workers who they are; what the gone ones had is lost."""
        self._declared = {address: RESOURCE in (worker["resources"] or {}) for address, worker in there.items()}
        for address in there.keys() - self._workers.keys():
            if time.monotonic() - self._asked_at.get(address, -ANSWER_S) >= ANSWER_S:
                self._asked_at[address] = time.monotonic()
                self._ask(address, "describe", then=partial(self._described, address))
        gone = self._workers.keys() - there.keys()
        for address in gone:
            del self._workers[address]
        return [self._present(), *self._lose_tasks(gone)] if gone else []

    def _lose_tasks(self, gone: Iterable[str]) -> list[Event]:
        found: list[Event] = []
        for key, task in list(self._tasks.items()):
            if task.address in gone:
                del self._tasks[key]
                task.cancel()
                found.append(Lost(task.identity, task.job, f"its worker {task.address} is gone"))
        return found

    def _described(self, address: str, says: dict[str, Any]) -> list[Event]:
        if "error" in says:
            return [Note(f"worker {address}: cannot be used: {says['error']}")]
        self._workers[address] = facts_of(says["answer"])
        return [self._present()]

    def _present(self) -> Present:
        """Each host once, however many workers it has."""
        return Present(tuple({facts.identity: facts for facts in self._workers.values()}.values()))

    def _address(self, identity: str) -> str | None:
        """The worker of a host that is asked: one that declares the resource, if any does."""
        found = [address for address, facts in self._workers.items() if facts.identity == identity]
        return min(found, key=lambda address: (not self._declared.get(address), address), default=None)

    def _ask(
        self, address: str, function: str, *arguments: Any, then: Callable[[dict[str, Any]], list[Event]] | None = None
    ) -> None:
        """Call a short function of `host.py` on the event loop of a worker, whatever its threads do."""

        async def ask() -> Any:
            answers = await asyncio.wait_for(
                self._connection.client.run(
                    partial(eval, carried.CALL),
                    self._code.call("call", function, *arguments),
                    workers=[address],
                    on_error="return",
                    asynchronous=True,
                ),
                ANSWER_S,
            )
            return answers[address]

        def hear(answer: Answer[Any]) -> None:
            self._asking.discard(answer)
            try:
                says = answer.result()
            except BaseException as error:
                says = error
            if not isinstance(says, dict):
                says = {"error": f"it does not answer ({type(says).__name__}: {' '.join(str(says).split())[:200]})"}
            if then:
                self._hear(lambda: then(says))

        with contextlib.suppress(RuntimeError):  # the loop has ended: the connection is lost, which is seen elsewhere
            answer = asyncio.run_coroutine_threadsafe(ask(), self._connection.client.loop.asyncio_loop)
            self._asking.add(answer)
            answer.add_done_callback(hear)

    def _submit(self, identity: str, job: str, function: str, *arguments: Any) -> None:
        """Make one task at one worker of the host, which is told its key: the engine neither moves nor repeats it."""
        address = self._address(identity)
        if address is None:
            self._hear(lambda: [Lost(identity, job, "no worker of it is there")])
            return
        self._count += 1
        key = f"{on_worker.OWN}{job or f'set-up-{identity}'}-{self._count}-{os.getpid()}"
        future = self._connection.client.submit(
            eval,
            carried.CALL,
            self._code.call(function, *arguments, key),
            key=key,
            pure=False,
            workers=[address],
            allow_other_workers=False,
            resources={RESOURCE: 1} if self._declared.get(address) else None,
        )
        self._tasks[key] = Task(identity, address, job, future)
        future.add_done_callback(lambda future: self._hear(lambda: self._finish(key)))

    def _finish(self, key: str) -> list[Event]:
        """What a job left is fetched when there is room for it; a thousand hosts may end in the same second."""
        self._finished.append(key)
        return []

    def _ended(self, key: str) -> list[Event]:
        task = self._tasks.pop(key, None)
        if task is None:  # given up before
            return []
        try:
            says = task.future.result(timeout=60)
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            return [Lost(task.identity, task.job, text, counts=task.future.status != "cancelled")]
        task.future.release()
        if not task.job:
            no_control = says["answer"].get("control", "") if "answer" in says else ""
            return [Ready(task.identity, says.get("error", ""), str(no_control))]
        if "error" in says:
            return [Lost(task.identity, task.job, says["error"])]
        return [Ended.of(task.job, task.identity, says["answer"], says["others"])]
