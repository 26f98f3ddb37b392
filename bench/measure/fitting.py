"""Turns a budget into the cells that it can measure in enough rounds; the others are left out before the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.plan.cells import Cell


def by_importance(cells: Iterable[Cell]) -> list[Cell]:
    """Core mechanisms in a bare parent, core ones in other parents, other mechanisms in a bare parent, the rest."""
    return sorted(cells, key=lambda cell: (not cell.is_core, not cell.is_bare, cell.number))


def fitting(cells: Iterable[Cell], cost_ns: Mapping[int, float], room_ns: float) -> set[int]:
    """Numbers of the cells that fit into a round of `room_ns`, the important ones first; at least one.

    `cost_ns` is what each cell takes of a round. A cell that does not fit makes room for a cheaper one after it.
    """
    kept: set[int] = set()
    for cell in by_importance(cells):
        if cost_ns[cell.number] <= room_ns:
            kept.add(cell.number)
            room_ns -= cost_ns[cell.number]
    return kept or {min(cost_ns, key=lambda number: cost_ns[number])}
