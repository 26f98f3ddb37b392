"""Shows the progress of a run. It draws only between blocks, so that nothing else runs during a measurement."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from bench.schema.visible import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# At least so long between two drawings: nothing is measured during the few milliseconds of a drawing.
REDRAW_S = 0.5
MOST_ROWS = 8
# A figure and what stands before it, as in `  1.23e+03 s`.
_FIGURE_WIDTH = 12
# A line in a file: what fits side by side, and how long there may be none.
LINE_WIDTH = 100
LINE_S = 10.0

# Name and median so far, in ns, of each cell. Called only for a drawing.
Medians = Callable[[], list[tuple[str, float]]]


class Progress(Protocol):
    """Shows what a run does. A run calls it only while no block is measured."""

    def message(self, text: str) -> None:
        """Print a line that stays."""

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Show the cell that is being measured, the round, the time left, and the medians so far."""

    def close(self) -> None:
        """End the display: the run is over, or interrupted."""


class Silent:
    """Shows only messages."""

    def message(self, text: str) -> None:
        """Print a line that stays; what another program said in it cannot reach the terminal as more than letters."""
        print(visible(text), file=sys.stderr, flush=True)

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class OnlyErrors(Silent):
    """Shows errors, and where an interrupted run is; nothing else."""

    _SHOWN = ("error: ", "interrupted", "go on with it: ")

    def message(self, text: str) -> None:
        """Print a line that must not be missed."""
        if text.startswith(self._SHOWN):
            super().message(text)


class Lines(Silent):
    """For a pipe or a file: one plain line for each round, and one where a round takes long."""

    def __init__(self) -> None:
        self._round = -2
        self._next = 0.0

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Print a line when the round changes, or none was printed for long."""
        if round_number == self._round and time.monotonic() < self._next:
            return
        self._round, self._next = round_number, time.monotonic() + LINE_S
        phase = "calibration" if round_number < 0 else f"round {round_number + 1}"
        line = f"{phase}, {_left(left_s)}"
        # A cell whose name alone is longer still has its line.
        for number, (name, ns) in enumerate(medians()[:MOST_ROWS]):
            longer = f"{line}  {name} {human_ns(ns)}"
            if number and len(longer) > LINE_WIDTH:
                break
            line = longer
        self.message(line)


class Drawing:
    """A few lines on a terminal that are drawn again and again in the same place, `every_s` seconds at most."""

    every_s = REDRAW_S

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._next = 0.0

    def message(self, text: str) -> None:
        """Print a line that stays, above the drawing."""
        self._console.print(visible(text), highlight=False, markup=False, emoji=False, soft_wrap=True)

    def draw(self, picture: Callable[[Console], RenderableType]) -> None:
        """Draw again if the last drawing is old enough; only then `picture` is made."""
        if time.monotonic() >= self._next:
            self._live.update(picture(self._console), refresh=True)
            self._next = time.monotonic() + self.every_s

    def close(self) -> None:
        """Remove the drawing."""
        self._live.stop()


class Display(Drawing):
    """For a terminal: the round, the time left and the medians so far."""

    def update(self, cell_name: str, round_number: int, left_s: float, medians: Medians) -> None:
        """Draw again if the last drawing is old enough."""
        self.draw(lambda console: _picture(cell_name, round_number, left_s, medians, console.width))


def _picture(cell_name: str, round_number: int, left_s: float, medians: Medians, width: int) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    phase = "calibrating" if round_number < 0 else f"round {round_number + 1}"
    # Names are no markup: a label of an interpreter may hold brackets.
    title = Text(visible(f"{phase} · {_left(left_s)} · {cell_name}"), "table.title", no_wrap=True, overflow="ellipsis")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title=title)
    table.title_justify = "left"
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(1, width - _FIGURE_WIDTH))
    table.add_column(no_wrap=True)
    for name, ns in medians()[:MOST_ROWS]:
        table.add_row(Text(visible(name)), human_ns(ns))
    return table


def _left(seconds: float) -> str:
    """The time that is left; a run that takes longer than its budget has none."""
    return f"{max(0.0, seconds):.0f} s left"


def choose(show_progress: bool) -> Progress:
    """The display for standard error: a drawing on a terminal, else plain lines, or only messages."""
    if not show_progress:
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
