"""Holds a fleet on a real scheduler with real workers, in processes of their own, whose hosts are fakes.

What a worker does when it dies, joins late or comes twice is the engine's; so these tests leave it to the engine.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.fleet.control import carried, connection
from bench.fleet.control.cluster import Cluster
from bench.fleet.control.conduct import Conduct
from bench.fleet.control.events import EngineError, Lost
from bench.fleet.control.schedule import Schedule
from bench.fleet.control.screen import Silent
from bench.fleet.control.shares import State, Wanted
from bench.fleet.receive import Placed
from bench.fleet.records import Job, Outcome
from bench.fleet.suite import Suite
from tests import ROOT
from tests.bench.fleet.fake_cluster import FakeCluster, Starter

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="distributed is not installed (make fleet)"
    ),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]

PATIENCE_S = 60.0
SUITE = Suite("0123456789abcdef", b"the suite")
HOST = Path(__file__).with_name("fake_host.py")
CODE = carried.code(HOST)


def wait_for(holds: Callable[[], object], tell: Callable[[], object] = str) -> None:
    """Wait until something holds; if it never does, `tell` says what there was."""
    limit = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < limit, tell()
        time.sleep(0.01)


class Shown(Silent):
    """A screen that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        """Keep it."""
        self.lines.append(text)


class Kept:
    """A receiver that keeps what comes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def place(self, outcome: Outcome, machine: str | None = None) -> Placed:
        """Keep it."""
        self.outcomes.append(outcome)
        return Placed(Path(f"results/{outcome.host}/{outcome.job}"), True)


class Fleet:
    """One fleet on a cluster, led by a thread; `wait` waits for its end."""

    def __init__(self, cluster: FakeCluster, **wanted: Any) -> None:
        self.screen, self.kept, self.cluster = Shown(), Kept(), cluster
        self.schedule = Schedule(Wanted("fleet", Job("", SUITE.version, (), 1.0), **wanted), time.monotonic())
        self._engine = Cluster(cluster.address, SUITE, code=CODE)
        receiver: Any = self.kept
        self.conduct = Conduct(self._engine, self.schedule, receiver, self.screen)
        self._thread = threading.Thread(target=self.conduct.lead)
        self._thread.start()

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        wait_for(holds, lambda: (self.screen.lines, self.cluster.log(), self.conduct.rows()))

    def begun(self, *names: str) -> None:
        """Wait until these hosts measure."""
        self.until(lambda: set(names) <= {line[1] for line in self.cluster.log() if line[0] == "begin"})

    def wait(self) -> list[str]:
        """The hosts of the runs that came back, when all is over."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), (self.screen.lines, self.cluster.log(), self.conduct.rows())
        return sorted(outcome.host for outcome in self.kept.outcomes)

    def cut(self) -> None:
        """Lose the controller: it is gone without a word to the hosts."""
        self.schedule.stop()
        for job in self.schedule.active_jobs():
            self.schedule.hear_lost(Lost("id-a", job, "cut"))
        self._engine.close()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.conduct.stop_asked = True
        self._thread.join(PATIENCE_S)
        self._engine.close()


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    """What starts schedulers and workers."""
    with Starter() as made:
        yield made


@pytest.fixture
def cluster(starter: Starter, tmp_path: Path) -> Iterator[FakeCluster]:
    """A cluster without a scheduler and workers."""
    with FakeCluster(starter, tmp_path) as made:
        yield made


def test_each_host_has_one_run_however_many_workers(cluster: FakeCluster) -> None:
    """Two workers of one host are one host; two hosts of one machine never measure at once; what came back is whole.

    The suite was sent where it was needed, the jobs are forgotten when their runs are here, and a host that cannot be
    set up is named.
    """
    cluster.scheduler()
    for name, boot in (("a", "one"), ("a", "one"), ("b", "one"), ("c", "two"), ("old", "three")):
        cluster.worker(name, boot)
    with Fleet(cluster) as fleet:
        assert fleet.wait() == ["a", "b", "c"]
    log = [line for line in cluster.log() if line[1] in ("a", "b")]
    assert [line[0] for line in log if line[0] in ("begin", "end")] == ["begin", "end"] * 2
    assert sorted(line[1] for line in cluster.log() if line[0] == "set-up") == ["a", "b", "c"]
    assert sorted(line[1] for line in cluster.log() if line[0] == "forget") == ["a", "b", "c"]
    assert all(outcome.archive == f"run of {outcome.job}".encode() for outcome in fleet.kept.outcomes)
    assert dict(fleet.schedule.missing()) == {"old": "Python 3.8: the suite needs 3.11"}
    assert any(line.startswith("a: has distributed 1.0, not ") for line in fleet.screen.lines)


def test_a_worker_that_dies_and_one_that_joins_late(cluster: FakeCluster) -> None:
    """A host whose worker was killed is asked for the same job when it is back; a late host gets its run, too.

    What other people's tasks did on a worker meanwhile is said.
    """
    (cluster.folder / "hold").touch()
    cluster.scheduler()
    first = cluster.worker("a")
    with Fleet(cluster, retries=2) as fleet:
        fleet.begun("a")
        os.kill(first, signal.SIGKILL)
        fleet.until(lambda: "a: is gone" in fleet.screen.lines)
        cluster.worker("shared")
        fleet.begun("shared")
        from distributed import Client

        with Client(cluster.address, set_as_default=False) as other:
            task = other.submit(time.sleep, 0.5, key="their-task", pure=False)
            task.result()
        cluster.worker("a")
        fleet.until(lambda: sum(line[:2] == ["begin", "a"] for line in cluster.log()) == 2)
        (cluster.folder / "hold").unlink()
        assert fleet.wait() == ["a", "shared"]
    assert fleet.schedule.missing() == []
    assert len({line[2] for line in cluster.log() if line[:2] == ["begin", "a"]}) == 1
    assert "shared: its worker had tasks of others meanwhile: their-task" in fleet.screen.lines


def at_work(cluster: FakeCluster) -> set[str]:
    """What the only worker does by itself, as it is now."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        (found,) = client.run(_callbacks).values()
        return set(found)


def _callbacks(dask_worker: Any) -> list[str]:
    return [name for name, callback in dask_worker.periodic_callbacks.items() if callback.is_running()]


def test_a_job_that_nobody_waits_for_lets_its_worker_go(cluster: FakeCluster) -> None:
    """Where the controller is gone, the task ends by itself and the worker does again what it did before."""
    (cluster.folder / "hold").touch()
    cluster.scheduler()
    cluster.worker("a")
    before = at_work(cluster)
    with Fleet(cluster) as fleet:
        fleet.begun("a")
        fleet.until(lambda: "tick" not in at_work(cluster))
        fleet.cut()
    fleet.until(lambda: at_work(cluster) == before)
    assert "heartbeat" in before
    assert [line[0] for line in cluster.log()].count("end") == 0


def test_a_set_up_that_nobody_waits_for_ends(cluster: FakeCluster) -> None:
    """Where the controller is killed, without a word to scheduler and hosts, the host is told at its next look."""
    (cluster.folder / "hold-set-up").touch()
    cluster.scheduler()
    cluster.worker("a")
    code = (
        "import sys; from pathlib import Path; from bench.fleet.control import carried, cluster, events\n"
        "from bench.fleet.suite import Suite; code = carried.code(Path(sys.argv[2]))\n"
        "engine = cluster.Cluster(sys.argv[1], Suite('0123456789abcdef', b''), code=code)\n"
        "while not any(isinstance(event, events.Present) and event.hosts for event in engine.events(1.0, 1)): pass\n"
        "engine.set_up('id-a')\n"
        "while True: engine.events(1.0, 1)"
    )
    words = [sys.executable, "-c", code, cluster.address, str(HOST)]
    with subprocess.Popen(words, cwd=ROOT) as controller:
        try:
            wait_for(lambda: ["set-up", "a"] in [line[:2] for line in cluster.log()])
        finally:
            os.kill(controller.pid, signal.SIGKILL)
    wait_for(lambda: ["unwanted", "a"] in cluster.log())


def test_a_stop_brings_back_what_there_is(cluster: FakeCluster) -> None:
    """Asked to stop, hosts end their runs, which come back as partial, and are told to forget them."""
    (cluster.folder / "hold").touch()
    cluster.scheduler()
    cluster.worker("a")
    with Fleet(cluster) as fleet:
        fleet.begun("a")
        fleet.until(lambda: fleet.schedule.places["id-a"].doing is State.MEASURING)
        assert not {"tick", "monitor", "heartbeat", "find-missing"} & at_work(cluster)
        (row,) = fleet.conduct.rows()
        assert (row.host, row.round, row.left_s) == ("a", 3, 7.0)
        fleet.conduct.stop_asked = True
        assert fleet.wait() == ["a"]
    assert [outcome.ending for outcome in fleet.kept.outcomes] == ["partial"]
    assert cluster.log()[-1][:2] == ["forget", "a"]
    assert dict(fleet.schedule.missing()) == {"a": "stopped"}


def test_a_scheduler_that_is_started_anew(cluster: FakeCluster) -> None:
    """The fleet connects again, finds the workers that join the new scheduler, and asks for the same jobs."""
    (cluster.folder / "hold").touch()
    scheduler = cluster.scheduler()
    cluster.worker("a")
    with Fleet(cluster) as fleet:
        fleet.begun("a")
        os.kill(scheduler, signal.SIGKILL)
        fleet.until(lambda: any("trying again for" in line for line in fleet.screen.lines))
        cluster.scheduler()
        cluster.worker("a")
        fleet.until(lambda: any(line.endswith("connected again") for line in fleet.screen.lines))
        (cluster.folder / "hold").unlink()
        assert fleet.wait() == ["a"]
    assert fleet.schedule.missing() == []
    assert len({line[2] for line in cluster.log() if line[0] == "begin"}) == 1


def test_an_address_where_no_scheduler_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one line that says what to do, and takes seconds, not the minutes of the engine."""
    monkeypatch.setattr(connection, "CONNECT_S", 0.3)
    (tmp_path / "bad.json").write_text('{"address": 3}')
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        for place, text in (
            ("tcp://127.0.0.1:9", "no scheduler answers there (Timed out trying to connect"),
            (f"tcp://127.0.0.1:{port}", "no scheduler answers there"),
            (f"tls://127.0.0.1:{port}", "needs certificates; name them in a file that DASK_CONFIG names"),
            ("smtp://127.0.0.1:9", "no scheduler answers there (unknown address scheme"),
            ("what is this", "no address, as in tcp://HOST:8786"),
            ("file:/nowhere/scheduler.json", "there is no such scheduler file"),
            (__file__, "no scheduler file; dask scheduler --scheduler-file FILE writes one"),
            (f"{tmp_path}/bad.json", "3 is no address, as in tcp://HOST:8786"),
        ):
            with pytest.raises(EngineError) as caught:
                Cluster(place, SUITE)
            assert str(caught.value).startswith(f"--scheduler {place}: {text}")
            assert "\n" not in str(caught.value)
