"""Turns a command of `python -m analysis` into a process of its own: `bench` imports nothing of that program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def ask_analysis(
    *words: str, capture_output: bool = False, timeout: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m analysis WORDS`` of this checkout until it ends. Raises what `subprocess.run` does."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, "-m", "analysis", *words],
        stdin=subprocess.DEVNULL,
        capture_output=capture_output,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": path},
    )
