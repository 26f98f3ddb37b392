"""Gives every mechanism one colour and one marker, the same in every figure of every run.

The colour tells the family of a mechanism, the marker which of the family it is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

# Okabe and Ito, "Color Universal Design" (2008); the yellow is left out: too pale for a line on white.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#000000", "#6E6E6E"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "8", "d")
CONTROL = GREY


@dataclass(frozen=True)
class Look:
    """How a mechanism is drawn: `colour` is ``#RRGGBB``, `marker` a marker of matplotlib."""

    colour: str
    marker: str


# Mechanisms of one family, with its colour. Their order here decides their marker.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (BLUE, ("os_fork", "fork_exec", "os_system", "collects", "parent_rewrites", "parent_rewrites_few", "workers_fork")),
    (GREEN, ("posix_spawn", "posix_spawnp", "python_isolated", "python_c", "child_rewrites", "child_rewrites_few")),
    (
        VERMILION,
        ("subprocess_run", "popen", "popen_no_close_fds", "popen_pipes", "popen_preexec_fn", "subprocess_shell",
         "asyncio_exec", "rewrites", "reads_objects", "workers_executor"),
    ),
    (PURPLE, ("mp_fork", "mp_spawn", "mp_forkserver", "mp_forkserver_cold", "workers_spawn")),
    (ORANGE, ("pool_task", "process_pool", "child_collects", "workers_forkserver")),
    (SKY, ("thread", "thread_pool_task", "child_reads_objects", "workers_forkserver_preload")),
    (GREY, ("noop", "native_fork", "native_vfork", "native_spawn", "native_python")),
)  # fmt: skip
_LOOKS = {name: Look(colour, MARKERS[place]) for colour, names in _FAMILIES for place, name in enumerate(names)}


def look_of(mechanism: str) -> Look:
    """The look of `mechanism`. One that is not listed, such as a user's own, gets a look by its name alone."""
    if known := _LOOKS.get(mechanism):
        return known
    number = zlib.crc32(mechanism.encode("utf-8", "replace"))
    return Look(COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS) % len(MARKERS)])
