"""Turns the shapes of a process's mappings into a recipe: what a subject needs on top of its own to be its twin."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.schema.dose import Dose
from bench.twin.shape import PAGE, TABLE_SPAN, Kind, Shape, anonymous

# Bytes: about what two starts of one interpreter differ by.
_MUCH_LARGER = 256 << 10
_MOST_NAME = 15  # characters of a process's name, as in the kernel (TASK_COMM_LEN)


@dataclass(frozen=True)
class Recipe:
    """Mappings, threads and files that a subject gets."""

    shapes: Sequence[Shape] = ()
    threads: int = 0
    files: int = 0

    @property
    def text(self) -> str:
        """The file that `bench.subject.scenarios.twin` reads: equal mappings in a row are one line."""
        lines = [f"threads {self.threads}", f"files {self.files}"]
        for shape, equal in itertools.groupby(self.shapes):
            amounts = (len(list(equal)), shape.size, shape.resident, shape.huge, shape.written, shape.pieces)
            lines.append(f"map {shape.kind} {' '.join(map(str, amounts))}")
        return "\n".join(lines) + "\n"

    @property
    def takes(self) -> Mapping[str, int]:
        """What it takes of limited resources, by the names in `bench.plan.limits`."""
        return {
            "memory": sum(shape.memory for shape in self.shapes),
            "commit": max((shape.size for shape in self.shapes), default=0),
            "mappings": len(self.shapes) + 2 * self.threads,  # a stack and its guard
            "files": self.files,
            "threads": self.threads,
        }

    @property
    def has_huge_pages(self) -> bool:
        """Whether it needs any."""
        return any(shape.huge for shape in self.shapes)

    def name(self, process: str) -> str:
        """A name for this recipe that tells nothing else of the process called `process`."""
        kept = re.sub(r"[^A-Za-z0-9._-]", "_", process)[:_MOST_NAME] or "process"
        return f"{kept}-{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"


def remainder(process: Sequence[Shape], own: Iterable[Shape]) -> list[Shape]:
    """The shapes of `process` without those that a subject has as its `own`, in their order.

    Each own mapping stands for the one of its kind that is nearest in pages. Where that one is `_MUCH_LARGER`, a
    mapping with the rest of its pages stays; what is less is for `corrected` to settle.
    """
    left, rest = dict(enumerate(process)), {}
    for shape in own:
        same = [number for number, other in left.items() if other.kind is shape.kind]
        if same:
            nearest = min(same, key=lambda number: abs(left[number].memory - shape.memory))
            stood_for = left.pop(nearest)
            if stood_for.kind is Kind.ANONYMOUS and stood_for.memory - shape.memory > _MUCH_LARGER:
                resident = max(PAGE, stood_for.resident - shape.resident)
                rest[nearest] = anonymous(resident, stood_for.huge, stood_for.size - shape.resident)
    return [shape for _, shape in sorted((left | rest).items())]


def corrected(recipe: Recipe, process: Dose, twin: Dose) -> Recipe:
    """The recipe with what a `twin` made by it lacks of the dose of `process`, or without what it has more."""
    shapes = _with_pages(recipe.shapes, _lacking(process.copied_bytes, twin.copied_bytes))
    shapes = _with_tables(shapes, _lacking(process.pte_bytes, twin.pte_bytes) // PAGE)
    shapes = _with_mappings(shapes, _lacking(process.vmas, twin.vmas))
    files = max(0, recipe.files + _lacking(process.fds, twin.fds))
    return Recipe(shapes, recipe.threads, files)


def _lacking(wanted: int | None, there: int | None) -> int:
    return 0 if wanted is None or there is None else wanted - there


def _with_pages(shapes: Sequence[Shape], lacking: int) -> list[Shape]:
    """With so many bytes more that are copied, or less: the largest anonymous mappings give and take.

    Where there is none, what is missing becomes one.
    """
    changed = list(shapes)
    of_pages = [number for number, shape in enumerate(shapes) if shape.kind is Kind.ANONYMOUS and shape.resident]
    for number in sorted(of_pages, key=lambda number: -shapes[number].resident):
        shape = shapes[number]
        # A mapping that gives keeps a page, so that it stays one that is copied.
        added = max(lacking, PAGE - shape.resident)
        lacking -= added
        changed[number] = anonymous(shape.resident + added, shape.huge, shape.size + max(0, added))
    return [*changed, anonymous(lacking, 0, lacking)] if lacking > 0 else changed


def _with_tables(shapes: Sequence[Shape], lacking: int) -> list[Shape]:
    """With pages spread wider, so that they take so many pages of page tables more."""
    room = [_room_for_tables(shape) for shape in shapes]
    share = min(1.0, max(0, lacking) / sum(room)) if any(room) else 0.0
    return [
        replace(shape, pieces=_tables(shape.resident) + round(share * more)) if round(share * more) else shape
        for shape, more in zip(shapes, room, strict=True)
    ]


def _room_for_tables(shape: Shape) -> int:
    """How many more pages of page tables its pages could take, one page in each at the widest."""
    if shape.kind is not Kind.ANONYMOUS or shape.huge:
        return 0
    return max(0, min(shape.resident // PAGE, shape.size // TABLE_SPAN) - _tables(shape.resident))


def _tables(resident: int) -> int:
    """Pages of page tables that pages take side by side."""
    return -(-resident // TABLE_SPAN)


def _with_mappings(shapes: Sequence[Shape], lacking: int) -> list[Shape]:
    """With so many mappings more, without pages, or less: those go that a fork does not copy, the smallest first."""
    order = [Kind.UNTOUCHED, Kind.FILE, Kind.SHARED]
    spare = [number for number, shape in enumerate(shapes) if shape.kind in order]
    spare.sort(key=lambda number: (order.index(shapes[number].kind), shapes[number].memory))
    gone = set(spare[: max(0, -lacking)])
    kept = [shape for number, shape in enumerate(shapes) if number not in gone]
    return kept + [Shape(Kind.UNTOUCHED, PAGE)] * max(0, lacking)
