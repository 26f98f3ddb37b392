"""Turns the folder that the suite runs from into the commit that a run records."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# On a host that was sent the suite there is no git, or one of something else around the folder.
COMMIT_FILE = ".suite-commit"
"""Holds the commit where the suite is no checkout but was sent; an empty one: it was sent from no checkout."""


def suite_commit(root: Path = ROOT) -> str | None:
    """The commit of the suite under `root`, ``-dirty`` where files were changed; None: that is not known."""
    try:
        return (root / COMMIT_FILE).read_text(encoding="utf-8").strip() or None
    except OSError:
        pass
    command = ["git", "-C", str(root / "bench"), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
