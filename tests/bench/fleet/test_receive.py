"""Holds that a run from a host comes whole to its place or not at all, and that nothing leads out of that."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from analysis.read.run import load_run
from analysis.summary.cells import summarise
from bench.ask_analysis import Answering, NoAnswerError
from bench.errors import UsageError
from bench.fleet.arrival.incoming import FOLDER, Incoming
from bench.fleet.arrival.placing import check_template
from bench.fleet.arrival.unpack import MOST_BYTES
from bench.fleet.receive import ReceiveError, Receiver, place
from bench.fleet.records import Ending, Outcome
from tests import ROOT
from tests.bench.fleet.conftest import SMALL
from tests.bench.fleet.packed import Member, archive, member, outcome, packed, sent
from tests.fake_run import FakeRun, write_run


def everything(folder: Path) -> set[str]:
    """All that is below `folder`, by name."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def edited(run: Path, /, **keys: Any) -> list[Member]:
    """The members of `run` with other keys in run.json."""
    document = json.loads((run / "run.json").read_text()) | keys
    return [member("run.json", json.dumps(document).encode()), *packed(run)[1:]]


def refusal(receiver: Receiver, members: list[Member]) -> str:
    """The line for an archive of `members`, of which nothing may be left."""
    with pytest.raises(ReceiveError) as caught:
        receiver.place(outcome(archive(members)))
    text = str(caught.value)
    assert text.startswith("node1: ")
    assert text.isprintable()
    return text


def test_a_run_arrives_as_the_host_wrote_it(arrived: Path, receiver: Receiver, results: Path) -> None:
    """Every raw file is equal byte for byte, the reader has made the summary, and the reader takes the run."""
    placed = receiver.place(sent(arrived))
    assert placed.new
    assert placed.path == results / arrived.parent.name / arrived.name
    for name in ("run.json", "cells.csv", "subjects.csv", "blocks.csv", "samples.csv.gz"):
        assert (placed.path / name).read_bytes() == (arrived / name).read_bytes(), name
    run = load_run(placed.path)
    assert len(summarise(run)) == len(SMALL)
    assert (placed.path / "summary.csv").read_text().count("\n") == len(SMALL) + 1


def test_the_same_run_twice_is_one(arrived: Path, receiver: Receiver, results: Path) -> None:
    """A run that is there already is found, also after it has got a report, and nothing is added."""
    first = receiver.place(sent(arrived), "twice-{host}")
    (first.path / "report.md").write_text("")
    before = everything(results / "twice-node1")
    again = receiver.place(sent(arrived), "twice-{host}")
    assert (first.new, again.new, again.path) == (True, False, first.path)
    assert everything(results / "twice-node1") == before


def test_two_hosts_of_one_name_and_second_are_both_kept(arrived: Path, receiver: Receiver, tmp_path: Path) -> None:
    """Another run of the same name gets the beginning of its content as suffix, and is found by it again."""
    other = write_run(tmp_path, FakeRun(SMALL, rounds=7, seed=2))
    first = receiver.place(sent(arrived), "equal-{machine}").path
    second = receiver.place(sent(other, "node2"), "equal-{machine}").path
    assert (first.name, first.parent) == (arrived.name, second.parent)
    assert second.name.startswith(f"{arrived.name}-")
    assert load_run(second).name == second.name
    assert (second / "samples.csv.gz").read_bytes() == (other / "samples.csv.gz").read_bytes()
    again = receiver.place(sent(other, "node2"), "equal-{machine}")
    assert (again.path, again.new) == (second, False)


def test_a_template_names_the_machine(arrived: Path, receiver: Receiver) -> None:
    """The fields are the machine and the host; run.json says the same, and its other keys stay."""
    placed = receiver.place(sent(arrived, "node 7/../x"), "rack1-{machine}-{host}").path
    assert placed.parent.name == "rack1-fake-2cpu-node-7-..-x"
    before, after = (json.loads((run / "run.json").read_text()) for run in (arrived, placed))
    assert after == before | {"machine": placed.parent.name}


@pytest.mark.parametrize("template", ["{run}", "{machine", "a/{machine}", "{machine:>9}", "{machine.x}", "", ".x"])
def test_a_template_that_names_nothing_is_refused(template: str) -> None:
    """Unknown fields, formats, and what is no name of a directory are wrong usage."""
    with pytest.raises(UsageError, match="--machine"):
        check_template(template)


def test_a_partial_run_is_kept(receiver: Receiver, tmp_path: Path) -> None:
    """What a killed run left comes to its place, with a last line that is cut off."""
    torn = write_run(tmp_path, FakeRun(SMALL, rounds=6, torn=True))
    placed = receiver.place(sent(torn), "torn-{machine}").path
    assert load_run(placed).partial
    assert load_run(placed).rounds == 6


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (member("../evil.csv", b"x"), "no file that a run has"),
        (member("/tmp/evil.csv", b"x"), "no file that a run has"),
        (member("a\x1b[31m\nb", b"x"), "no file that a run has"),
        (member("report/index.html", b"<script>"), "no file that a run has"),
        (member("interrupted/../../x", b"x"), "no file that a run has"),
        (member("cells.csv.gz", kind=tarfile.SYMTYPE, target="/etc/passwd"), "no regular file"),
        (member("cells.csv.gz", kind=tarfile.LNKTYPE, target="run.json"), "no regular file"),
        (member("cells.csv.gz", kind=tarfile.CHRTYPE), "no regular file"),
        (member("interrupted", kind=tarfile.DIRTYPE), "no regular file"),
        (member("cells.csv.gz", kind=tarfile.GNUTYPE_SPARSE), ""),
        (member("cells.csv", b"x"), "twice"),
    ],
)
def test_a_hostile_member_ends_it(arrived: Path, receiver: Receiver, results: Path, extra: Member, said: str) -> None:
    """Names that lead out or are none of a run, links, devices and doubles: one line, and nothing is written."""
    before = everything(results)
    assert said in refusal(receiver, [*packed(arrived), extra])
    assert everything(results) == before


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"machine": ".."}, "run.json"),
        ({"machine": FOLDER}, "machine is '.incoming'"),
        ({"machine": "a b"}, "machine is 'a b'"),
        ({"run": "20261124T040000Z-../../x"}, "run: expected"),
        ({"run": "latest"}, "run is 'latest'"),
        ({"started": "2026-11-24T03:00:00Z"}, "but the run is named"),
        ({"rounds": 8}, "subjects.csv"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_document_that_lies_is_refused(
    arrived: Path, receiver: Receiver, results: Path, keys: dict[str, Any], said: str
) -> None:
    """Names that are none, times and rounds that contradict the rest: the reader's line comes back."""
    before = everything(results)
    assert said in refusal(receiver, edited(arrived, **keys))
    assert everything(results) == before


def damage_digest(run: Path) -> Outcome:
    """An archive of which a byte changed on its way."""
    content = archive(packed(run))
    return outcome(content[:-1] + b"x", digest=sent(run).digest)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damage_digest, "node1: damaged on its way"),
        (lambda run: outcome(sent(run).archive[:3000]), "node1: no archive of a run, or a damaged one"),
        (lambda run: outcome(b"\x1f\x8b garbage"), "node1: no archive of a run, or a damaged one"),
        (lambda run: outcome(archive(packed(run)[1:])), "node1: run.json: missing"),
        (lambda run: outcome(archive(packed(run)[:-1])), "node1: samples.csv: missing"),
        (lambda run: Outcome("job", "node1", Ending.FAILED, "disk full"), "node1: disk full"),
        (lambda run: outcome(archive([member("run.json", b"[" * 100_000)])), "node1: run.json: 1: not JSON"),
        (lambda run: outcome(archive([member("run.json", b" " * (3 << 20))])), "node1: run.json: larger"),
    ],
)
def test_a_damaged_archive_is_refused(
    arrived: Path, receiver: Receiver, make: Callable[[Path], Outcome], said: str
) -> None:
    """A wrong digest, an archive that is cut off or none, files that are missing: one line with the host."""
    with pytest.raises(ReceiveError) as caught:
        receiver.place(make(arrived))
    assert str(caught.value).startswith(said)


def test_what_expands_a_thousand_times_is_refused(arrived: Path, receiver: Receiver) -> None:
    """Calls of a gigabyte in an archive of a megabyte are not expanded to their end."""
    bomb = gzip.compress(b"0" * (1 << 20)) * 1000
    members = [each for each in packed(arrived) if each[0].name != "samples.csv.gz"]
    assert "samples.csv.gz: " in refusal(receiver, [*members, member("samples.csv.gz", bomb)])


def test_an_archive_has_a_bound(receiver: Receiver) -> None:
    """An archive that is larger than any run is not looked into."""
    with pytest.raises(ReceiveError, match=f"more than the {MOST_BYTES >> 20} MiB"):
        receiver.place(outcome(bytes(MOST_BYTES + 1)))


def test_a_full_disk_leaves_nothing_half_there(arrived: Path, receiver: Receiver, results: Path) -> None:
    """Where a file cannot be written, one line says so, and the next run is taken all the same."""
    before = everything(results)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
    try:
        with pytest.raises(ReceiveError, match=r"node1: cannot be written to .*; nothing of it is there"):
            receiver.place(sent(arrived), "full-{machine}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything(results) == before
    assert receiver.place(sent(arrived), "full-{machine}").new


def test_several_threads_place_the_same_run_once(arrived: Path, receiver: Receiver, results: Path) -> None:
    """Of four that place one run at the same time one is the first, and no other copy is left."""
    found: list[bool] = []

    def act() -> None:
        found.append(receiver.place(sent(arrived), "threads").new)

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, False, False, True]
    assert [path.name for path in (results / "threads").iterdir()] == [arrived.name]


def test_what_a_killed_receiver_left_is_removed(tmp_path: Path) -> None:
    """A directory whose owner was killed goes at the next start; one that is in use stays."""
    code = (
        "import os, signal, sys; from pathlib import Path; from bench.fleet.arrival.incoming import Incoming\n"
        "folder = Incoming(Path(sys.argv[1])).folder(); folder.mkdir(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    first = Incoming(tmp_path)
    second = Incoming(tmp_path)
    assert (first.left_over, second.left_over) == (1, 0)
    first.close()
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    second.close()
    assert not list(tmp_path.iterdir())


def test_results_that_cannot_be_written_are_one_line(tmp_path: Path, arrived: Path) -> None:
    """A file in the place of results is named, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ReceiveError, match=r"cannot hold results .*--results"):
        place(sent(arrived), tmp_path / "file")


def test_a_reader_that_died_is_replaced(arrived: Path, tmp_path: Path) -> None:
    """A run whose check came to no end is refused with the reason, and the next check has a new process."""
    with Receiver(tmp_path, 1) as receiver:
        dead = Answering("--version")
        dead._process.wait()
        receiver._idle.get()
        receiver._idle.put(dead)
        with pytest.raises(ReceiveError, match="the check of it ended with status 0"):
            receiver.place(sent(arrived))
        assert list(receiver._idle.queue) == [None]
    assert not everything(tmp_path)


def test_a_check_that_is_given_up_ends_at_once(arrived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever places a run then has it refused, as all that comes later, and nothing of either is left."""
    asked = threading.Event()
    with Receiver(tmp_path, 2) as receiver, ThreadPoolExecutor(1) as threads:
        stopped = Answering("validate", "--received")
        os.kill(stopped._process.pid, signal.SIGSTOP)  # it never answers

        def wait(end: float) -> str:
            asked.set()
            return Answering._line(stopped, end)

        monkeypatch.setattr(stopped, "_line", wait)
        receiver._idle.put(stopped)
        placing = threads.submit(receiver.place, sent(arrived))
        assert asked.wait(60)
        receiver.give_up()
        with pytest.raises(ReceiveError, match="the check of it ended with status -9"):
            placing.result(60)
        with pytest.raises(ReceiveError, match="the check of it was given up"):
            receiver.place(sent(arrived))
    assert not everything(tmp_path)


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    """A process that has not answered in time is given up, and ended with all that it does."""
    with Answering("validate", "--received") as reader, pytest.raises(NoAnswerError, match="took too long"):
        reader.ask('"."', 0.0)
    assert reader._process.returncode == -signal.SIGKILL


def test_threads_may_read_documents_at_once(arrived: Path) -> None:
    """The first documents of a process are read by several threads; without care that is a crash."""
    code = (
        "import sys, threading; from pathlib import Path; from bench import schema\n"
        "sys.setswitchinterval(1e-6); text = Path(sys.argv[1]).read_text(); start = threading.Barrier(6)\n"
        "act = lambda: (start.wait(), schema.parse(text))\n"
        "threads = [threading.Thread(target=act) for _ in range(6)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]"
    )
    done = subprocess.run([sys.executable, "-c", code, str(arrived / "run.json")], cwd=ROOT, check=False)
    assert done.returncode == 0
