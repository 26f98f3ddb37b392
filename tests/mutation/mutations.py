"""Turns a module into the mutations that are worth a test run: which operators, which places, which sample."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# cosmic-ray replaces every operator by every other one. The second replacement of one spot tells nothing that the
# first did not, and takes a test run.
OPERATORS = re.compile(
    r"core/(ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Add|Pow_Mul|BitOr_BitAnd|"
    r"BitAnd_BitOr|LShift_RShift|RShift_LShift)"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|IsNot_Is)"
    r"|ReplaceUnaryOperator_(USub_UAdd|Delete_Not)"
    r"|AddNot|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|ReplaceBreakWithContinue|ReplaceContinueWithBreak|NumberReplacer|ZeroIterationForLoop)"
)


@dataclass(frozen=True)
class Spot:
    """One mutation: what cosmic-ray needs to make it, and the `line` and `column` (from 1 and 0) where it begins."""

    module: str
    operator: str
    occurrence: int
    line: int
    column: int


def worth_testing(spots: Sequence[Spot], source: str) -> list[Spot]:
    """The mutations of a module that can change what it computes, in the order of the file.

    Left out are other operators than `OPERATORS`, and places that do not run or only guard: annotations,
    decorators (``frozen=True``), and ``strict=`` of `zip`.
    """
    quiet = list(_quiet_places(ast.parse(source)))
    kept = [spot for spot in spots if OPERATORS.fullmatch(spot.operator) and not _inside(spot, quiet)]
    return sorted(kept, key=lambda spot: (spot.line, spot.column, spot.operator))


def sample(spots: Sequence[Spot], share: float, seed: int) -> list[Spot]:
    """A random `share` (0 to 1) of `spots`, at least one; the same `seed` gives the same ones."""
    if share >= 1:
        return list(spots)
    count = min(len(spots), max(1, round(share * len(spots))))
    chosen = random.Random(seed).sample(range(len(spots)), count)
    return [spots[place] for place in sorted(chosen)]


Place = tuple[tuple[int, int], tuple[int, int]]


def _quiet_places(tree: ast.Module) -> Iterator[Place]:
    for node in ast.walk(tree):
        quiet: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            quiet += [*node.decorator_list, node.returns]
        elif isinstance(node, ast.ClassDef):
            quiet += node.decorator_list
        elif isinstance(node, ast.arg | ast.AnnAssign):
            quiet.append(node.annotation)
        elif isinstance(node, ast.keyword) and node.arg == "strict":
            quiet.append(node.value)
        for part in quiet:
            if part is not None and part.end_lineno is not None and part.end_col_offset is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _inside(spot: Spot, places: Sequence[Place]) -> bool:
    return any(begin <= (spot.line, spot.column) < end for begin, end in places)
