"""Turns what a job left in its directory into the archive of a run, and into one line where something is wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import signal
import tarfile
from pathlib import Path
from typing import Any

_OF_A_RUN = re.compile(r"run\.json|(?:interrupted/)?[a-z_]+\.csv(?:\.gz)?")
_PROGRESS = re.compile(r"(?:calibration|round (\d+)), (\d+) s left")
# What a run says of itself where it was interrupted, which tells nothing of the reason.
_NO_REASON = ("interrupted; ", "go on with it: ")
_COUNTED = "each with its reason"
_TAIL_BYTES = 8192
_MOST_TEXT = 500


def result(job: Path, state: dict[str, Any]) -> dict[str, Any]:
    """The fields of `Outcome` that the end of the job decides."""
    why = state.get("why") or _exit_in_words(state.get("status"), job)
    seconds = float(state.get("seconds", 0.0))
    run = run_directory(job)
    if run is None or not _has_blocks(run):
        return {"ending": "failed", "error": why or "it measured nothing", "seconds": seconds}
    archive = pack_run(run)
    found: dict[str, Any] = {"run": run.name, "archive": archive, "digest": hashlib.sha256(archive).hexdigest()}
    if _document(run).get("status") == "complete":
        return {"ending": "complete", "seconds": seconds, **found}
    return {"ending": "partial", "error": why or "the run is not complete", "seconds": seconds, **found}


def pack_run(run: Path) -> bytes:
    """A tar of the files that `bench` writes into a run, without times and owners; calls are gzipped if they are not.

    The plain file of calls wins: beside it, a compressed one is what an interrupted compression left.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(run.rglob("*")):
            name = path.relative_to(run).as_posix()
            if path.is_symlink() or not path.is_file() or not _OF_A_RUN.fullmatch(name):
                continue
            if name == "samples.csv.gz" and (run / "samples.csv").exists():
                continue
            content = path.read_bytes()
            if name == "samples.csv":
                # The reader forgives half a line at the end of a plain file alone: killed runs leave one.
                name, content = "samples.csv.gz", gzip.compress(content[: content.rfind(b"\n") + 1], 6, mtime=0)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def run_directory(job: Path) -> Path | None:
    """The directory of the run that the job has begun."""
    return next((file.parent for file in sorted((job / "results").glob("*/*/run.json"))), None)


def subject_cpu(job: Path) -> int | None:
    """The CPU that subjects are pinned to; None: nothing is measured yet, or nothing is pinned."""
    run = run_directory(job)
    cpu = _document(run).get("cpus", {}).get("subject") if run else None
    return cpu if isinstance(cpu, int) else None


def progress(job: Path, state: str) -> dict[str, Any]:
    """Where the run is, from the last line that it said: `state`, `round` (0: calibration), `left_s`, `text`."""
    lines = messages(job) if state != "starting" else []
    text = lines[-1] if lines else ""
    found = {"job": job.name, "state": state, "round": 0, "left_s": 0.0, "text": text}
    if state == "measuring" and text.startswith("waiting: "):
        return found | {"state": "waiting"}
    if said := next((match for line in reversed(lines) if (match := _PROGRESS.match(line))), None):
        found |= {"round": int(said[1] or 0), "left_s": float(said[2])}
    return found


def messages(job: Path) -> list[str]:
    """The last lines that the run and its process said."""
    try:
        with open(job / "messages", "rb") as stream:
            stream.seek(max(0, (job / "messages").stat().st_size - _TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except OSError:
        return []
    return [line.strip()[:_MOST_TEXT] for line in text.splitlines() if line.strip()]


def last_reason(job: Path) -> str:
    """The last line that is neither progress nor how to go on; of a run that lacks a cell, the last error of one."""
    told = [line for line in messages(job) if not _PROGRESS.match(line) and not line.startswith(_NO_REASON)]
    errors = [line for line in told if line.startswith("error: ") and not line.endswith(_COUNTED)]
    said = errors if errors and told[-1].startswith("WARNING: ") else told
    return said[-1] if said else ""


def _exit_in_words(status: object, job: Path) -> str:
    if isinstance(status, int) and status < 0:
        hint = "; is memory short (dmesg)?" if -status == signal.SIGKILL else ""
        return f"the run was ended by {signal.Signals(-status).name}{hint}"
    silent = f"the run ended with status {status} and said nothing; is the disk full at {job}?"
    return (last_reason(job) or silent) if status else ""


def _has_blocks(run: Path) -> bool:
    try:
        return (run / "blocks.csv").read_bytes().count(b"\n") > 1
    except OSError:
        return False


def _document(run: Path) -> dict[str, Any]:
    try:
        document = json.loads((run / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
