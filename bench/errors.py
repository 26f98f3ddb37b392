"""The error that any part of the suite raises for options that cannot be carried out here."""

from __future__ import annotations


class UsageError(Exception):
    """The options cannot be carried out. The text is one line: what, where, what to do."""
