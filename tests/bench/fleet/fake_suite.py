"""Makes a suite whose `bench run` does in no time what a real one does in seconds, or what goes wrong with one."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

from bench.fleet import host
from bench.fleet.suite import Suite, pack
from tests import ROOT

_BENCH = """
import json, os, pathlib, signal, sys, time
words = sys.argv[2:]
def value(name): return words[words.index(name) + 1]
run = pathlib.Path(value("--results")) / "machine" / "20260101T000000Z"
def write(status, rows):
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"status": status, "cpus": {"subject": max(os.sched_getaffinity(0))}}))
    (run / "blocks.csv").write_text("cell\\n" + "1\\n" * rows)
    (run / "samples.csv").write_text("cell\\n" + "1\\n" * rows)
do = value("--do")
say = lambda text: print(text, file=sys.stderr, flush=True)
with open(value("--log"), "a") as log:
    log.write(f"{os.getpid()} {sorted(os.sched_getaffinity(0))}\\n")
if do == "complete":
    say("round 3, 7 s left  os_fork 123 us")
    write("complete", 3)
elif do == "refuse":
    say("bench run: --cpu 99: no such CPU")
    sys.exit(2)
elif do == "full":
    write("partial", 1)
    say("bench run: results: cannot be written (No space left on device); what was measured until then is kept there")
    say("go on with it: python -m bench run --resume run")
    sys.exit(2)
elif do == "killed":
    write("partial", 1)
    os.kill(os.getpid(), signal.SIGKILL)
elif do == "hang":
    def end(number, frame):
        say("interrupted; what was measured is kept")
        sys.exit(130)
    signal.signal(signal.SIGTERM, end)
    write("partial", 2)
    say("round 1, 99 s left  os_fork 123 us")
    while True:
        time.sleep(60)
"""
_CONTROL = """
class _Found: problem = "no C compiler found"
def find(): return _Found
def find_teller(): return _Found
"""


def fake_suite(folder: Path) -> Suite:
    """A fake suite, made in `folder` and set up on this host."""
    suite = pack(write_fake_suite(folder))
    host.set_up(suite.version, suite.archive, python=sys.executable)
    return suite


def write_fake_suite(folder: Path) -> Path:
    """Write a fake suite into `folder`, and return it; the process of a job in it is the real one."""
    for name, text in {
        "bench/__init__.py": "",
        "bench/__main__.py": _BENCH,
        "bench/machine/__init__.py": "",
        "bench/machine/control_build.py": _CONTROL,
        "bench/fleet/__init__.py": "",
        "requirements.lock": f"msgspec=={metadata.version('msgspec')} \\\n    --hash=sha256:00\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "bench" / "fleet" / "job.py", folder / "bench" / "fleet")
    return folder
