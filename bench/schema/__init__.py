"""The files of a run as data: every table with its columns, run.json, and the words that stand in them.

Writers, readers and the column dictionary (`results/README.md`) follow this one description. It needs only msgspec,
so that either program can import it without paying for the other.
"""

from bench.schema.column import Column
from bench.schema.read_document import DocumentError, dump, parse
from bench.schema.rows import BlockRow, CellRow, Row, SampleRow, SubjectRow, SummaryRow
from bench.schema.run_document import RUN_FILE, SCHEMA_VERSION, RunDocument
from bench.schema.tables import BLOCKS, CELLS, RAW_TABLES, SAMPLES, SUBJECTS, SUMMARY, TABLES, Table
from bench.schema.words import CORE, CheckState, Direction, Path, Role, RunStatus, SubjectStatus, Work, state_name

__all__ = [
    "BLOCKS",
    "CELLS",
    "CORE",
    "RAW_TABLES",
    "RUN_FILE",
    "SAMPLES",
    "SCHEMA_VERSION",
    "SUBJECTS",
    "SUMMARY",
    "TABLES",
    "BlockRow",
    "CellRow",
    "CheckState",
    "Column",
    "Direction",
    "DocumentError",
    "Path",
    "Role",
    "Row",
    "RunDocument",
    "RunStatus",
    "SampleRow",
    "SubjectRow",
    "SubjectStatus",
    "SummaryRow",
    "Table",
    "Work",
    "dump",
    "parse",
    "state_name",
]
