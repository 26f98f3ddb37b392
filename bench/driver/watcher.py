"""Turns the end of a controller, however it came, into the end of its subjects: a process that waits beside a run.

The controller starts this file and holds the only write end of its standard input. A line `+GROUP` names the process
group of a subject that has started, `-GROUP` one that is gone. The end of the input is the end of the controller. This
process sleeps in a read while calls are measured. It is of its own session, so no key of the terminal reaches it.

A process that a subject moved to another session is in no group that was told here. It is known by its environment, if
that still is the one of its subject: there TMPDIR is the folder of the run.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

# SIGKILL works at once, but on a process that waits for a device.
_PATIENCE_S = 5.0


def members(group: int) -> dict[int, int]:
    """The processes of a group that have not ended, each with its start in clock ticks since boot (Linux)."""
    found = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit() and (fields := _stat(name)) and int(fields[2]) == group and fields[0] not in ("Z", "X"):
            found[int(name)] = int(fields[19])
    return found


def start_of(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None: there is none, or it cannot be told."""
    fields = _stat(str(pid))
    return int(fields[19]) if fields else None


def is_still(group: int, leader_start: int | None, ended: float) -> bool:
    """Whether the processes of `group` are those that the controller told of.

    The number may belong to others by now. A leader shows by its start that it is the same. Without a leader the
    number stays taken as long as the group has a process, so one from before the controller's end is of this group.
    """
    found = members(group)
    if group in found:
        return found[group] == leader_start
    return any(start <= ended for start in found.values())


def strays(folder: str) -> list[int]:
    """The processes, but this one, whose environment names the temporary directory of the run (Linux)."""
    mark, found = b"\0TMPDIR=" + os.fsencode(folder) + b"\0", []
    for name in os.listdir("/proc") if folder and os.path.isdir("/proc/self") else []:
        try:
            with open(f"/proc/{name}/environ", "rb") as stream:
                marked = name.isdigit() and mark in b"\0" + stream.read()
        except OSError:
            continue
        if marked and int(name) != os.getpid():
            found.append(int(name))
    return found


def _stat(pid: str) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold spaces; see proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except OSError:
        return []


def _listen() -> dict[int, int | None]:
    """The groups that are left at the end of the controller, each with the start of its leader."""
    groups: dict[int, int | None] = {}
    unread = b""
    while data := os.read(0, 4096):
        *lines, unread = (unread + data).split(b"\n")
        for line in lines:
            group = int(line[1:])
            if line.startswith(b"+"):
                groups[group] = start_of(group)
            else:
                groups.pop(group, None)
    return groups


def main(folder: str) -> None:
    """Wait for the end of the controller. Then end the groups that are left, and remove `folder`."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):  # whoever ends all processes of a service: this one ends by itself
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    groups = _listen()
    ended = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK") if sys.platform == "linux" else 0.0
    left = [group for group, start in groups.items() if is_still(group, start, ended)]
    for group in left:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    for pid in strays(folder):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    give_up = time.monotonic() + _PATIENCE_S
    while any(members(group) for group in left) and time.monotonic() < give_up:
        time.sleep(0.01)  # they could still write into the folder
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
