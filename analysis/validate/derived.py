"""Turns a contributed run into what is wrong with its derived files: each is made again and compared."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from analysis import figures
from analysis.errors import LoadError, PyperfError
from analysis.exchange.pyperf_export import FILE as PYPERF_FILE
from analysis.exchange.pyperf_export import write_pyperf
from analysis.model.cost_model import fit_model
from analysis.model.model_text import to_json
from analysis.model.stored import MODEL_FILE
from analysis.read.bounded_file import DAMAGED, read_bytes
from analysis.read.run import Run
from analysis.report.write import FOLDER, context, environment
from analysis.summary.analysed_run import AnalysedRun
from analysis.summary.cells import summary_csv
from analysis.validate.finding import Findings
from bench import schema

MOST_BYTES = 64 << 20
_REMEDY = "make it again from the raw files: make report RUN=... (with this version)"
_PAGES = ("report.md", "index.html")


def check_derived(run: Run, sizes: dict[str, int], findings: Findings) -> None:
    """Add a finding for every derived file that does not follow from the raw ones; `sizes` names those that are there.

    Raw files have no findings by now: only then are they worth the work, and safe to make something of.
    """
    for name in (schema.SUMMARY.file, PYPERF_FILE, *(f"{FOLDER}/{page}" for page in _PAGES)):
        if name not in sizes:
            findings.add(name, None, "missing; make report RUN=... writes it")
    analysed = AnalysedRun(run)
    _compare(run, schema.SUMMARY.file, summary_csv(analysed.summary), sizes, findings)
    if MODEL_FILE in sizes:
        _check_model(run, sizes, findings)
    if PYPERF_FILE in sizes:
        _check_pyperf(run, findings)
    _check_report(analysed, sizes, findings)


def _compare(run: Run, name: str, made: str | bytes, sizes: dict[str, int], findings: Findings) -> None:
    """Hold a file against what it should be; the line is the first that differs."""
    if name not in sizes:
        return
    content = _content(run, name, findings)
    data = made.encode() if isinstance(made, str) else made
    if content is None or content == data:
        return
    line = None
    if isinstance(made, str):
        pairs = zip(content.split(b"\n"), data.split(b"\n"), strict=False)
        line = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 1)
    findings.add(name, line, f"does not follow from the raw files; {_REMEDY}")


def _content(run: Run, name: str, findings: Findings) -> bytes | None:
    try:
        return read_bytes(run.path / name, MOST_BYTES)
    except LoadError as error:
        findings.add_error(error, name)
    except DAMAGED as error:
        findings.add(name, None, f"cut off or damaged ({error}); {_REMEDY}")
    except OSError as error:
        findings.add(name, None, f"cannot be read ({error.strerror}); copy it again")
    return None


def _check_model(run: Run, sizes: dict[str, int], findings: Findings) -> None:
    try:
        _compare(run, MODEL_FILE, to_json(fit_model(run, None)), sizes, findings)
    except LoadError as error:
        findings.add(MODEL_FILE, None, f"no model can be made of this run ({error}); remove the file")


def _check_pyperf(run: Run, findings: Findings) -> None:
    """The content is compared, not the archive: its bytes depend on the version of zlib."""
    content = _content(run, PYPERF_FILE, findings)
    if content is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = read_bytes(write_pyperf(run, Path(folder) / PYPERF_FILE), MOST_BYTES)
            same = content == made or json.loads(content) == json.loads(made)
        except PyperfError as error:
            findings.add(PYPERF_FILE, None, f"{error}; remove the file")
            return
        except (ValueError, RecursionError):
            same = False
    if not same:
        findings.add(PYPERF_FILE, None, f"does not follow from the raw files; {_REMEDY}")


def _check_report(analysed: AnalysedRun, sizes: dict[str, int], findings: Findings) -> None:
    pictures = [figures.draw(kind, analysed) for kind in figures.kinds()]
    known = {f"{FOLDER}/{page}" for page in _PAGES}
    for picture in pictures:
        for kind, data in (("svg", picture.svg), ("png", picture.png)):
            name = f"{FOLDER}/{picture.name}.{kind}"
            if not picture.reason:
                known.add(name)
                if name not in sizes:
                    findings.add(name, None, "missing; make report RUN=... writes it")
                _compare(analysed.run, name, data, sizes, findings)
    for name in sizes:
        if name.startswith(f"{FOLDER}/") and name not in known:
            findings.add(name, None, "no figure of this run; remove it")
    shown = context(analysed, pictures)
    for page in _PAGES:
        made = environment().get_template(f"{page}.j2").render(shown)
        _compare(analysed.run, f"{FOLDER}/{page}", made, sizes, findings)
