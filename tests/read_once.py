"""Turns runs whose files were read before, wherever they lay, into what was read of them then.

Tests of what is made of runs write the same few runs again and again, and reading one takes longer than all else in
most of them. What is remembered goes by every byte of the files. Tests of reading and of summing up remember nothing.
"""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from analysis.errors import LoadError
from analysis.read import run as reading
from analysis.read.run import Run
from analysis.stats import rounds
from analysis.summary import cells
from bench import schema

FILES = (schema.RUN_FILE, *(table.file for table in schema.RAW_TABLES), f"{schema.SAMPLES.file}.gz")
TABLES = ("cells", "subjects", "blocks")
MOST_BYTES = 1 << 20
MOST_KNOWN = 64
_CONTENT = "content of the files"


class Known:
    """The last things that were made, by what they were made of."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made of `key`, made now where it is new; what `make` raises is not remembered."""
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > MOST_KNOWN:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]


def _content(directory: Path) -> bytes | None:
    """What the files of a run hold, as one number; ``None`` where one cannot be read, or is large."""
    found = hashlib.sha256()
    try:
        for path in (directory / name for name in FILES):
            if path.is_file():
                if path.stat().st_size > MOST_BYTES:
                    return None
                found.update(f"\0{path.name}\0".encode() + path.read_bytes())
    except OSError:
        return None
    return found.digest()


def _reading(load: Callable[[Path | str], Run], known: Known) -> Callable[[Path | str], Run]:
    def load_run(path: Path | str) -> Run:
        directory = Path(path).parent if Path(path).name == schema.RUN_FILE else Path(path)
        content = _content(directory)
        if content is None:
            return load(path)
        try:
            first: Run = known.get(content, lambda: _whole(load(path)))
        except LoadError:
            return load(path)
        # What changes such a copy leaves the first as it is: pandas copies on writing.
        tables = {name: getattr(first, name).copy(deep=False) for name in TABLES}
        again: Run = replace(first, path=directory, document=deepcopy(first.document), **tables)
        vars(again).update({"samples": first.samples.copy(deep=False), _CONTENT: content})
        return again

    return load_run


def _whole(run: Run) -> Run:
    """The run with its calls, which are read when they are first asked for."""
    _ = run.samples
    return run


def _making(make: Callable[..., pd.DataFrame], known: Known) -> Callable[..., pd.DataFrame]:
    """`make`, whose first argument is a run, and whose others are what the same run gives."""

    def made(run: Run, *others: Any) -> pd.DataFrame:
        content = vars(run).get(_CONTENT)
        if content is None:
            return make(run, *others)
        frame: pd.DataFrame = known.get((make.__name__, content), lambda: make(run, *others))
        return frame.copy(deep=False)

    return made


_replaced: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = [
    ("load_run", reading.load_run, _reading(reading.load_run, Known())),
    *(
        (make.__name__, make, _making(make, Known()))
        for make in (rounds.warm_calls, rounds.round_table, cells.summarise)
    ),
]


@contextmanager
def read_once() -> Iterator[None]:
    """Let every module of the analysis that is loaded, and of its tests, read a run once."""
    modules = [module for name, module in sys.modules.items() if name.startswith(("analysis.", "tests.analysis."))]
    patches = [
        patch.object(module, name, once)
        for name, function, once in _replaced
        for module in modules
        if vars(module).get(name) is function
    ]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()
