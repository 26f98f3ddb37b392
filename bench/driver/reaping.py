"""Ends up with no process left: finds and reaps what subjects leave in their process groups."""

from __future__ import annotations

import os
import sys


def group_lives(group: int) -> bool:
    """Whether a process of this group is there, after reaping those that are ours."""
    reap_group(group)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def reap_group(group: int) -> None:
    """Reap every ended process of the group that became ours (see `adopt_orphans`)."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def adopt_orphans() -> None:
    """Make this process the one that orphans of its subjects fall to, so that it can reap them (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_child_subreaper = 36  # <linux/prctl.h>
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
