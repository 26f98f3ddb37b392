"""Turns a finished run into its summary as JSON on standard output, made by `analysis` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def print_summary(directory: Path) -> int:
    """Print what `python -m analysis summary RUN --format json` prints, and return its exit status."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-m", "analysis", "summary", str(directory), "--format", "json"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}).returncode
