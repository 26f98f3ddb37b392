"""Turns a stream into a console for tables: colours and wrapping on a terminal, plain whole lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NoReturn, TextIO

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.schema.visible import visible

# A table in a file or a pipe is as wide as its widest row.
_PIPE_WIDTH = 400


class TableConsole(Console):
    """A console on `stream`, which is taken for what it is, whatever the environment asks of other programs."""

    def __init__(self, stream: TextIO) -> None:
        self.plain = not stream.isatty()
        super().__init__(
            file=stream,
            width=_PIPE_WIDTH if self.plain else None,
            force_terminal=not self.plain,
            highlight=False,
            soft_wrap=self.plain,
        )

    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the command line what a reader who has seen enough means; rich would end with status 1."""
        raise BrokenPipeError

    def table(self, names: Iterable[str], left: Iterable[str]) -> Table:
        """A table without lines; columns not in `left` are aligned at the right."""
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for name in names:
            justify: Literal["left", "right"] = "left" if name in left else "right"
            table.add_column(name, justify=justify, overflow="fold", no_wrap=self.plain)
        return table

    def print_fitting(self, table: Table, spare: Sequence[str]) -> list[str]:
        """Print `table` without the first columns of `spare` that it takes to fit the width; return their names.

        A name or an interval that is split between two lines cannot be read. What is too wide without all of them is
        folded.
        """
        dropped: list[str] = []
        while Measurement.get(self, self.options.update(max_width=_PIPE_WIDTH), table).maximum > self.width:
            if len(dropped) == len(spare):
                break
            dropped.append(spare[len(dropped)])
            table = _without(table, dropped[-1])
        self.print(table)
        return dropped

    def say(self, text: str, style: str | None = None) -> None:
        """Print `text` as it is."""
        self.print(shown(text), style=style)


def _title(header: RenderableType) -> str:
    """The name of a column, which may stand in two lines."""
    return str(header).replace("\n", " ")


def left_out(columns: Sequence[str]) -> str:
    """What is said below a table that lacks columns."""
    return f"left out at this width: {', '.join(columns)} (--format markdown has all)"


def _without(table: Table, name: str) -> Table:
    """The same rows without the column `name`."""
    left = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    kept = [column for column in table.columns if _title(column.header) != name]
    for column in kept:
        left.add_column(
            column.header,
            justify=column.justify,
            overflow=column.overflow,
            no_wrap=column.no_wrap,
            max_width=column.max_width,
        )
    for row, *cells in zip(table.rows, *(column.cells for column in kept), strict=True):
        left.add_row(*cells, style=row.style)
    return left


def shown(text: str, style: str = "") -> Text:
    """`text` for a cell of a table or a line: no markup or name of a picture in it means anything to rich."""
    return Text(visible(text), style)
