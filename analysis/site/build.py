"""Turns a results directory into a site; what did not change since the last time is neither read anew nor written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import msgspec

from analysis.errors import LoadError
from analysis.read.run import find_runs, load_run
from analysis.site import pages
from analysis.site.documents import sources
from analysis.site.entries import RunEntry, entry_from, entry_of, entry_to
from analysis.site.files import digest, place_name, put
from analysis.site.machine_page import trends
from analysis.site.manifest import Made, Manifest, read_manifest, remove
from analysis.site.run_page import possible_files, run_digest, run_files, run_page

ABOVE, COMPARISON = "", "compare"
_PROGRAM = (".py", ".j2", ".css", ".js")


@dataclass
class Built:
    """What a build did: places that were written or taken away, runs that were left out and why."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def build(results: Path, docs: Path, site: Path, redraw: bool = False) -> Built:
    """Bring `site` up to date with `results` and the documents in `docs`. Raises `LoadError`, `OSError`.

    With `redraw` all reports are made from the raw files, and none is taken from a run.
    """
    return _Build(results, docs, site, redraw).run()


class _Build:
    """One build: the record of the last one, and that of this one as far as it is."""

    def __init__(self, results: Path, docs: Path, site: Path, redraw: bool) -> None:
        self.results, self.folder, self.redraw = results, site, redraw
        self.before = read_manifest(site)
        self.now = Manifest(dict(self.before.made))
        self.site = pages.Site(site, list(sources(docs)))
        self.built = Built()
        self.entries: dict[str, RunEntry] = {}
        self.paths = {_place_of(path): path for path in find_runs(results)}
        self.journal = False

    def run(self) -> Built:
        """Make what is not there yet, take away what is no longer, and keep the record even when interrupted."""
        try:
            for place, path in self.paths.items():
                try:
                    self._run(place, path)
                except LoadError as problem:
                    self.built.problems.append(str(problem))
            machines = pages.by_machine(list(self.entries.values()))
            for place, runs in machines.items():
                self._machine(place, runs)
            self._above(machines)
            self._take_away({*self.entries, *machines, ABOVE, COMPARISON})
        finally:
            self._settle()
        return self.built

    def _run(self, place: str, path: Path) -> None:
        """Bring the page of one run up to date."""
        if path.is_symlink() or path.parent.is_symlink():
            raise LoadError(f"{path}: is a symbolic link; put the run itself there")
        now = self._digest({"files": run_digest(path).encode()})
        if self.before.is_whole(self.folder, place, now):
            try:
                self.entries[place] = entry_from(self.before.made[place].about)
                return
            except msgspec.ValidationError:
                pass  # a record of another time: the page is made again
        run, files = load_run(path), run_files(path)
        page = run_page(run, files, place.rpartition("/")[2], self.redraw)
        entry = entry_of(run, page.summary, place, page.values)
        text = self.site.page("run", f"{place}/index.html", machine_name=run.machine, **page.values)
        self._write(place, now, {**page.downloads, "index.html": text}, entry_to(entry))
        self.entries[place] = entry

    def _machine(self, place: str, runs: list[RunEntry]) -> None:
        """Bring the page of a machine up to date, where one of its runs is another one than before."""
        now = self._digest({run.place: self.now.made[run.place].digest.encode() for run in runs})
        if self.before.is_whole(self.folder, place, now):
            return
        shown, files = trends([(run, self.paths[run.place]) for run in reversed(runs)])
        text = pages.machine_page(self.site, place, runs, shown)
        self._write(place, now, {**files, "index.html": text}, {})

    def _above(self, machines: Mapping[str, list[RunEntry]]) -> None:
        """Bring the pages above machines up to date; that with a figure only where its cells are others."""
        cells = pages.compared(machines)
        now = self._digest(
            {"cells": json.dumps([[run.place, run.machine, asdict(cell)] for run, cell in cells]).encode()}
        )
        if not self.before.is_whole(self.folder, COMPARISON, now):
            self._write(COMPARISON, now, pages.compare_page(self.site, cells), {}, inside="")
        runs = {place: self.now.made[place].digest.encode() for place in self.entries}
        now = self._digest(runs | {source.place: source.text.encode() for source in self.site.documents})
        if self.before.is_whole(self.folder, ABOVE, now):
            return
        made: dict[str, bytes | str] = {"index.html": pages.front_page(self.site, machines)}
        for source in self.site.documents:
            made[f"{source.name}.html"] = pages.document_page(self.site, source, self.entries)
        self._write(ABOVE, now, made, {}, inside="")

    def _write(
        self,
        place: str,
        now: str,
        content: Mapping[str, bytes | str],
        about: dict[str, object],
        inside: str | None = None,
    ) -> None:
        """Put the files of `place` there, take away those that it had besides, and note it as done.

        They lie in the folder `place`, or in `inside`. The page itself comes last.
        """
        folder = f"{place}/" if inside is None else inside
        names = [f"{folder}{name}" for name in content]
        if not self.journal and inside is None:
            self._expect()
        known = self.now.made.get(place, Made())
        self.now.made[place] = Made("", sorted({*known.files, *names}), {})
        for name, data in zip(names, content.values(), strict=True):
            if put(self.folder, name, data):
                self.built.written.append(name)
        self.built.removed += remove(self.folder, set(known.files) - set(names))
        self.now.made[place] = Made(now, sorted(names), about)

    def _expect(self) -> None:
        """Write down what may come, once and before anything else is written."""
        self.journal = True
        coming = {place: [f"{place}/{name}" for name in possible_files()] for place in self.paths}
        for place in list(coming):
            machine = place.rpartition("/")[0]
            coming[machine] = [f"{machine}/{name}" for name in ("index.html", "trend.csv", "trend.svg", "trend.png")]
        self.now.expect(self.folder, coming)

    def _take_away(self, there: set[str]) -> None:
        """Remove the pages of what is no longer under results/."""
        for place in sorted(set(self.now.made) - there):
            self.built.removed += remove(self.folder, self.now.made[place].files)
            del self.now.made[place]

    def _settle(self) -> None:
        """Write the record of what is done, and of what was begun."""
        self.now.write(self.folder)

    def _digest(self, files: Mapping[str, bytes]) -> str:
        names = json.dumps([[source.name, source.link_text] for source in self.site.documents])
        settings = f"{self.redraw} {names}".encode()
        return digest({**files, " program": _program(), " settings": settings})


def _place_of(run: Path) -> str:
    return f"machines/{place_name(run.parent.name)}/{place_name(run.name)}"


@cache
def _program() -> bytes:
    """What makes the pages: when a line of it changes, all of them are made again."""
    root = Path(__file__).parents[2]
    folders = (root / "analysis", root / "bench" / "schema")
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _PROGRAM)
    return digest({str(path.relative_to(root)): path.read_bytes() for path in found}).encode()
