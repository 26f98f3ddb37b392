"""Turns runs into a site and a report in a folder, and the site into one that a server has below a path."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from analysis.read.run import find_runs, load_run
from analysis.report.write import write_report
from analysis.site.build import build
from analysis.site.command import DOCS
from analysis.summary.analysed_run import AnalysedRun
from tests import ROOT
from tests.fake_run import FakeRun, write_run

PROJECT = "forkbench"


@dataclass(frozen=True)
class Built:
    """The report of a run, and a site: `folder` holds the site as ``forkbench``, as a server of projects does."""

    report: Path
    folder: Path
    run: str
    machine: str
    document: str

    @property
    def site(self) -> Path:
        """The folder of the site."""
        return self.folder / PROJECT

    def places(self) -> dict[str, str]:
        """One place in the site of each kind of page."""
        return {
            "front page": "index.html",
            "machine": f"{self.machine}/index.html",
            "run": f"{self.run}/index.html",
            "comparison": "compare.html",
            "document": self.document,
        }


def make(folder: Path) -> Built:
    """Write a fake run with its report, and a site of it, of an older run beside it and of a committed one."""
    results, site = folder / "results", folder / PROJECT
    fake = FakeRun()
    newest = write_run(results, fake)
    report = write_report(AnalysedRun(load_run(newest)))
    older = write_run(results, FakeRun(rounds=6, run="20261120T040000Z-older"))
    shutil.copytree(report.parent, older / "report")  # to draw its figures too takes long and shows nothing new
    real = find_runs(ROOT / "results")[0]
    shutil.copytree(real, results / real.parent.name / real.name)
    built = build(results, DOCS, site)
    assert not built.problems, built.problems
    machine = f"machines/{fake.machine}"
    return Built(report, folder, f"{machine}/{newest.name}", machine, "method.html")


class _Silent(SimpleHTTPRequestHandler):
    """Serves files and writes no line about it."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: what was asked for is seen in the browser."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of `folder` on this machine, for as long as the context lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
