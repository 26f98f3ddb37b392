"""The model of run.json: what is written, what is read, and what results/README.md says of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from bench.schema.words import CheckState, Direction, RunStatus

SCHEMA_VERSION = 3
RUN_FILE = "run.json"

LARGEST = 2**63 - 1
Fact = bool | Annotated[int, Meta(ge=-LARGEST, le=LARGEST)] | float | str | None
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
# Of one line: it stands in tables and terminals. (`$` would let a last line end through.)
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z")]
# Figures are named after it, so it must not lead out of their directory.
FileName = Annotated[str, Meta(pattern=r"^(?!\.\.?\Z)[^\x00-\x1f\x7f-\x9f\u2028\u2029/]+\Z")]


def _meaning(meaning: str, unit: str = "", since: int = 1) -> Meta:
    """What results/README.md says of a key: its meaning, its unit, and the first schema version that has it."""
    return Meta(description=meaning, extra={"unit": unit, "since": since})


class Part(Struct):
    """A part of the document; every key is there, and no other."""


class Suite(Part, kw_only=True, forbid_unknown_fields=True):
    """The forkbench that measured; both null: another program did."""

    version: Annotated[str | None, _meaning("version of forkbench")]
    commit: Annotated[
        str | None, _meaning("commit of forkbench, `-dirty` where files were changed; null: not run from a checkout")
    ]


class RunOptions(Part, kw_only=True, forbid_unknown_fields=True):
    """What was asked for. An imported run has only its `profile`."""

    profile: Annotated[str, _meaning("`quick`, `standard`, `full` or `sweep`")]
    budget_s: Annotated[
        Annotated[float, Meta(gt=0)] | None, _meaning("for the whole run; null: `--rounds` was given", unit="s")
    ] = None
    rounds: Annotated[
        Annotated[int, Meta(ge=1)] | None, _meaning("number of rounds asked for; null: as many as the budget holds")
    ] = None
    mechanisms: Annotated[list[str], _meaning("mechanisms asked for; empty: those of the profile")] = []
    scenarios: Annotated[list[str], _meaning("scenarios asked for, as `name=levels`; empty: those of the profile")] = []
    cpu: Annotated[str | None, _meaning("`auto`, `none`, or the number of the subjects' CPU")] = None
    block_ns: Annotated[Count | None, _meaning("how long a block should last", unit="ns")] = None
    pairs: Annotated[
        tuple[Count, Count] | None,
        _meaning("most pairs of blocks a round: of a core cell, of another one", unit="pairs"),
    ] = None


class Cpus(Part, kw_only=True, forbid_unknown_fields=True):
    """Which CPUs were used."""

    subject: Annotated[Count | None, _meaning("CPU that subjects are pinned to; null: not pinned")]
    controller: Annotated[Count | None, _meaning("CPU that the controller is pinned to; null: not pinned")]
    allowed: Annotated[Count | None, _meaning("number of CPUs that the suite was allowed to use", unit="CPUs")]


class ControlInfo(Part, kw_only=True, forbid_unknown_fields=True):
    """Whether there was a control."""

    available: Annotated[bool, _meaning("whether the control in C could be built and loaded")]
    reason: Annotated[str | None, _meaning("why not, and what to do; else null")]


class InterpreterFacts(Part, kw_only=True, forbid_unknown_fields=True):
    """What an interpreter is. Of an imported run only `version` is sure."""

    version: str
    implementation: str | None = None
    build: str | None = None
    compiler: str | None = None
    executable: str | None = None
    shared_library: bool | None = None
    debug: bool | None = None
    free_threaded: bool | None = None
    configure: str | None = None
    pointer_bits: Count | None = None
    site_modules: Count | None = None
    site_loads: str | None = None


class UnavailableCell(Part, kw_only=True, forbid_unknown_fields=True):
    """A cell that was asked for and could not be measured."""

    python: str
    mechanism: str
    scenario: str
    level: str
    reason: str


class Check(Part, kw_only=True, forbid_unknown_fields=True):
    """One line of the certificate. `value` is null where it could not be measured; `text` then says why."""

    name: Name
    value: float | None
    unit: str
    bound: float
    direction: Direction
    state: CheckState
    text: str

    @property
    def passed(self) -> bool:
        """Whether it was measured and lies on the right side of its bound."""
        return self.state is CheckState.PASSED


class Certificate(Part, kw_only=True, forbid_unknown_fields=True):
    """The instrument's own error, measured with the run."""

    checks: list[Check]
    passed: bool


class Resumed(Part, kw_only=True, forbid_unknown_fields=True):
    """One time at which an interrupted run went on."""

    at: str
    round: Count


class Source(Part, kw_only=True, forbid_unknown_fields=True):
    """The file that an imported run was made from."""

    format: str
    file: str
    version: str | None


class RunDocument(Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a run is, where it ran, and how it ended."""

    schema: Annotated[
        Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)],
        _meaning("version of this dictionary; readers take all older ones"),
    ]
    run: Annotated[FileName, _meaning("name of the run and of its directory: when it began (UTC), and its label")]
    machine: Annotated[
        FileName,
        _meaning("name of the machine and of the directory above; it is no host name unless `--machine` gave one"),
    ]
    label: Annotated[str | None, _meaning("what `--label` gave, else null")]
    status: Annotated[
        RunStatus,
        _meaning(
            "`complete`, or `partial`: interrupted, or cells were given up after failing in two rounds in a row, "
            "or had no block"
        ),
    ]
    rounds: Annotated[Count, _meaning("complete rounds; rows of later rounds are kept, but are in no summary")]
    seed: Annotated[
        int | None, _meaning("where the order of blocks comes from: the same seed gives the same order; null: imported")
    ]
    suite: Suite
    options: RunOptions
    started: Annotated[Name, _meaning("when the run began, UTC")]
    ended: Annotated[str | None, _meaning("when it ended, UTC; null while it lasts")]
    wall_ns: Annotated[Count | None, _meaning("how long it took", unit="ns")]
    share_in_calls: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        _meaning("share of the wall time that was spent inside measured calls, 0 to 1"),
    ]
    cpus: Cpus
    true: Annotated[str | None, _meaning("path of the program that the mechanisms of `exec` work run")]
    control: ControlInfo
    machine_facts: Annotated[
        dict[str, Fact],
        _meaning("what stays as it is while a run lasts: CPU, kernel, virtualisation, limits, settings, mitigations"),
    ]
    before: Annotated[
        dict[str, Fact] | None,
        _meaning("what changes, before the run: load, CPU ticks since boot, memory, frequency; sizes in bytes"),
    ]
    after: Annotated[dict[str, Fact] | None, _meaning("the same after the run; null while it lasts")]
    pythons: Annotated[
        dict[str, InterpreterFacts],
        _meaning("each interpreter by its label: version, build, compiler, executable, and what its `site` loads"),
    ]
    unavailable: Annotated[
        list[UnavailableCell], _meaning("cells that were asked for and could not be measured, each with its `reason`")
    ]
    certificate: Annotated[
        Certificate | None,
        _meaning(
            "the instrument's own error on this machine: `checks`, each with value, unit, bound, `direction` and "
            "`state`, and `passed` for all; null: none was made"
        ),
    ]
    unfit: Annotated[list[str], _meaning("what made the machine unfit to measure on; empty: nothing was found")]
    source: Annotated[Source | None, _meaning("where an imported run comes from; absent: measured")] = None
    resumed: Annotated[
        list[Resumed],
        _meaning("when the run went on after an interruption (UTC), and with which round; absent: never", since=2),
    ] = []
    note: Annotated[str | None, _meaning("what an imported run cannot tell; absent: measured")] = None
