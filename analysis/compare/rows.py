"""Turns pairs of cells into the rows of a comparison: values, ratios, verdict, and what the verdict rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from analysis.compare.pairs import Pair, RestsOn
from analysis.errors import CompareError
from analysis.stats.ratio import Ratio, Verdict, no_ratio
from analysis.text.names import cell_name


@dataclass(frozen=True)
class ComparisonRow:
    """One cell on both sides; the fields are the columns of CSV and JSON, in this order.

    Times are ns; NaN is what is not known. `ratio` (new / base), `verdict` and `smallest_change` are of the latency
    that `rests_on` names; `verdict` is ``None`` where no comparison can be made, and `reason` then says why.
    """

    mechanism: str
    work: str
    scenario: str
    level: str
    python: str
    base: str
    new: str
    base_rounds: int
    new_rounds: int
    base_ns: float
    new_ns: float
    base_rel: float
    new_rel: float
    rests_on: RestsOn
    ratio: float
    ratio_lo: float
    ratio_hi: float
    verdict: Verdict | None
    smallest_change: float
    reason: str
    absolute_ratio: float
    absolute_lo: float
    absolute_hi: float
    relative_ratio: float
    relative_lo: float
    relative_hi: float

    def cell_name(self, python: bool = True) -> str:
        """The cell in words (see `analysis.text.names.cell_name`)."""
        names = {"mechanism": self.mechanism, "scenario": self.scenario, "level": self.level, "python": self.python}
        return cell_name(names, python)


COLUMNS = tuple(field.name for field in fields(ComparisonRow))


@dataclass(frozen=True)
class Comparison:
    """All that a comparison says: its rows, the cells that only one side has, and what else differs.

    `by` is the column that cells of one run were compared along, ``""`` where runs were compared. `margin` is a
    share (0.01: 1 %), `confidence` that of each interval (0 to 1).
    """

    rows: Sequence[ComparisonRow]
    base: str
    new: str
    margin: float
    confidence: float
    differences: Sequence[tuple[str, str, str]] = ()
    missing: Sequence[dict[str, str]] = ()
    added: Sequence[dict[str, str]] = ()
    notes: Sequence[str] = ()
    by: str = ""

    @property
    def several_pythons(self) -> bool:
        """Whether the rows are of more than one interpreter."""
        return len({row.python for row in self.rows}) > 1


# The ratio of a pair in one column of the rounds (``rel`` or ``p50_ns``), corrected for a number of comparisons.
RatioOfPair = Callable[[Pair, str, int], Ratio]
_NO_CONTROL = "there is no relative latency to the same control on both sides"


def compare_pairs(pairs: Sequence[Pair], ratio_of_pair: RatioOfPair, preferred: RestsOn) -> list[ComparisonRow]:
    """One row a pair, each corrected for the number of all; relative latency only where its control steadies it.

    Raises `CompareError` if not a single row has a verdict: then there was no comparison.
    """
    rows = []
    for pair in pairs:
        relative = ratio_of_pair(pair, "rel", len(pairs)) if pair.related else no_ratio(_NO_CONTROL)
        absolute = ratio_of_pair(pair, "p50_ns", len(pairs))
        rests_on = RestsOn.RELATIVE if preferred is RestsOn.RELATIVE and pair.steadied else RestsOn.ABSOLUTE
        rows.append(_row(pair, rests_on, absolute, relative))
    if rows and all(row.verdict is None for row in rows):
        raise CompareError(f"no cell can be compared: {rows[0].reason}")
    return rows


def _row(pair: Pair, rests_on: RestsOn, absolute: Ratio, relative: Ratio) -> ComparisonRow:
    base, new = pair.base, pair.new
    chosen = relative if rests_on is RestsOn.RELATIVE else absolute
    return ComparisonRow(
        mechanism=new.cell["mechanism"],
        work=new.cell["work"],
        scenario=new.cell["scenario"],
        level=new.cell["level"],
        python=new.cell["python"],
        base=pair.base_name,
        new=pair.new_name,
        base_rounds=base.count,
        new_rounds=new.count,
        base_ns=base.median("p50_ns"),
        new_ns=new.median("p50_ns"),
        base_rel=base.median("rel"),
        new_rel=new.median("rel"),
        rests_on=rests_on,
        ratio=chosen.ratio,
        ratio_lo=chosen.lo,
        ratio_hi=chosen.hi,
        verdict=chosen.verdict,
        smallest_change=chosen.smallest,
        reason=chosen.reason,
        absolute_ratio=absolute.ratio,
        absolute_lo=absolute.lo,
        absolute_hi=absolute.hi,
        relative_ratio=relative.ratio,
        relative_lo=relative.lo,
        relative_hi=relative.hi,
    )
