"""Shows a run while it lasts: drawn only between blocks, so that nothing else runs while one is measured."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Between two drawings at least: a drawing costs a few milliseconds in which nothing is measured.
REDRAW_S = 0.5
MOST_ROWS = 8

# Name and median in ns of each cell so far; asked for only when it is drawn.
Medians = Callable[[], list[tuple[str, float]]]


class Progress(Protocol):
    """What a run tells whoever watches it; called only while no block is being measured."""

    def message(self, text: str) -> None:
        """One line that stays."""

    def update(self, doing: str, round_number: int, left_s: float, medians: Medians) -> None:
        """What is being measured, in which round, the time left, and medians (name, ns) so far."""

    def close(self) -> None:
        """The run is over, or interrupted."""


class Silent:
    """Shows messages only."""

    def message(self, text: str) -> None:
        """One line that stays."""
        print(text, file=sys.stderr, flush=True)

    def update(self, doing: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines(Silent):
    """For a pipe or a file: one plain line a round."""

    def __init__(self) -> None:
        self._round = -2

    def update(self, doing: str, round_number: int, left_s: float, medians: Medians) -> None:
        """A line when the round changes."""
        if round_number == self._round:
            return
        self._round = round_number
        what = "calibration" if round_number < 0 else f"round {round_number + 1}"
        figures = "  ".join(f"{name} {human_ns(ns)}" for name, ns in medians()[:MOST_ROWS])
        self.message(f"{what}, {left_s:.0f} s left  {figures}".rstrip())


class Display:
    """For a terminal: a few lines that are drawn over."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._next = 0.0

    def message(self, text: str) -> None:
        """One line that stays, above what is drawn over."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def update(self, doing: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Draw anew if the last drawing is old enough."""
        if time.monotonic() < self._next:
            return
        self._live.update(_picture(doing, round_number, left_s, medians), refresh=True)
        self._next = time.monotonic() + REDRAW_S

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def _picture(doing: str, round_number: int, left_s: float, medians: Medians) -> RenderableType:
    from rich.table import Table

    what = "calibrating" if round_number < 0 else f"round {round_number + 1}"
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title=f"{what} · {left_s:.0f} s left · {doing}")
    table.title_justify = "left"
    for name, ns in medians()[:MOST_ROWS]:
        table.add_row(name, human_ns(ns))
    return table


def choose(wanted: bool) -> Progress:
    """The display that suits standard error; plain lines where it is no terminal, messages only if not wanted."""
    if not wanted:
        return Silent()
    if not sys.stderr.isatty():
        return Lines()
    from rich.console import Console

    return Display(Console(stderr=True))


def human_ns(ns: float) -> str:
    """Nanoseconds with three digits and the unit that fits them."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"
