"""Turns the state of every host into one screen: a drawing on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.fleet.control.shares import State
from bench.progress import Drawing
from bench.schema.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

# The screen is drawn at most so often: where this host measures alone, each drawing is a disturbance.
REDRAW_S = 1.0
# A line in a file: at once where something has changed, but not more often than this; and so often where nothing has.
LINE_S, QUIET_LINE_S = 2.0, 15.0
# What stands above and below the rows of hosts.
_FRAME = 4
# Rows are shown in this order, where there is no room for all.
_FIRST = (
    State.FAILED,
    State.GONE,
    State.MEASURING,
    State.SENDING,
    State.LOCKED,
    State.ASKED,
    State.SETTING_UP,
    State.WAITING,
    State.DONE,
)
_IS_UNDER_WAY = (State.MEASURING,)


@dataclass(frozen=True)
class Row:
    """One host: `done` of `wanted` runs are back; `round` and `left_s` (seconds) of the one that it measures."""

    host: str
    state: State
    done: int
    wanted: int
    round: int | None = None
    left_s: float | None = None
    text: str = ""


class Screen(Protocol):
    """Shows a fleet."""

    def message(self, text: str) -> None:
        """Print a line that stays."""

    def update(self, rows: Sequence[Row]) -> None:
        """Show the hosts, if it is time."""

    def close(self) -> None:
        """End the display."""


class Silent:
    """Shows only messages."""

    def message(self, text: str) -> None:
        """Print a line that stays; what a host said in it cannot reach the terminal as more than letters."""
        print(visible(text), file=sys.stderr, flush=True)

    def update(self, rows: Sequence[Row]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Nothing(Silent):
    """Shows nothing at all: the exit status and standard output say enough."""

    def message(self, text: str) -> None:
        """Nothing."""


class Lines(Silent):
    """For a pipe or a file: a line that counts hosts by what they do."""

    def __init__(self) -> None:
        self._states: Counter[State] = Counter()
        self._printed = float("-inf")

    def update(self, rows: Sequence[Row]) -> None:
        """Print a line where a host does something else, or none was printed for long."""
        states, age = Counter(row.state for row in rows), time.monotonic() - self._printed
        if rows and age >= (LINE_S if states != self._states else QUIET_LINE_S):
            self._states, self._printed = states, time.monotonic()
            self.message(in_a_line(rows))


class Display(Drawing):
    """For a terminal: a line for each host."""

    every_s = REDRAW_S

    def update(self, rows: Sequence[Row]) -> None:
        """Draw again, if the last drawing is old enough."""
        self.draw(lambda console: picture(rows, console.height))


def choose(show_progress: bool, quiet: bool) -> Screen:
    """The display for standard error."""
    if quiet:
        return Nothing()
    if not show_progress:
        return Silent()
    if not sys.stderr.isatty():
        return Lines()
    from rich.console import Console

    return Display(Console(stderr=True))


def in_a_line(rows: Sequence[Row]) -> str:
    """All hosts in one line, as in ``3 hosts: 2 measuring (round 3 to 5, 20 s left), 1 done``."""
    found = []
    for state in _FIRST:
        alike = [row for row in rows if row.state is state]
        if alike:
            found.append(f"{len(alike)} {state}{_how_far(alike) if state in _IS_UNDER_WAY else ''}")
    return f"{len(rows)} host{'s' * (len(rows) != 1)}: {', '.join(found)}"


def picture(rows: Sequence[Row], height: int) -> RenderableType:
    """A table with a line for each host; where they are too many, those that need a look come first."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    room = max(1, height - _FRAME)
    shown = sorted(rows, key=lambda row: _FIRST.index(row.state))[:room] if len(rows) > room else rows
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=40)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for row in shown:
        cells = [row.host, str(row.state), *_figures(row), row.text if row.state not in _IS_UNDER_WAY else ""]
        table.add_row(*(Text(visible(cell)) for cell in cells))
    more = [Text(f"and {len(rows) - len(shown)} more")] if len(shown) < len(rows) else []
    return Group(Text(in_a_line(rows), "table.title", no_wrap=True, overflow="ellipsis"), table, *more)


def _figures(row: Row) -> tuple[str, str]:
    """How many runs are back, and how far the one is that it measures."""
    return f"{row.done}/{row.wanted}", _how_far([row])[2:-1] if row.state in _IS_UNDER_WAY else ""


def _how_far(rows: Sequence[Row]) -> str:
    """The range of their rounds, and the longest time left, in brackets."""
    rounds = sorted(row.round for row in rows if row.round is not None)
    left = [row.left_s for row in rows if row.left_s is not None]
    words = []
    if rounds:
        first, last = ("calibration" if number == 0 else f"round {number}" for number in (rounds[0], rounds[-1]))
        words.append(first if first == last else f"{first} to {last.removeprefix('round ')}")
    if left:
        words.append(f"{max(left):.0f} s left")
    return f" ({', '.join(words)})" if words else ""
