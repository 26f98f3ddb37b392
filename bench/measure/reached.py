"""Turns what its scenarios raised in a subject into the dose of a level, and into a warning where it is another one."""

from __future__ import annotations

from collections.abc import Mapping

from bench.plan.levels import Level, Part

# A level is reached if the parent got it within this part. Level 0 always is: the process itself moves by some pages.
TOLERANCE = 0.02


def dose_text(level: Level, raised: Mapping[str, int]) -> str | None:
    """The column `dose` of subjects.csv: what each part raised, joined by ``+``; None: nothing to verify, or unknown.

    `raised` says by how much each column of subjects.csv grew.
    """
    doses = [_dose(part, level, raised) for part in level.parts]
    if not level.has_dose or None in doses:
        return None
    return "+".join(str(dose) for dose in doses)


def dose_warning(level: Level, raised: Mapping[str, int]) -> str:
    """What is said of a level that was not reached, or an empty string."""
    for part in level.parts:
        dose = _dose(part, level, raised)
        if part.amount and isinstance(dose, int) and abs(dose - part.amount) > TOLERANCE * part.amount:
            return (
                f"{part.scenario.name}={part.text}: {part.scenario.dose} rose by {dose}, not by {part.amount}; "
                "recorded as it is"
            )
    return ""


def _dose(part: Part, level: Level, raised: Mapping[str, int]) -> int | str | None:
    """What this part raised: the growth of its column without that of other parts; its text where it has no column."""
    column = part.scenario.dose
    if not column:
        return part.text
    if column not in raised:
        return None
    others = sum(other.amount for other in level.parts if other is not part and other.scenario.dose == column)
    return raised[column] - others
