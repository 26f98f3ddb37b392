"""Turns the scenario and level of a cell into the level of each of its scenarios."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd


def parts_of(row: Mapping[Any, Any] | pd.Series) -> dict[str, str]:
    """The level of each scenario of a cell: ``workers+worker_imports`` at ``4+heavy`` has two.

    A cell whose level cannot be taken apart (it holds the joint itself) counts as one scenario.
    """
    names, levels = str(row["scenario"]).split("+"), str(row["level"]).split("+")
    if len(names) != len(levels):
        return {str(row["scenario"]): str(row["level"])}
    return dict(zip(names, levels, strict=True))


def without(parts: Mapping[str, str], names: Collection[str]) -> str:
    """The other parts of a level in words, as ``rss=64MiB``; empty: there are none."""
    return "+".join(f"{name}={level}" for name, level in parts.items() if name not in names)
