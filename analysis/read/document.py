"""Turns run.json of a directory into the checked document, without what reading tables takes to load."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import LoadError
from analysis.read.bounded_file import MOST_DOCUMENT, read_bytes
from bench import schema
from bench.schema import DocumentError, RunDocument


def read_document(directory: Path) -> RunDocument:
    """run.json in `directory`; raises `LoadError`."""
    path = directory / schema.RUN_FILE
    try:
        return schema.parse(read_bytes(path, MOST_DOCUMENT).decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        problem = "no run" if directory.exists() else "does not exist"
        raise LoadError(
            f"{directory}: {problem} (no {schema.RUN_FILE}); name a directory that `bench run` printed"
        ) from None
    except UnicodeDecodeError:
        raise LoadError(f"{path}:1: not JSON (not UTF-8 text)") from None
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror or error}); copy it again") from None
    except DocumentError as error:
        # A line number follows the file's name at once, a key after a blank.
        raise LoadError(f"{path}:{'' if str(error)[:1].isdigit() else ' '}{error}") from None
