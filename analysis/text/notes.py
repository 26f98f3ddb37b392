"""Turns a note that does not belong to the output into a line on standard error."""

from __future__ import annotations

import sys


def print_note(text: str) -> None:
    """Print one line to standard error."""
    print(text, file=sys.stderr)
