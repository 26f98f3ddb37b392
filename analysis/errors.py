"""The errors that reach a user as one line: what, where, what to do."""

from __future__ import annotations

from bench.schema.run_names import RunNameError


class LoadError(Exception):
    """What was given is not a readable run, or what is made of it cannot be written."""


class CompareError(Exception):
    """What was given cannot be compared."""


class PyperfError(ValueError):
    """A pyperf file cannot be read or written."""


BAD_INPUT = (LoadError, CompareError, PyperfError, RunNameError)
