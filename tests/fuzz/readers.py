"""Turns a number into one input for a reader, and what the reader does with it into a word."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from analysis.errors import LoadError, PyperfError
from analysis.exchange.pyperf_export import import_pyperf, write_pyperf
from analysis.read.run import load_run, read_document
from analysis.read.table import read_table
from bench import schema
from tests.fake_run import CHECK, FakeCell, FakeRun, write_run
from tests.fuzz.mutate import mutate_bytes, mutate_csv, mutate_json

LOADED, REFUSED = "loaded", "refused"
# Longer than any reason with its path; what is longer repeats the input.
_LONGEST_REFUSAL = 2000
_MORE = {
    "certificate": {"checks": [CHECK], "passed": True},
    "unavailable": [{"python": "3.11.7", "mechanism": "m", "scenario": "s", "level": "l", "reason": "none"}],
}
_RUN = FakeRun(
    cells=(FakeCell(calls=2, blocks=1, failing_rounds=(1,)), FakeCell("noop", control="", calls=2, blocks=1)),
    rounds=2,
    document=_MORE,
)
_PYPERF = {
    "version": "1.0",
    "metadata": {"cpu_count": 4, "cpu_model_name": "Example", "python_version": "3.12.1 (64-bit)", "unit": "second"},
    "benchmarks": [
        {
            "metadata": {"name": name, "loops": loops, "inner_loops": 2, "tags": ["a"]},
            "runs": [
                {"warmups": [[1, 0.5]], "metadata": {"calibrate_loops": 1, "date": "2026-01-02 03:04:01"}},
                {"values": [0.25, 0.5], "warmups": [[1, 1.5]], "metadata": {"date": "2026-01-02 03:04:05.5"}},
                {"values": [0.25, 1e-7], "metadata": {"date": "2026-01-02 03:04:09", "duration": 1.5}},
            ],
        }
        for name, loops in (("json", 1), ("pickle", 8))
    ],
}


class Reader:
    """One reader with its valid files, in a `folder` of its own; `expected` is the one error it may raise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = write_run(folder / "results", _RUN)

    def contents(self) -> Mapping[str, bytes]:
        """The valid files by name."""
        raise NotImplementedError

    def read(self, file: str, content: bytes) -> None:
        """Read `content` in the place of `file`."""
        raise NotImplementedError

    structure: Callable[[Random, bytes], bytes]
    expected: type[Exception] = LoadError

    def make(self, seed: int, number: int) -> tuple[str, bytes]:
        """File and content of one input; the same numbers give the same one."""
        dice = Random(f"{seed} {number}")
        file, content = dice.choice(sorted(self.contents().items()))
        packed = file.endswith(".gz")
        change = mutate_bytes if dice.random() < 0.4 else type(self).structure
        if packed and dice.random() < 0.3:
            return file, mutate_bytes(dice, content)
        changed = change(dice, gzip.decompress(content) if packed else content)
        return file, gzip.compress(changed, 1) if packed else changed

    def outcome(self, seed: int, number: int) -> str:
        """`LOADED`, `REFUSED`, or what is wrong with how the reader ended."""
        file, content = self.make(seed, number)
        try:
            self.read(file, content)
        except self.expected as error:
            said = str(error)
            if "\n" in said or len(said) > _LONGEST_REFUSAL or len(said.splitlines()) != 1:
                return f"refused in other than one short line: {said[:_LONGEST_REFUSAL]!r}"
            return REFUSED
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:_LONGEST_REFUSAL]!r}"
        return LOADED


class DocumentReader(Reader):
    """run.json."""

    structure = staticmethod(mutate_json)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._contents = {schema.RUN_FILE: (self.run / schema.RUN_FILE).read_bytes()}

    def contents(self) -> Mapping[str, bytes]:
        """run.json with every key."""
        return self._contents

    def read(self, file: str, content: bytes) -> None:
        """Read it, and write what was read: it must be possible, and give the same document."""
        (self.run / file).write_bytes(content)
        document = read_document(self.run)
        assert schema.parse(schema.dump(document)) == document


class CsvReader(Reader):
    """The four tables, calls compressed and not."""

    structure = staticmethod(mutate_csv)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._document = read_document(self.run)
        self._cells = set(load_run(self.run).cells["cell"])
        self._tables = {table.file: table for table in schema.RAW_TABLES}
        self._contents = {path.name: path.read_bytes() for path in self.run.glob("*.csv*")}
        self._contents["samples.csv"] = gzip.decompress(self._contents["samples.csv.gz"])

    def contents(self) -> Mapping[str, bytes]:
        """Every table, the one of calls twice."""
        return self._contents

    def read(self, file: str, content: bytes) -> None:
        """Read the table in a folder where there is no other one."""
        folder = self.folder / "table"
        folder.mkdir(exist_ok=True)
        (folder / file).write_bytes(content)
        table = self._tables[file.removesuffix(".gz")]
        try:
            read_table(folder, table, self._document, None if table is schema.CELLS else self._cells)
        finally:
            (folder / file).unlink()


class PyperfReader(Reader):
    """Results of pyperf, and runs as they are exported for it."""

    structure = staticmethod(mutate_json)
    expected = PyperfError

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        packed = write_pyperf(load_run(self.run), folder / "export.json.gz").read_bytes()
        self._contents = {
            "result.json": json.dumps(_PYPERF).encode(),
            "export.json": gzip.decompress(packed),
            "export.json.gz": packed,
        }

    def contents(self) -> Mapping[str, bytes]:
        """A result that pyperf measured, and an exported run, compressed and not."""
        return self._contents

    def read(self, file: str, content: bytes) -> None:
        """Import it; a run that comes of it must be one, and a refusal must leave nothing."""
        (self.folder / file).write_bytes(content)
        results = self.folder / "imported"
        try:
            _ = load_run(import_pyperf(self.folder / file, results)).samples
        except PyperfError:
            assert not results.exists(), "a refused import left something"
            raise
        finally:
            shutil.rmtree(results, ignore_errors=True)


READERS: Mapping[str, Callable[[Path], Reader]] = {
    "csv": CsvReader,
    "document": DocumentReader,
    "pyperf": PyperfReader,
}
