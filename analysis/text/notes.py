"""Turns a note that does not belong to the output into a line on standard error."""

from __future__ import annotations

import sys

from bench.schema.visible import visible


def print_note(text: str) -> None:
    """Print one line to standard error; it may name a path or hold a value that nobody has looked at."""
    print(visible(text), file=sys.stderr)
