"""Turns a results directory into a site; what did not change since the last time is neither read anew nor written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from analysis.errors import LoadError
from analysis.read.run import find_runs, load_run
from analysis.report import components
from analysis.report.write import FOLDER
from analysis.site import pages
from analysis.site.entries import RunEntry, entry_from, entry_of
from analysis.site.files import digest, place_name, put, read_regular
from analysis.site.run_page import downloads, make_report, page_values, run_files

MANIFEST = "site.json"


@dataclass
class Built:
    """What a build did: places that were written, runs that were left out and why."""

    written: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def build(results: Path, docs: Path, site: Path) -> Built:
    """Bring `site` up to date with `results` and the documents in `docs`. Raises `LoadError`, `OSError`."""
    stored = _manifest(site)
    built = Built()
    kept: dict[str, Any] = {}
    entries: list[RunEntry] = []
    for path in find_runs(results):
        try:
            key, entry = _run(path, site, stored, kept, built)
        except LoadError as problem:
            built.problems.append(str(problem))
            continue
        except OSError as error:
            built.problems.append(f"{path}: report cannot be made ({error.strerror}); make it with: analysis report")
            continue
        entries.append(entry)
        kept[key]["entry"] = asdict(entry)
    for place, text in pages.above(entries, _documents(docs)).items():
        _put(site, place, text, built)
    _put(site, MANIFEST, json.dumps({"runs": kept}, indent=1, sort_keys=True) + "\n", built)
    return built


def _run(path: Path, site: Path, stored: Mapping[str, Any], kept: dict[str, Any], built: Built) -> tuple[str, RunEntry]:
    """Bring the page of one run up to date; its key in the manifest and its record."""
    if path.is_symlink() or path.parent.is_symlink():
        raise LoadError(f"{path}: is a symbolic link; put the run itself there")
    machine = f"machines/{place_name(path.parent.name)}"
    place = f"{machine}/{place_name(path.name)}"
    files = run_files(path)
    if f"{FOLDER}/report.md" not in files:
        make_report(load_run(path))
        files = run_files(path)
    now = digest({**files, " program": _program()})
    known = stored.get(place)
    try:
        if known and known["digest"] == now and (site / place / "index.html").is_file():
            entry = entry_from(known["entry"])
            kept[place] = {"digest": now}
            return place, entry
    except (KeyError, TypeError):
        pass  # a manifest of another time: the page is made again
    run = load_run(path)
    entry = entry_of(run, place, machine)
    text = pages.run_page(page_values(run, entry, files))
    for name, data in downloads(entry, files).items():
        _put(site, f"{place}/{name}", data, built)
    _put(site, f"{place}/index.html", text, built)
    kept[place] = {"digest": now}
    return place, entry


def _put(site: Path, place: str, content: bytes | str, built: Built) -> None:
    if put(site, place, content):
        built.written.append(place)


def _manifest(site: Path) -> dict[str, Any]:
    """Runs of the last build by place. Raises `LoadError` for a folder that holds something else."""
    site.mkdir(parents=True, exist_ok=True)
    data = read_regular(site / MANIFEST)
    if data is None:
        if any(site.iterdir()):
            raise LoadError(f"--site {site}: holds something else than a site; name an empty or a new folder")
        put(site, MANIFEST, "{}\n")  # a build that is interrupted leaves a site, which the next one goes on with
        return {}
    try:
        stored = json.loads(data)["runs"]
        return stored if isinstance(stored, dict) else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _documents(docs: Path) -> Iterator[tuple[str, str]]:
    """Name and source of the documents that become pages."""
    for path in sorted(docs.glob("*.md")):
        data = read_regular(path)
        if data is not None:
            yield path.stem, data.decode("utf-8", "replace")


@cache
def _program() -> bytes:
    """What makes the pages: when it changes, all of them are made again."""
    here = Path(__file__).parent
    sources = sorted(path for path in here.rglob("*") if path.suffix in (".py", ".j2", ".css", ".js"))
    return b"".join(path.read_bytes() for path in [*components.sources(), *sources])
