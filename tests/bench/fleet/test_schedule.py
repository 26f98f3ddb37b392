"""Holds which host a fleet asks next, what it tries again and where, and what it gives up, with a fake clock."""

from __future__ import annotations

from bench.fleet.control.events import Lost, Measure, Ready, Said, SetUp
from bench.fleet.control.schedule import MOVE_S, PATIENCE_S, Schedule
from bench.fleet.control.shares import State, Wanted
from bench.fleet.records import Ending, HostFacts, Job

JOB = Job("", "0123456789abcdef", ("--profile", "quick"), 3.0)


def host(name: str, boot: str = "") -> HostFacts:
    """A host of a machine of its own, or of that with this `boot`."""
    return HostFacts(name, boot or f"boot of {name}", name, (0, 1), "3.11.7", "2026.8.0")


class Fleet:
    """A schedule whose hosts do at once what they are asked; `now` is the time, `log` what was asked of whom."""

    def __init__(self, *there: HostFacts, hosts: int | None = None, repeat: int = 1, retries: int = 1) -> None:
        self.now = 0.0
        self.schedule = Schedule(Wanted("fleet", JOB, hosts, repeat, retries), self.now)
        self.log: list[str] = []
        self.there = list(there)
        self.schedule.hear_present(self.there, self.now)

    def ask(self) -> dict[str, str]:
        """Let the schedule decide; what is to be set up is so at once. Returns the jobs asked for, by host."""
        jobs: dict[str, str] = {}
        while steps := self.schedule.steps(self.now):
            for step in steps:
                if isinstance(step, SetUp):
                    self.log.append(f"set up {step.identity}")
                    self.schedule.hear_ready(Ready(step.identity))
                else:
                    assert isinstance(step, Measure)
                    self.log.append(f"measure {step.identity}")
                    jobs[step.identity] = step.job.id
        return jobs

    def end(self, jobs: dict[str, str], ending: Ending = Ending.COMPLETE, error: str = "") -> None:
        """Let these jobs end so."""
        for job in jobs.values():
            self.schedule.hear_placed(job, ending, error)

    def vanish(self, name: str) -> None:
        """Take a host out of the cluster, and what it was asked with it."""
        self.there = [one for one in self.there if one.identity != name]
        self.schedule.hear_present(self.there, self.now)
        for job in self.schedule.active_jobs():
            if self.schedule.host_of(job) == name:
                self.schedule.hear_lost(Lost(name, job, "its worker is gone"))

    def join(self, one: HostFacts) -> None:
        """Bring a host into the cluster."""
        self.there.append(one)
        self.schedule.hear_present(self.there, self.now)

    def missing(self) -> dict[str, str]:
        """Hosts whose runs are missing, with the reason."""
        return dict(self.schedule.missing())


def test_every_host_measures_once() -> None:
    """With all hosts wanted, each is set up and measures its runs one after another; then all is over."""
    fleet = Fleet(host("a"), host("b"), repeat=2)
    first = fleet.ask()
    assert set(first) == {"a", "b"}
    assert fleet.ask() == {}
    fleet.end(first)
    second = fleet.ask()
    assert set(second) == {"a", "b"}
    assert not set(first.values()) & set(second.values())
    assert not fleet.schedule.is_over()
    fleet.end(second)
    assert fleet.schedule.is_over()
    assert fleet.missing() == {}
    assert fleet.log.count("set up a") == 1


def test_hosts_of_one_machine_take_turns() -> None:
    """Two hosts of one boot share CPUs: neither a set-up nor a run of one goes on beside one of the other."""
    fleet = Fleet(host("a", "machine"), host("b", "machine"), host("c"))
    (first, third) = fleet.schedule.steps(0.0)
    assert {first.identity, third.identity} == {"a", "c"}
    fleet.schedule.hear_ready(Ready("a"))
    (asked,) = fleet.schedule.steps(0.0)
    assert isinstance(asked, Measure)
    assert fleet.schedule.steps(0.0) == []
    fleet.end({"a": asked.job.id})
    assert [step.identity for step in fleet.schedule.steps(0.0)] == ["b"]


def test_more_hosts_than_wanted_are_in_reserve() -> None:
    """With N hosts wanted N are asked; a run of one that is gone moves to the reserve, once it had time to be back."""
    fleet = Fleet(host("a"), host("b"), host("c"), hosts=2)
    jobs = fleet.ask()
    assert set(jobs) == {"a", "b"}
    fleet.now = 5.0
    fleet.vanish("a")
    assert fleet.ask() == {}
    fleet.now += MOVE_S + 1
    moved = fleet.ask()
    assert set(moved) == {"c"}
    assert moved["c"] != jobs["a"]
    fleet.end({**moved, "b": jobs["b"]})
    assert fleet.schedule.is_over()
    assert fleet.missing() == {}


def test_a_host_that_is_back_is_asked_for_the_same_job() -> None:
    """The run may still go on there, or lie there: the job has the same name, and the set-up is looked at again."""
    fleet = Fleet(host("a"))
    jobs = fleet.ask()
    fleet.vanish("a")
    assert fleet.schedule.places["a"].doing is State.GONE
    fleet.join(host("a"))
    assert fleet.ask() == jobs
    assert fleet.log == ["set up a", "measure a", "set up a", "measure a"]


def test_a_host_that_stays_away_is_missing() -> None:
    """With all hosts wanted a run belongs to its host: it is waited for while others measure, then named."""
    fleet = Fleet(host("a"), host("b"))
    jobs = fleet.ask()
    fleet.vanish("a")
    fleet.now = 1000.0
    assert fleet.ask() == {}
    fleet.end({"b": jobs["b"]})
    assert fleet.ask() == {}
    fleet.now += PATIENCE_S + 1
    assert fleet.ask() == {}
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"a": "its worker is gone; it is gone, and did not come back"}


def test_a_job_is_lost_only_so_often() -> None:
    """A job whose worker dies again and again is given up after the retries; a lost connection of ours counts not."""
    fleet = Fleet(host("a"), retries=1)
    for number in range(5):
        fleet.schedule.hear_lost(Lost("a", fleet.ask()["a"], "no connection", counts=False))
        assert not fleet.schedule.is_over(), number
    for _ in range(2):
        fleet.schedule.hear_lost(Lost("a", fleet.ask()["a"], "its worker is gone"))
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"a": "its worker is gone"}


def test_a_partial_run_is_tried_again_as_another_job() -> None:
    """What failed is measured anew; after the retries it is missing, with the reason of the host."""
    fleet = Fleet(host("a"), retries=1)
    first = fleet.ask()
    fleet.end(first, Ending.PARTIAL, "killed by signal 9")
    second = fleet.ask()
    assert second["a"] != first["a"]
    fleet.end(second, Ending.FAILED, "no space left")
    assert fleet.ask() == {}
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"a": "no space left"}
    assert fleet.schedule.places["a"].doing is State.FAILED


def test_a_failed_run_goes_to_a_host_in_reserve() -> None:
    """With N hosts wanted, a host that fails makes room for another one, and does not get the run back."""
    fleet = Fleet(host("a"), host("b"), hosts=1)
    fleet.end(fleet.ask(), Ending.FAILED, "no space left")
    jobs = fleet.ask()
    assert set(jobs) == {"b"}
    fleet.end(jobs)
    assert fleet.missing() == {}


def test_a_host_that_cannot_be_set_up_is_named_before_it_measures() -> None:
    """Its runs are missing with its reason; where any host will do, another one takes them."""
    for hosts, wanted in ((None, {"a": "Python 3.8: too old"}), (1, {})):
        fleet = Fleet(host("a"), host("b"), hosts=hosts)
        first = fleet.schedule.steps(0.0)[0]
        fleet.schedule.hear_ready(Ready(first.identity, "Python 3.8: too old"))
        if hosts is None:
            fleet.schedule.hear_ready(Ready("b"))
        fleet.end(fleet.ask())
        assert fleet.schedule.is_over()
        assert fleet.missing() == wanted


def test_a_set_up_that_is_lost_is_tried_again() -> None:
    """A worker may die while pip runs: the host is set up again, but not for ever."""
    fleet = Fleet(host("a"), retries=1)
    for _ in range(2):
        assert fleet.schedule.steps(0.0) == [SetUp("a")]
        fleet.schedule.hear_lost(Lost("a", "", "its worker is gone"))
    assert fleet.schedule.steps(0.0) == []
    assert fleet.missing() == {"a": "its worker is gone"}


def test_hosts_that_join_late_are_used() -> None:
    """All hosts: one more is measured; N hosts: only as many as there is something to do for."""
    everyone = Fleet(host("a"))
    everyone.ask()
    everyone.join(host("b"))
    assert set(everyone.ask()) == {"b"}
    some = Fleet(host("a"), hosts=2)
    some.ask()
    for name in "bc":
        some.join(host(name))
    assert set(some.ask()) == {"b"}


def test_a_container_that_comes_back_as_another_takes_its_place() -> None:
    """A restarted container has a new network namespace on the same machine: it is not one host more."""
    fleet = Fleet(host("a", "machine"))
    fleet.ask()
    fleet.vanish("a")
    fleet.join(host("new", "machine"))
    jobs = fleet.ask()
    assert set(jobs) == {"new"}
    fleet.end(jobs)
    assert fleet.schedule.is_over()
    assert fleet.missing() == {}


def test_what_came_back_damaged_is_fetched_once_more() -> None:
    """The host has the run still, so the same job is asked for again; then it is measured anew, or missing."""
    fleet = Fleet(host("a"), retries=1)
    first = fleet.ask()
    fleet.schedule.hear_refused(first["a"], "the digest differs")
    assert fleet.ask() == first
    fleet.schedule.hear_refused(first["a"], "the digest differs")
    second = fleet.ask()
    assert second != first
    fleet.schedule.hear_refused(second["a"], "the digest differs")
    fleet.ask()
    fleet.schedule.hear_refused(second["a"], "the digest differs")
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"a": "the digest differs"}


def test_nobody_joins() -> None:
    """Without any host the fleet waits a while, and ends with that as what is missing."""
    fleet = Fleet()
    fleet.ask()
    assert not fleet.schedule.is_over()
    fleet.now = PATIENCE_S + 1
    fleet.ask()
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"every host": "no worker has joined"}


def test_a_stopped_fleet_begins_nothing_and_waits_for_what_it_asked() -> None:
    """Jobs that end after a stop still count; the others are missing as stopped."""
    fleet = Fleet(host("a"), host("b", "boot of a"))
    jobs = fleet.ask()
    fleet.schedule.stop()
    assert not fleet.schedule.is_over()
    fleet.end(jobs)
    assert fleet.ask() == {}
    assert fleet.schedule.is_over()
    assert fleet.missing() == {"b": "stopped"}


def test_progress_shows_where_the_host_is() -> None:
    """What a job says is the state of its host; what an unknown job says is nothing."""
    fleet = Fleet(host("a"))
    job = fleet.ask()["a"]
    place = fleet.schedule.places["a"]
    assert str(place.doing) == "asked"
    for said, doing in (("waiting", State.LOCKED), ("measuring", State.MEASURING), ("sending", State.SENDING)):
        fleet.schedule.hear_said(Said(job, said, 3, 20.0))
        assert (place.doing, place.round, place.left_s) == (doing, 3, 20.0)
    fleet.schedule.hear_said(Said("another", "waiting"))
    assert place.doing is State.SENDING


def test_names_on_the_screen_are_told_apart() -> None:
    """Two hosts of one name get a part of what tells them apart."""
    fleet = Fleet(host("a"))
    assert fleet.schedule.name_of("a") == "a"
    fleet.join(HostFacts("feedbeef", "boot", "a", (0,), "3.11.7", ""))
    assert fleet.schedule.name_of("feedbeef") == "a-feed"
