"""Turns cells and a seed into the order of one round's blocks; pure, so that order can be tested and repeated."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bench.options import MOST_PAIRS
from bench.schema import Role

# Bytes of a page of memory. The padding of a round is a part of one page.
PAGE = 4096
# The fractions of its multiples are spread more evenly than those of any other number.
GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Step:
    """One block to be measured: `order` is its place in the round, `block` its number in cell and role."""

    order: int
    cell: int
    block: int
    role: Role


@dataclass(frozen=True)
class Share:
    """What one cell takes part in a round with: `pairs` of blocks, with or without a control."""

    pairs: int
    has_control: bool


def round_steps(cells: Mapping[int, Share], seed: int, number: int) -> list[Step]:
    """The blocks of round `number` in their order.

    Pairs are shuffled as if every cell had `MOST_PAIRS`, then those beyond a cell's own number are left out: a
    machine that affords fewer pairs goes through the rest in the same order.

    The two blocks of a pair stand next to each other, since their ratio is taken, and in random order, since the
    second follows in the wake of the first. The same `seed` gives the same order; every round has its own.
    """
    dice = random.Random(f"{seed}/{number}")
    pairs = [(cell, block) for cell in sorted(cells) for block in range(MOST_PAIRS)]
    dice.shuffle(pairs)
    steps: list[Step] = []
    for cell, block in pairs:
        roles = list(Role)
        dice.shuffle(roles)
        share = cells[cell]
        if block >= share.pairs:
            continue
        for role in roles:
            if role is Role.MECHANISM or share.has_control:
                steps.append(Step(len(steps), cell, block, role))
    return steps


def sittings(
    takes: Mapping[int, float], room: float, seed: int, number: int, alone: Collection[int] = ()
) -> list[list[int]]:
    """The cells of round `number` in groups that are measured one after the other, each group side by side.

    `takes` says how much memory each cell's subject fills; those of one group fit into `room` together. All are in
    one group where that is possible. Which large cells meet changes from round to round. A cell that is `alone` works
    when it is not asked to, and would be measured in all others; its group comes after them.
    """
    order = sorted(takes.keys() - set(alone))
    random.Random(f"{seed}/{number}/sittings").shuffle(order)
    groups: list[list[int]] = []
    left: list[float] = []
    for cell in order:
        place = next((place for place, free in enumerate(left) if takes[cell] <= free), len(groups))
        if place == len(groups):
            groups.append([])
            left.append(room)
        groups[place].append(cell)
        left[place] -= takes[cell]
    last = sorted(takes.keys() & set(alone))
    random.Random(f"{seed}/{number}/alone").shuffle(last)
    return [sorted(group) for group in groups] + [[cell] for cell in last]


def padding(seed: int, number: int) -> int:
    """By how many bytes round `number` shifts what its subjects hold in memory: less than a page, the same for all.

    Whether a datum lies before or behind a page boundary decides whether a child copies one page more, 1 % of
    a bare fork. Where all is loaded in the same order that depends on the lengths of paths: the same Python by
    two paths differed by 1.1 % (docs/evidence.md). Rounds whose shifts are spread evenly (a Kronecker sequence)
    are typical of neither, and the fewer that are needed for it.
    """
    start = random.Random(f"{seed}/padding").random()
    return int((start + number * GOLDEN) % 1.0 * PAGE)
