"""Turns the options of `bench fleet` into a fleet that has measured, a table of its hosts, and an exit status."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from bench import options
from bench.ask_analysis import ask_analysis
from bench.errors import UsageError
from bench.fleet import suite
from bench.fleet.arrival.placing import check_template
from bench.fleet.control import screen
from bench.fleet.control.cluster import Cluster
from bench.fleet.control.conduct import RECEIVERS, Conduct
from bench.fleet.control.events import Engine, EngineError
from bench.fleet.control.local import Local
from bench.fleet.control.schedule import Schedule
from bench.fleet.control.shares import Wanted
from bench.fleet.own_files import travelling
from bench.fleet.receive import ReceiveError, Receiver
from bench.fleet.records import Job
from bench.fleet.suite import Suite
from bench.options import Options
from bench.plan import cells, own_mechanism
from bench.schema.visible import visible

ROOT = Path(__file__).resolve().parents[3]
_MOST = 10_000


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `bench fleet`: those of `bench run`, and where to."""
    parser.description = (
        "Make the same run on every host of a Dask cluster, one at a time on each, and bring the runs together under "
        "results/. Without --scheduler this host alone is measured, by the same code. Ends with 1 if a host is "
        "missing. docs/fleet.md says how to start a cluster, and who may reach it."
    )
    add = parser.add_argument
    add("--scheduler", metavar="ADDRESS", help="as in tcp://HOST:8786, tls://…, or the path of a scheduler file")
    add("--hosts", default="all", metavar="N|all", help="measure on N hosts; others are in reserve (default: all)")
    add("--repeat", type=int, default=1, metavar="K", help="runs on each host (default: 1)")
    add("--retries", type=int, default=1, metavar="R", help="try a run that failed again, R times (default: 1)")
    add("--wheels", type=Path, metavar="DIR", help="packages for hosts that reach no package index")
    options.add_options(parser)
    add("--resume", metavar="RUN", help="not here: a run goes on where it began, by bench run --resume")
    add("--no-progress", action="store_true", help="say only what stays")
    add("--quiet", action="store_true", help="say nothing, and print the runs' directories")


def act(arguments: Namespace) -> int:
    """Measure, and print the table of hosts and the directory of each run. Raises `UsageError` and `PlanError`."""
    check_template(arguments.machine)
    wanted = _wanted(arguments)
    wheels = suite.pack_wheels(arguments.wheels) if arguments.wheels else None
    sent = suite.pack(ROOT)
    schedule = Schedule(replace(wanted, job=replace(wanted.job, suite=sent.version)), time.monotonic())
    with _signals() as heard, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the engine's; what matters of them is said in our words
        engine = _engine(arguments.scheduler, sent, wheels)
        try:
            conduct = _lead(arguments, engine, schedule, heard)
        except KeyboardInterrupt:
            if heard.conduct:
                _tell_abandoned(heard.conduct)
            return 130
    return _tell(conduct, schedule, arguments.quiet)


def words_of(wanted: Options) -> tuple[str, ...]:
    """The options of `bench run` that say how it measures, for another process; not where its results lie."""
    words = ["--profile", wanted.profile, "--cpu", wanted.cpu, "--seed", str(wanted.seed)]
    words += ["--block-ms", f"{wanted.block_ns / 1e6:g}", "--pairs", f"{wanted.core_pairs},{wanted.other_pairs}"]
    for option, value in (("--budget", wanted.budget_s), ("--rounds", wanted.rounds), ("--label", wanted.label)):
        words += [option, str(value)] if value is not None else []
    for option, values in (
        ("--mechanism", wanted.mechanisms),
        ("--scenario", wanted.scenarios),
        ("--python", wanted.pythons),
    ):
        words += [word for value in values for word in (option, value)]
    return tuple(words)


def _wanted(arguments: Namespace) -> Wanted:
    """What the options ask for, as far as it can be checked before a host is asked."""
    if arguments.resume:
        raise UsageError("--resume: an interrupted run goes on where it began; use bench run --resume on that host")
    # Here it is a template; on its host a run has the name that the machine's facts give it.
    run = options.read(Namespace(**{**vars(arguments), "machine": None}))
    sent = travelling(run.mechanisms, run.scenarios)
    _check_plan(run)
    for option, value, least in (("--repeat", arguments.repeat, 1), ("--retries", arguments.retries, 0)):
        if not least <= value <= _MOST:
            raise UsageError(f"{option} {value}: must be from {least} to {_MOST}")
    words = words_of(replace(run, mechanisms=sent.mechanisms, scenarios=sent.scenarios))
    job = Job("", "", words, run.budget, sent.files)
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    return Wanted(name, job, _hosts(arguments.hosts), arguments.repeat, arguments.retries)


def _hosts(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise UsageError(f"--hosts {text}: must be all, or a number from 1 to {_MOST}")
    return int(text)


def _check_plan(run: Options) -> None:
    """Raise what `bench run` would for mechanisms and scenarios that there are not.

    With --python, only the host can say whether its interpreter finds a mechanism in a user's file.
    """
    here = [name for name in run.mechanisms if not run.pythons or not own_mechanism.is_own(name)]
    cells.requested(run.profile, here, run.scenarios)


def _engine(scheduler: str | None, sent: Suite, wheels: bytes | None) -> Engine:
    try:
        return Cluster(scheduler, sent, wheels) if scheduler else Local(sent)
    except EngineError as error:
        raise UsageError(str(error)) from None


def _receiver(results: Path) -> Receiver:
    try:
        return Receiver(results, RECEIVERS)
    except ReceiveError as error:
        raise UsageError(str(error)) from None


def _lead(arguments: Namespace, engine: Engine, schedule: Schedule, heard: _Heard) -> Conduct:
    """Lead the fleet to its end, and let go of its hosts however that is."""
    is_led = False
    try:
        with _receiver(arguments.results) as receiver:
            shown = screen.choose(not arguments.no_progress, arguments.quiet)
            try:
                conduct = heard.conduct = Conduct(engine, schedule, receiver, shown, arguments.machine)
                conduct.lead()
            finally:
                shown.close()
        is_led = True
        return conduct
    finally:
        engine.close(at_once=not is_led)


@dataclass
class _Heard:
    """How many signals were heard, and who is asked to stop by the first one."""

    conduct: Conduct | None = None
    count: int = 0

    def signal(self, number: int, frame: FrameType | None) -> None:
        """Ask for an end, so that no moment is a bad one; the second signal ends it at once, a third whatever it does.

        Raises `KeyboardInterrupt`, also where nobody is asked for anything yet.
        """
        self.count += 1
        if self.count > 2:
            os._exit(130)
        if self.count > 1 or not self.conduct:
            raise KeyboardInterrupt
        self.conduct.stop_asked = True


@contextmanager
def _signals() -> Iterator[_Heard]:
    """Hear signals inside the block."""
    heard = _Heard()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (getattr(signal, name) for name in names)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, heard.signal)
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_abandoned(conduct: Conduct) -> None:
    text = "bench fleet: ended at once; what still runs on a host ends within a minute, and is kept there for a week"
    print(text, file=sys.stderr)
    for path in conduct.runs:
        print(path)


def _tell(conduct: Conduct, schedule: Schedule, quiet: bool) -> int:
    """Print how it ended, and return the exit status."""
    missing = schedule.missing()
    if conduct.runs and not quiet:
        tell_hosts(conduct.runs)
    for host, reason in missing:
        print(visible(f"missing: {host}: {reason}"), file=sys.stderr)
    for path in conduct.runs:
        print(path)
    return 130 if conduct.stop_asked else 1 if missing else 0


def tell_hosts(runs: Mapping[Path, str]) -> None:
    """Print the table of the hosts whose runs came back."""
    sys.stdout.flush()
    names = [f"--name={name}" for name in runs.values()]
    try:
        ask_analysis("hosts", *map(str, runs), *names)
    except OSError as error:  # thousands of paths may be more than the system hands over
        print(f"bench fleet: no table ({error.strerror}); name fewer runs: python -m analysis hosts", file=sys.stderr)
