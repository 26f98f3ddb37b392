"""Turns what is heard of hosts and jobs into what to ask of which host next, and into what is missing at the end.

Pure: it does nothing but decide. `now` are seconds of any clock that only grows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bench.fleet.control.events import Lost, Measure, Ready, Said, SetUp
from bench.fleet.control.shares import Place, Share, State, Wanted, WantedRun
from bench.fleet.records import Ending, HostFacts, Job, Outcome

# A worker that was killed is started again by its nanny within a few seconds: a run moves to another host after that.
MOVE_S = 10.0
# With nothing going on anywhere, a host that is missing is waited for so long.
PATIENCE_S = 60.0
# What a host calls the state of a job.
_SAID = {"waiting": State.LOCKED, "measuring": State.MEASURING, "sending": State.SENDING}


class Schedule:
    """Decides for one fleet. What it `hears` it never answers; `steps` are what to do now."""

    def __init__(self, wanted: Wanted, now: float) -> None:
        self.wanted = wanted
        self.places: dict[str, Place] = {}
        self.shares: list[Share] = []
        for _ in range(wanted.hosts or 0):
            self._add_share()
        self._active: dict[str, tuple[Share, WantedRun]] = {}
        self._names: Counter[str] = Counter()
        self._setting_up: set[str] = set()
        self._fetched_again: set[str] = set()
        self._idle_since = now
        self._stopped = self._gave_up = False

    def hear_present(self, hosts: Iterable[HostFacts], now: float) -> list[str]:
        """These hosts can be reached now, and no others; returns the identities of new ones."""
        there = {facts.identity: facts for facts in hosts}
        for identity, place in self.places.items():
            if place.is_there != (identity in there):
                place.is_there, place.since = identity in there, now
                place.is_set_up = place.is_set_up and place.is_there
                if not place.is_there and place.doing not in (State.DONE, State.FAILED):
                    place.doing = State.GONE
                elif place.is_there and place.doing is State.GONE:
                    place.doing = State.WAITING
        new = [identity for identity in there if identity not in self.places]
        for identity in new:
            self.places[identity] = Place(there[identity], now)
            self._names[there[identity].name] += 1
            if self.wanted.hosts is None and not self._comes_back_as(identity):
                self._add_share(identity)
        return new

    def hear_ready(self, ready: Ready) -> None:
        """A host is set up, or never will be."""
        self._setting_up.discard(ready.identity)
        place = self.places[ready.identity]
        place.is_set_up, place.problem = not ready.error, ready.error
        place.doing = State.FAILED if ready.error else State.WAITING
        if ready.error:
            for share in self.shares:
                if share.identity == ready.identity:
                    self._leave(share, ready.error)

    def hear_said(self, said: Said) -> None:
        """A job tells how far it is."""
        if said.job in self._active:
            place = self.places[self._active[said.job][0].identity]
            place.doing = _SAID.get(said.state, State.MEASURING)
            place.round, place.left_s, place.text = said.round, said.left_s, said.text

    def hear_lost(self, lost: Lost) -> None:
        """Something that was asked will not be answered; the same job is asked for again, if it may be."""
        place = self.places.get(lost.identity)
        if place and place.is_there:
            place.doing = State.WAITING
        if not lost.job:
            self._setting_up.discard(lost.identity)
            if place:
                place.set_ups_lost += lost.counts
                if place.set_ups_lost > self.wanted.retries:
                    self.hear_ready(Ready(lost.identity, lost.reason))
        elif lost.job in self._active:
            run = self._active.pop(lost.job)[1]
            run.problem = lost.reason
            run.tries += lost.counts
            self._give_up_if_tried_enough(run)

    def hear_ended(self, outcome: Outcome) -> None:
        """A job has ended; whether its run is whole is for `hear_placed` or `hear_refused` to say."""
        if outcome.job in self._active:
            place = self.places[self._active[outcome.job][0].identity]
            place.doing, place.round, place.left_s, place.text = State.SENDING, None, None, ""

    def hear_placed(self, job: str, ending: Ending, error: str) -> None:
        """What a job left is among the results, or there is nothing that could be."""
        if job not in self._active:
            return
        share, run = self._active.pop(job)
        place = self.places[share.identity]
        place.doing = State.WAITING if place.is_there else State.GONE
        if ending is Ending.COMPLETE:
            run.is_done = True
            if share.next_run() is None:
                place.doing = State.DONE
            return
        run.problem = error or f"its run is {ending}"
        run.tries, run.attempt = run.tries + 1, run.attempt + 1
        self._give_up_if_tried_enough(run)
        if not run.missing and not share.belongs and self._spare() is not None:
            self._leave(share, "")
        elif run.missing:
            place.doing = State.FAILED

    def hear_refused(self, job: str, error: str) -> None:
        """What came back cannot be a result. It is fetched once more: the host has it still."""
        if job not in self._active:
            return
        share, run = self._active.pop(job)
        self.places[share.identity].doing = State.WAITING
        run.problem = error
        if job in self._fetched_again:
            run.tries, run.attempt = run.tries + 1, run.attempt + 1
            self._give_up_if_tried_enough(run)
        self._fetched_again.add(job)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True
        self._setting_up.clear()

    def steps(self, now: float) -> list[SetUp | Measure]:
        """What to do now; it is taken as done."""
        if self._stopped:
            return []
        self._move(now)
        found = list(self._steps())
        if found or self._active or self._setting_up:
            self._idle_since = now
        elif now - self._idle_since > PATIENCE_S:
            self._give_up()
        return found

    def idle_s(self, now: float) -> float:
        """For how many seconds nothing has gone on, though something is wanted."""
        return 0.0 if self._active or self._setting_up or self._stopped else now - self._idle_since

    def active_jobs(self) -> list[str]:
        """The jobs that a host was asked for and that have not ended."""
        return list(self._active)

    def host_of(self, job: str) -> str:
        """The identity of the host that was asked for an active job."""
        return self._active[job][0].identity

    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        if self._stopped:
            return not self._active
        if self._gave_up:
            return True
        return bool(self.shares) and not self._setting_up and all(share.next_run() is None for share in self.shares)

    def missing(self) -> list[tuple[str, str]]:
        """The host (or what stands for it) and the reason of every run that there is not."""
        if not self.shares:
            return [("every host", "no worker has joined")]
        found = []
        for share in self.shares:
            for run in share.runs:
                if not run.is_done:
                    reason = run.missing or run.problem or ("stopped" if self._stopped else "not begun")
                    found.append((self.name_of(share.identity) or f"host {share.number + 1}", reason))
        return found

    def name_of(self, identity: str) -> str:
        """What a host is called on the screen: its name, and a part of its identity where two have one name."""
        place = self.places.get(identity)
        if place is None:
            return ""
        alone = self._names[place.facts.name] == 1
        return place.facts.name if alone else f"{place.facts.name}-{identity[:4]}"

    def _add_share(self, identity: str = "") -> None:
        runs = [WantedRun() for _ in range(self.wanted.repeat)]
        self.shares.append(Share(len(self.shares), runs, identity, bool(identity)))

    def _steps(self) -> Iterator[SetUp | Measure]:
        # Network namespaces and containers of one machine share its CPUs, also with a set-up, which compiles.
        busy = {self.places[share.identity].facts.boot for share, _ in self._active.values()}
        busy |= {self.places[identity].facts.boot for identity in self._setting_up}
        at_work = {share.number for share, _ in self._active.values()}
        for share in self.shares:
            run = share.next_run()
            if run is None or share.number in at_work:
                continue
            if not share.identity:
                share.identity = self._spare(share.had) or ""
            place = self.places.get(share.identity)
            if place is None or not place.is_there or place.problem or place.facts.boot in busy:
                continue
            busy.add(place.facts.boot)
            if place.is_set_up:
                job = self._job(share, run)
                self._active[job.id] = (share, run)
                place.doing, place.round, place.left_s = State.ASKED, None, None
                yield Measure(share.identity, job)
            else:
                self._setting_up.add(share.identity)
                place.doing = State.SETTING_UP
                yield SetUp(share.identity)

    def _job(self, share: Share, run: WantedRun) -> Job:
        name = f"{self.wanted.name}-{share.number}-{share.runs.index(run)}-{len(share.had)}-{run.attempt}"
        return replace(self.wanted.job, id=name)

    def _spare(self, but: Iterable[str] = ()) -> str | None:
        """A host that no share has, those first whose machine has nothing to do."""
        taken = {share.identity for share in self.shares}
        for identity, place in self.places.items():
            if place.is_there and not place.problem and identity not in taken and identity not in but:
                return identity
        return None

    def _move(self, now: float) -> None:
        """Let the runs of a host that is gone go to another one, where that is no matter."""
        for share in self.shares:
            place = self.places.get(share.identity)
            if place is None or share.belongs or place.is_there or now - place.since < MOVE_S:
                continue
            if share.next_run() is not None and self._spare(share.had) is not None:
                self._leave(share, "")

    def _leave(self, share: Share, error: str) -> None:
        """The share's host is no good for it: another one takes it, or, with `error`, its runs are missing."""
        if error and share.belongs:
            for run in share.runs:
                if not run.is_over:
                    run.missing = error
            return
        for run in share.runs:
            run.problem = run.problem or error
        share.had.add(share.identity)
        share.identity = ""

    def _comes_back_as(self, identity: str) -> bool:
        """Whether a new host is a container or namespace in the place of one that is gone from the same machine."""
        boot = self.places[identity].facts.boot
        for share in self.shares:
            place = self.places.get(share.identity)
            if place and not place.is_there and place.facts.boot == boot and share.next_run() is not None:
                share.had.add(share.identity)
                share.identity = identity
                return True
        return False

    def _give_up_if_tried_enough(self, run: WantedRun) -> None:
        if run.tries > self.wanted.retries:
            run.missing = run.problem

    def _give_up(self) -> None:
        """Nobody comes any more."""
        self._gave_up = True
        for share in self.shares:
            place = self.places.get(share.identity)
            reason = "no host is there for it" if place is None else "it is gone, and did not come back"
            for run in share.runs:
                if not run.is_over:
                    run.missing = f"{run.problem}; {reason}" if run.problem else reason
