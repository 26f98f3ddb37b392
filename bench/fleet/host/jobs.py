"""Turns a job that is asked for into its outcome: starts its process, or finds it, and sleeps until it ends."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.fleet.host import packing, sent_files
from bench.fleet.host.environment import interpreter, problem
from bench.fleet.host.identity import describe
from bench.fleet.host.places import HostError, is_held, job_folder, no_room, own_environment, state_of, suite_folder
from bench.fleet.host.quiet import aside

_POLL_S = 2.0
# A process that ends without a word was killed; so often it is started again.
_MOST_STARTS = 3


def measure(job: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """See to it that the job is done, and return the fields of its `Outcome`. It blocks, and raises nothing of the job.

    `job` has the fields of `Job`. `say` gets every two seconds `job`, `state` (``starting``, ``waiting`` for another
    job, ``measuring``, ``sending``), `round` (0: calibration), `left_s` and `text`, the last line of the run.
    """
    outcome = {"job": job["id"], "host": describe()["identity"], "ending": "failed", "error": "", "run": ""}
    outcome |= {"archive": b"", "digest": "", "seconds": 0.0}
    try:
        folder = job_folder(job["id"])
        folder.mkdir(parents=True, exist_ok=True)
        state = _see_to_it(job, folder, say)
        say(packing.progress(folder, "sending"))
        return outcome | packing.result(folder, state)
    except HostError as error:
        return outcome | {"error": str(error)}
    except OSError as error:
        return outcome | {"error": no_room(error)}


def stop(job_ids: list[str]) -> list[str]:
    """End these jobs, begun or not, and return at once those that run: they end within seconds."""
    running = []
    for folder in map(job_folder, job_ids):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "stop").touch()
            if is_held(folder / "running"):
                running.append(folder.name)
                _wake(folder)
    return running


def forget(job_ids: list[str]) -> None:
    """Remove the directories of these jobs, but not that of one that runs."""
    for folder in map(job_folder, job_ids):
        if not is_held(folder / "running"):
            shutil.rmtree(folder, ignore_errors=True)


def _see_to_it(job: dict[str, Any], folder: Path, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Start the process of the job where there is none, wait for its end, and return its last state."""
    process: subprocess.Popen[bytes] | None = None
    starts = 0
    with aside() as threads:
        while (state := state_of(folder)).get("state") != "ended":
            if not _runs(folder, process) and state_of(folder).get("state") != "ended":
                if starts == _MOST_STARTS:
                    raise HostError(packing.last_reason(folder) or f"{folder}: its process ended without a word")
                starts += 1
                process = _start(job, folder, threads.all_cpus)
            (folder / "lease").touch()
            if state.get("state") == "measuring":
                threads.leave(packing.subject_cpu(folder))
            say(packing.progress(folder, state.get("state", "starting")))
            _sleep_until_end(process.pid if process and process.returncode is None else state.get("pid"))
    if process:
        process.wait()
    return state


def _runs(folder: Path, process: subprocess.Popen[bytes] | None) -> bool:
    """Whether the job has a process: one that was just started here, or any that holds its lock."""
    return (process is not None and process.poll() is None) or is_held(folder / "running")


def _start(job: dict[str, Any], folder: Path, cpus: list[int]) -> subprocess.Popen[bytes]:
    """Start the process of the job in a session of its own; it is no fork of this process (vfork)."""
    if (folder / "stop").exists() and not (folder / "state").exists():
        raise HostError("stopped before it began")
    if wrong := problem(job["suite"]):
        raise HostError(f"{suite_folder(job['suite'])}: {wrong}; set it up again")
    ready = interpreter(job["suite"])
    sent_files.write(job.get("files", ()), folder)
    words = sent_files.named(job["words"], folder, suite_folder(job["suite"]))
    about = {**job, "files": [], "words": words, "cpus": cpus, "python": ready["version"]}
    beside = folder / "job.json.new"
    beside.write_text(json.dumps(about), encoding="utf-8")
    beside.rename(folder / "job.json")
    (folder / "lease").touch()
    with open(folder / "messages", "ab") as messages:
        return subprocess.Popen(
            [ready["python"], "-m", "bench.fleet.job", str(folder)],
            cwd=suite_folder(job["suite"]),
            env=own_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            start_new_session=True,
        )


def _wake(folder: Path) -> None:
    """Signal the process of the job, which ends the run; if it was killed, interrupt the run itself.

    Another host that shares the directory has other processes: its own looks at the directory every few seconds.
    """
    state = state_of(folder)
    for name in ("pid", "run"):
        pid = state.get(name)
        with suppress(OSError):
            if pid and str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                return


def _sleep_until_end(pid: int | None) -> None:
    """Sleep for `_POLL_S`, or until the process ends; without waking up in between."""
    try:
        ends = os.pidfd_open(pid or 0)
    except (AttributeError, OSError):  # not Linux; it has just ended, or is one of another host
        time.sleep(min(_POLL_S, 1.0))
        return
    try:
        poll = select.poll()
        poll.register(ends, select.POLLIN)
        poll.poll(_POLL_S * 1000)
    finally:
        os.close(ends)
