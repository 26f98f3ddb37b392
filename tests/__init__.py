"""Holds the behaviour of `bench` and `analysis`; run it with ``python -m pytest``."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
