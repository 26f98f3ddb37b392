"""The files of a run as data: every table, its columns, their types, units and meaning.

The writer (`bench.files.store`), the readers (`analysis.read.run`) and the column dictionary
(`results/README.md`) all follow this one list. Standard library only, so that either
side can import it without paying for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1

MECHANISM = "mechanism"
CONTROL = "control"
ROLES = (MECHANISM, CONTROL)

# The mechanisms that most answers rest on, in the order in which they are shown.
CORE = ("os_fork", "posix_spawn", "subprocess_run", "mp_forkserver", "mp_spawn")

OK = "ok"
ERROR = "error"

COMPLETE = "complete"
PARTIAL = "partial"

RUN_FILE = "run.json"


@dataclass(frozen=True)
class Column:
    """One column: `kind` is ``int``, ``float`` or ``str``; an optional one may be empty."""

    name: str
    kind: str
    unit: str
    meaning: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """One CSV file of a run; `row` says what one row is."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """The file's name inside the run's directory, before any compression."""
        return f"{self.name}.csv"

    @property
    def header(self) -> tuple[str, ...]:
        """The column names in file order."""
        return tuple(column.name for column in self.columns)


_CELL = Column("cell", "int", "", "number of the cell, the key into cells.csv")
_ROUND = Column("round", "int", "", "number of the round, from 0")
_BLOCK = Column("block", "int", "", "number of the block within round, cell and role, from 0; -1: the warm-up")
_ROLE = Column("role", "str", "", "`mechanism`, or `control`: the C control in the same subject")

CELLS = Table(
    "cells",
    "a cell",
    (
        _CELL,
        Column("python", "str", "", "label of the interpreter, the key into `pythons` of run.json"),
        Column("mechanism", "str", "", "the way to create and reap a child"),
        Column("work", "str", "", "what the child does; only rows of one work are ranked together"),
        Column("scenario", "str", "", "which state of the parent or its surroundings is varied"),
        Column("level", "str", "", "the level asked for; the verified dose is in subjects.csv"),
        Column("unit", "str", "", "unit of the level, empty where it is a name", optional=True),
        Column("control", "str", "", "the C control measured beside it, empty where there is none", optional=True),
        Column("block_calls", "int", "calls", "calls in a block of the mechanism, calibrated once"),
        Column("control_calls", "int", "calls", "calls in a block of the control; 0: no control"),
        Column("blocks", "int", "", "pairs of blocks (mechanism and control) a round"),
        Column(
            "path",
            "str",
            "",
            "the system call family that the mechanism was seen to use: `fork`, `vfork`, `posix_spawn`, "
            "`thread`, `none`; empty: not observable here",
            optional=True,
        ),
    ),
)

SUBJECTS = Table(
    "subjects",
    "a subject: one fresh interpreter process, the measured parent of one cell in one round",
    (
        _ROUND,
        _CELL,
        Column("status", "str", "", "`ok` or `error`"),
        Column("error", "str", "", "what went wrong, in one line", optional=True),
        Column("start_ns", "int", "ns", "when it was started, since the run began"),
        Column("setup_ns", "int", "ns", "from its start to the end of its warm-up", optional=True),
        Column("rss_bytes", "int", "bytes", "resident memory (smaps_rollup: Rss)", optional=True),
        Column("pss_bytes", "int", "bytes", "proportional resident memory (Pss)", optional=True),
        Column(
            "private_bytes", "int", "bytes", "private resident memory (Private_Clean + Private_Dirty)", optional=True
        ),
        Column("huge_bytes", "int", "bytes", "anonymous memory in huge pages (AnonHugePages)", optional=True),
        Column("pte_bytes", "int", "bytes", "page tables (status: VmPTE)", optional=True),
        Column("vmas", "int", "", "mappings (lines of /proc/PID/maps)", optional=True),
        Column("fds", "int", "", "open file descriptors", optional=True),
        Column("threads", "int", "", "threads (status: Threads)", optional=True),
        Column("cpus", "int", "", "CPUs that it may use (status: Cpus_allowed_list)", optional=True),
        Column("modules", "int", "", "entries of sys.modules", optional=True),
        Column("path", "str", "", "as in cells.csv", optional=True),
    ),
)

BLOCKS = Table(
    "blocks",
    "a block: calls in a row in one subject",
    (
        _CELL,
        _ROUND,
        _BLOCK,
        Column("order", "int", "", "position of the block in its round, from 0; -1: before the schedule (warm-up)"),
        _ROLE,
        Column("calls", "int", "calls", "calls in the block, those marked as warm-up included"),
        Column("start_ns", "int", "ns", "when the block began, since the run began"),
        Column("elapsed_ns", "int", "ns", "from before the first call to after the last one"),
        Column("parent_faults", "float", "faults/call", "page faults of the parent (getrusage)", optional=True),
        Column("child_faults", "float", "faults/call", "page faults of its reaped children", optional=True),
        Column("parent_user_ns", "float", "ns/call", "user CPU time of the parent", optional=True),
        Column("parent_sys_ns", "float", "ns/call", "system CPU time of the parent", optional=True),
        Column("child_user_ns", "float", "ns/call", "user CPU time of its reaped children", optional=True),
        Column("child_sys_ns", "float", "ns/call", "system CPU time of its reaped children", optional=True),
        Column("parent_switches", "float", "switches/call", "context switches of the parent", optional=True),
        Column("child_switches", "float", "switches/call", "context switches of its reaped children", optional=True),
    ),
)

SAMPLES = Table(
    "samples",
    "a call: one child created and reaped",
    (
        _CELL,
        _ROUND,
        _BLOCK,
        _ROLE,
        Column("warmup", "int", "", "1: the subject or its caches were not warm yet; kept, but in no summary"),
        Column("total_ns", "int", "ns", "from before the call until the child is reaped"),
        Column("call_ns", "int", "ns", "from before the call until the creating API returns"),
        Column(
            "ready_ns",
            "int",
            "ns",
            "from before the call until the child's first user instruction; empty: the mechanism cannot tell",
            optional=True,
        ),
    ),
)

SUMMARY = Table(
    "summary",
    "a cell, derived from the files above",
    (
        *CELLS.columns,
        Column("rounds", "int", "", "complete rounds that hold calls of this cell"),
        Column("calls", "int", "calls", "warm calls of the mechanism"),
        Column("errors", "int", "", "subjects of this cell that ended in an error"),
        Column("min_ns", "int", "ns", "smallest total_ns", optional=True),
        Column("p50_ns", "int", "ns", "median over rounds of each round's median total_ns", optional=True),
        Column("p90_ns", "int", "ns", "90th percentile of total_ns over all calls", optional=True),
        Column("p99_ns", "int", "ns", "99th percentile; empty: too few calls", optional=True),
        Column("p999_ns", "int", "ns", "99.9th percentile; empty: too few calls", optional=True),
        Column("p50_lo_ns", "int", "ns", "lower end of the 95 % interval of p50_ns", optional=True),
        Column("p50_hi_ns", "int", "ns", "upper end of it", optional=True),
        Column("p99_lo_ns", "int", "ns", "lower end of the 95 % interval of p99_ns", optional=True),
        Column("p99_hi_ns", "int", "ns", "upper end of it", optional=True),
        Column("call_p50_ns", "int", "ns", "as p50_ns, of call_ns: what the parent is blocked for", optional=True),
        Column("ready_p50_ns", "int", "ns", "as p50_ns, of ready_ns", optional=True),
        Column("rel_p50", "float", "1", "relative latency: median over rounds of mechanism / control", optional=True),
        Column("rel_lo", "float", "1", "lower end of its 95 % interval", optional=True),
        Column("rel_hi", "float", "1", "upper end of it", optional=True),
        Column("parent_faults", "float", "faults/call", "page faults of the parent, median over rounds", optional=True),
        Column(
            "child_faults", "float", "faults/call", "page faults of the children, median over rounds", optional=True
        ),
    ),
)

RAW_TABLES = (CELLS, SUBJECTS, BLOCKS, SAMPLES)
TABLES = (*RAW_TABLES, SUMMARY)
