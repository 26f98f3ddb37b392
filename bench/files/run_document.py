"""Makes run.json: what a run is, where it ran, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

from bench.files.suite_commit import suite_commit
from bench.machine import facts
from bench.options import Options
from bench.plan import own_files
from bench.plan.availability import Unavailable
from bench.plan.setup import Setup
from bench.schema.run_document import (
    SCHEMA_VERSION,
    ControlInfo,
    Cpus,
    InterpreterFacts,
    Resumed,
    RunDocument,
    RunOptions,
    Suite,
    UnavailableCell,
)
from bench.schema.usage import VERSION
from bench.schema.words import RunStatus


def opening(options: Options, setup: Setup, unavailable: Sequence[Unavailable]) -> RunDocument:
    """The document at the beginning of a run. Its status is partial until the run ends."""
    machine_facts, control, pins = facts.collect(), setup.control, setup.pins
    stamp = _utc("%Y%m%dT%H%M%SZ")
    return RunDocument(
        schema=SCHEMA_VERSION,
        run=f"{stamp}-{options.label}" if options.label else stamp,
        machine=options.machine or facts.slug(machine_facts),
        label=options.label,
        status=RunStatus.PARTIAL,
        rounds=0,
        seed=options.seed,
        suite=Suite(version=VERSION, commit=suite_commit()),
        options=RunOptions(
            profile=options.profile,
            budget_s=None if options.rounds else options.budget,
            rounds=options.rounds,
            mechanisms=own_files.recorded_mechanisms(options.mechanisms),
            scenarios=own_files.recorded_scenarios(options.scenarios),
            cpu=options.cpu,
            block_ns=options.block_ns,
            pairs=(options.core_pairs, options.other_pairs),
        ),
        started=_utc(),
        ended=None,
        wall_ns=None,
        share_in_calls=None,
        cpus=Cpus(subject=pins.subject_cpu, controller=pins.controller_cpu, allowed=len(pins.allowed_cpus)),
        true=setup.resources.true_program,
        control=ControlInfo(available=not control.problem, reason=control.problem or None),
        machine_facts=machine_facts,
        before=facts.state(),
        after=None,
        pythons={python.label: InterpreterFacts(**python.facts) for python in setup.pythons},
        unavailable=unavailable_cells(unavailable),
        certificate=None,
        unfit=[],
    )


def unavailable_cells(unavailable: Sequence[Unavailable]) -> list[UnavailableCell]:
    """What run.json says of cells that cannot be measured."""
    return [UnavailableCell(**asdict(cell)) for cell in unavailable]


def close(document: RunDocument, wall_ns: int, share_in_calls: float) -> None:
    """Add what only the end of a run knows."""
    document.ended = _utc()
    document.wall_ns = wall_ns
    document.share_in_calls = round(share_in_calls, 4)
    document.after = facts.state()


def resume(document: RunDocument) -> None:
    """Make the document of an interrupted run that of one that goes on."""
    document.ended = document.after = document.wall_ns = document.share_in_calls = document.certificate = None
    document.resumed = [*document.resumed, Resumed(at=_utc(), round=document.rounds)]


def _utc(form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return time.strftime(form, time.gmtime())
