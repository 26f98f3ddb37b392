"""Turns a stream into a console for tables: colours and wrapping on a terminal, plain whole lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NoReturn, TextIO

from rich.console import Console
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

    def say(self, text: str, style: str | None = None) -> None:
        """Print `text` as it is."""
        self.print(shown(text), style=style)


def shown(text: str, style: str = "") -> Text:
    """`text` for a cell of a table or a line: no markup or name of a picture in it means anything to rich."""
    return Text(visible(text), style)
