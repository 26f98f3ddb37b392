"""One record for a row of each CSV file of a run; its fields are the file's columns, in the file's order."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bench.schema.column import column
from bench.schema.words import Path, Role, SubjectStatus, Work

# Together a cell, a round, a block and a role make one number of 63 bits (see `analysis.stats.rounds`).
MOST_CELLS, MOST_ROUNDS, MOST_BLOCKS = 2**20, 2**24, 2**17

CellNumber = Annotated[int, column("number of the cell, the key into cells.csv", high=MOST_CELLS - 1)]
RoundNumber = Annotated[int, column("number of the round, from 0", high=MOST_ROUNDS - 1)]
BlockNumber = Annotated[
    int,
    column("number of the block within round, cell and role, from 0; -1: the warm-up", low=-1, high=MOST_BLOCKS - 1),
]


class Row(msgspec.Struct, kw_only=True, frozen=True):
    """A row of a CSV file. Its fields can only be given by name."""


class CellRow(Row, kw_only=True, frozen=True):
    """A cell."""

    cell: CellNumber
    python: Annotated[str, column("label of the interpreter, the key into `pythons` of run.json")]
    mechanism: Annotated[
        str,
        column(
            "the way to create and reap a child; a user's own: `FILE.py:function@` and 12 digits of the file's SHA-256"
        ),
    ]
    work: Annotated[Work, column("what the child does; only rows of one work are ranked together")]
    scenario: Annotated[str, column("which state of the parent or its surroundings is varied")]
    level: Annotated[
        str,
        column(
            "the level asked for, several joined by `+`; the verified dose is in subjects.csv. A user's program is "
            "`FILE.py@` and 12 digits of the file's SHA-256"
        ),
    ]
    unit: Annotated[str | None, column("unit of the level, empty where it is a name")] = None
    control: Annotated[str | None, column("the C control measured beside it, empty where there is none")] = None
    block_calls: Annotated[int, column("calls in a block of the mechanism, calibrated once", unit="calls")]
    control_calls: Annotated[int, column("calls in a block of the control; 0: no control", unit="calls")]
    blocks: Annotated[int, column("pairs of blocks (mechanism and control) a round")]
    path: Annotated[
        Path | None,
        column(
            "the system call family that the mechanism was seen to use: `fork`, `vfork`, `posix_spawn`, "
            "`thread`, `none`; empty: not observable here"
        ),
    ] = None
    subjects: Annotated[
        int | None,
        column("subjects that make the calls of a block at the same time; empty: 1", low=1, high=2**15),
    ] = None


class SubjectRow(Row, kw_only=True, frozen=True):
    """A subject: one fresh interpreter process, the measured parent of one cell in one round."""

    round: Annotated[
        int, column("number of the round, from 0; -1: the calibration before the first", low=-1, high=MOST_ROUNDS - 1)
    ]
    cell: CellNumber
    status: Annotated[SubjectStatus, column("`ok` or `error`")]
    error: Annotated[str | None, column("what went wrong, in one line")] = None
    start_ns: Annotated[int, column("when it was started, since the run began", unit="ns")]
    setup_ns: Annotated[int | None, column("from its start to the end of its warm-up", unit="ns")] = None
    dose: Annotated[
        str | None,
        column("by how much the scenario raised what its level counts, in the level's unit; several: joined by `+`"),
    ] = None
    rss_bytes: Annotated[int | None, column("resident memory (smaps: Rss)", unit="bytes")] = None
    pss_bytes: Annotated[int | None, column("proportional resident memory (Pss)", unit="bytes")] = None
    private_bytes: Annotated[
        int | None, column("private resident memory (Private_Clean + Private_Dirty)", unit="bytes")
    ] = None
    huge_bytes: Annotated[int | None, column("anonymous memory in huge pages (AnonHugePages)", unit="bytes")] = None
    copied_bytes: Annotated[
        int | None,
        column("resident memory of mappings that hold private pages, without huge pages: fork copies it", unit="bytes"),
    ] = None
    copied_file_bytes: Annotated[
        int | None, column("of copied_bytes: pages of files that were not written", unit="bytes")
    ] = None
    shared_bytes: Annotated[int | None, column("resident memory of shared mappings", unit="bytes")] = None
    file_bytes: Annotated[
        int | None, column("resident memory of private mappings of files without private pages", unit="bytes")
    ] = None
    unforked_bytes: Annotated[
        int | None, column("resident memory that children do not get (MADV_DONTFORK)", unit="bytes")
    ] = None
    swapped_bytes: Annotated[int | None, column("private memory in swap", unit="bytes")] = None
    virtual_bytes: Annotated[int | None, column("all that is mapped (Size)", unit="bytes")] = None
    env_bytes: Annotated[int | None, column("environment, as the process tells it", unit="bytes")] = None
    pte_bytes: Annotated[int | None, column("page tables (status: VmPTE)", unit="bytes")] = None
    vmas: Annotated[int | None, column("mappings")] = None
    vmas_private: Annotated[int | None, column("mappings that hold private pages")] = None
    vmas_file: Annotated[int | None, column("private mappings of files without private pages")] = None
    vmas_unforked: Annotated[int | None, column("mappings that children do not get")] = None
    fds: Annotated[int | None, column("open file descriptors")] = None
    threads: Annotated[int | None, column("threads (status: Threads)")] = None
    cpus: Annotated[int | None, column("CPUs that it may use (status: Cpus_allowed_list)")] = None
    objects: Annotated[int | None, column("small blocks of Python's memory, halved: a list of one item has two")] = None
    hooks: Annotated[int | None, column("at-fork hooks that the scenario added")] = None
    modules: Annotated[int | None, column("entries of sys.modules")] = None
    path: Annotated[Path | None, column("as in cells.csv")] = None


class BlockRow(Row, kw_only=True, frozen=True):
    """A block: calls in a row in one subject."""

    cell: CellNumber
    round: RoundNumber
    block: BlockNumber
    order: Annotated[
        int,
        column("position of the block in its round, from 0; -1: before the schedule (warm-up)", low=-1, high=2**31 - 1),
    ]
    role: Annotated[Role, column("`mechanism`, or `control`: the C control in the same subject")]
    calls: Annotated[int, column("calls in the block, those marked as warm-up included", unit="calls")]
    start_ns: Annotated[int, column("when the block began, since the run began", unit="ns")]
    elapsed_ns: Annotated[int, column("from before the first call to after the last one", unit="ns")]
    parent_faults: Annotated[float | None, column("page faults of the parent (getrusage)", unit="faults/call")] = None
    child_faults: Annotated[float | None, column("page faults of its reaped children", unit="faults/call")] = None
    parent_user_ns: Annotated[float | None, column("user CPU time of the parent", unit="ns/call")] = None
    parent_sys_ns: Annotated[float | None, column("system CPU time of the parent", unit="ns/call")] = None
    child_user_ns: Annotated[float | None, column("user CPU time of its reaped children", unit="ns/call")] = None
    child_sys_ns: Annotated[float | None, column("system CPU time of its reaped children", unit="ns/call")] = None
    parent_switches: Annotated[float | None, column("context switches of the parent", unit="switches/call")] = None
    child_switches: Annotated[float | None, column("context switches of its reaped children", unit="switches/call")] = (
        None
    )


class SampleRow(Row, kw_only=True, frozen=True):
    """A call: one child created and reaped."""

    cell: CellNumber
    round: RoundNumber
    block: BlockNumber
    role: Annotated[Role, column("`mechanism`, or `control`: the C control in the same subject")]
    warmup: Annotated[int, column("1: the subject or its caches were not warm yet; kept, but in no summary", high=1)]
    total_ns: Annotated[int, column("from before the call until the child is reaped", unit="ns")]
    call_ns: Annotated[
        int | None,
        column(
            "from before the call until the creating API returns; work `first_write`: the write or read "
            "after the fork, alone; empty: imported, not known",
            unit="ns",
        ),
    ] = None
    ready_ns: Annotated[
        int | None,
        column(
            "from before the call until the child's first user instruction; "
            "empty: it told nothing (most tell with `phases=told`)",
            unit="ns",
        ),
    ] = None


class SummaryRow(CellRow, kw_only=True, frozen=True):
    """A cell, derived from the files above."""

    rounds: Annotated[int, column("complete rounds that hold calls of this cell")]
    calls: Annotated[int, column("warm calls of the mechanism", unit="calls")]
    errors: Annotated[int, column("subjects of this cell that ended in an error")]
    min_ns: Annotated[int | None, column("smallest total_ns", unit="ns")] = None
    p50_ns: Annotated[int | None, column("median over rounds of each round's median total_ns", unit="ns")] = None
    p90_ns: Annotated[int | None, column("90th percentile of total_ns over all calls", unit="ns")] = None
    p99_ns: Annotated[int | None, column("99th percentile; empty: too few calls", unit="ns")] = None
    p999_ns: Annotated[int | None, column("99.9th percentile; empty: too few calls", unit="ns")] = None
    p50_lo_ns: Annotated[int | None, column("lower end of the 95 % interval of p50_ns", unit="ns")] = None
    p50_hi_ns: Annotated[int | None, column("upper end of it", unit="ns")] = None
    p99_lo_ns: Annotated[int | None, column("lower end of the 95 % interval of p99_ns", unit="ns")] = None
    p99_hi_ns: Annotated[int | None, column("upper end of it", unit="ns")] = None
    call_p50_ns: Annotated[int | None, column("as p50_ns, of call_ns: what the parent is blocked for", unit="ns")] = (
        None
    )
    call_p50_lo_ns: Annotated[int | None, column("lower end of the 95 % interval of call_p50_ns", unit="ns")] = None
    call_p50_hi_ns: Annotated[int | None, column("upper end of it", unit="ns")] = None
    ready_p50_ns: Annotated[int | None, column("as p50_ns, of ready_ns", unit="ns")] = None
    rel_p50: Annotated[
        float | None, column("relative latency: median over rounds of mechanism / control", unit="1")
    ] = None
    rel_lo: Annotated[float | None, column("lower end of its 95 % interval", unit="1")] = None
    rel_hi: Annotated[float | None, column("upper end of it", unit="1")] = None
    parent_faults: Annotated[
        float | None, column("page faults of the parent, median over rounds", unit="faults/call")
    ] = None
    child_faults: Annotated[
        float | None, column("page faults of the children, median over rounds", unit="faults/call")
    ] = None
    per_second: Annotated[
        float | None,
        column(
            "calls of all subjects together a second, calls / elapsed_ns over the blocks of a round, median over "
            "rounds; empty where `subjects` is",
            unit="calls/s",
        ),
    ] = None
    per_second_lo: Annotated[float | None, column("lower end of its 95 % interval", unit="calls/s")] = None
    per_second_hi: Annotated[float | None, column("upper end of it", unit="calls/s")] = None
