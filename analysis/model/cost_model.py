"""Turns the parents of a run into the price of everything that a fork pays for, with intervals and its own error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pandas as pd

from analysis.errors import LoadError
from analysis.model import terms
from analysis.model.alternatives import Alternative, alternatives_of
from analysis.model.checks import CONTROL, SHARE, Check, Part, checks_of, error_of, left_out, rounded
from analysis.model.fit import identified
from analysis.model.observations import doses_of, median_parents, observe
from analysis.model.terms import CONTROL_TERMS, SHARE_TERMS, Numbers, Term
from analysis.read.run import Run
from analysis.summary.analysed_run import AnalysedRun, median_over_rounds

# Fewer parents than that many more than there are prices, and the fit only repeats what was measured.
MORE_PARENTS = 2


class Price(msgspec.Struct, frozen=True):
    """What one of a term costs, ns, with the 95 % interval over rounds (None: too few rounds), and what it was seen in.

    `least` and `most` are the amounts in the parents of the fit.
    """

    term: str
    ns: float
    lo_ns: float | None
    hi_ns: float | None
    least: float
    most: float


class CostModel(msgspec.Struct, frozen=True):
    """What a fork costs, for C (`control`) and what Python adds (`share`); everything in ns and amounts of `TERMS`.

    The `error` of each part is the size of logarithm that 95 % of new parents stay within, judged by `checks`.
    `bare` are the amounts of the smallest parent.
    """

    run: str
    machine: str
    python: str
    rounds: int
    control: list[Price]
    share: list[Price]
    checks: list[Check]
    control_error: float
    os_fork_error: float | None
    bare_ns: float
    thread_ns: float | None
    alternatives: list[Alternative]
    missing: list[str]


def fit_model(run: Run, python: str | None = None) -> CostModel:
    """The model of one interpreter of `run` (default: the one with most cells). Raises `LoadError`: what it lacks."""
    counts = run.cells["python"].value_counts()
    if python is not None and python not in counts:
        raise LoadError(f"--python {python}: not in {run.path}; it has {', '.join(dict.fromkeys(run.cells['python']))}")
    if counts.empty or not run.rounds:
        raise LoadError(f"{run.path}: nothing was measured; measure longer (--budget)")
    label = python or str(counts.index[0])
    rows = observe(run, label)
    parents = median_parents(rows)
    fitted = parents[~parents["held_out"]]
    control = _chosen(run, fitted)
    shared = SHARE.of(fitted)
    share = _identified(shared, SHARE_TERMS)
    share = share if len(shared) >= len(share) + MORE_PARENTS else ()
    checks = checks_of(parents, control, share)
    control_prices = _priced(rows, fitted, CONTROL, control)
    return CostModel(
        run=run.name,
        machine=run.machine,
        python=label,
        rounds=run.rounds,
        control=control_prices,
        share=_priced(rows, shared, SHARE, share) if share else [],
        checks=checks,
        control_error=error_of([check for check in checks if check.part == "control"]),
        os_fork_error=error_of([check for check in checks if check.part == "os_fork"]) if share else None,
        bare_ns=_bare(fitted),
        thread_ns=_thread(fitted, control_prices),
        alternatives=alternatives_of(AnalysedRun(run), label),
        missing=_missing(control, share),
    )


def predicted(priced: Sequence[Price], dose: terms.Doses) -> Numbers:
    """What the prices add up to for every row of `dose`, ns."""
    if not priced:
        return np.zeros_like(dose["vmas"])
    each = np.array([price.ns for price in priced])
    return np.asarray(terms.amounts(dose, tuple(price.term for price in priced)) @ each, dtype=np.float64)


def _identified(parents: pd.DataFrame, choice: Sequence[Term]) -> tuple[str, ...]:
    """Keys of the terms whose price these parents tell."""
    if parents.empty:
        return ()
    keys = tuple(term.key for term in choice)
    found = identified(terms.amounts(doses_of(parents), keys), np.array([term.spread for term in choice]))
    return tuple(key for key, known in zip(keys, found, strict=True) if known)


def _chosen(run: Run, parents: pd.DataFrame) -> tuple[str, ...]:
    """The terms of the control: those that the parents tell, and of `GROWTHS` those that predict better."""
    keys = _identified(parents, CONTROL_TERMS)
    growths = [term.key for term in terms.GROWTHS if term.key in keys]
    chosen = tuple(key for key in keys if key not in growths)
    if terms.PAGES.key not in keys or len(parents) < len(chosen) + MORE_PARENTS:
        asked = " ".join(f"--scenario {term.scenario}" for term in CONTROL_TERMS if term.scenario)
        raise LoadError(
            f"{run.path}: a model needs at least {len(chosen) + MORE_PARENTS} parents that differ in memory and more, "
            f"beside a C control, and has {len(parents)}; measure with --mechanism os_fork {asked}"
        )
    for growth in growths:
        more = tuple(key for key in keys if key in (*chosen, growth))
        if len(parents) >= len(more) + MORE_PARENTS and _off(parents, more) < _off(parents, chosen):
            chosen = more
    return chosen


def _off(parents: pd.DataFrame, keys: tuple[str, ...]) -> float:
    """The mean error of a control with these terms, for parents left out in turn; none counts for more than 1."""
    sizes = [min(abs(check.error), 1.0) for check in left_out(parents, CONTROL, keys, within=False)]
    return float(np.mean(sizes)) if sizes else 1.0


def _priced(rows: pd.DataFrame, parents: pd.DataFrame, part: Part, keys: tuple[str, ...]) -> list[Price]:
    """The prices of the medians over rounds; the intervals come from a fit to each round alone."""
    center = part.fit(parents, keys)
    mine = part.of(rows[rows["cell"].isin(parents.index)])
    # A round that lacks parents (they failed) may not tell a price.
    complete = [one for _, one in mine.groupby("round") if len(one) == len(parents)]
    by_round = np.array([part.fit(one, keys) for one in complete]).reshape(-1, len(keys))
    amounts = terms.amounts(doses_of(parents), keys)
    found = []
    for place, key in enumerate(keys):
        over = median_over_rounds(by_round[:, place])
        known = not math.isnan(over.lo)
        value = float(center[place])
        found.append(
            Price(
                key,
                rounded(value),
                rounded(min(over.lo, value)) if known else None,
                rounded(max(over.hi, value)) if known else None,
                rounded(float(amounts[:, place].min())),
                rounded(float(amounts[:, place].max())),
            )
        )
    return found


def _bare(parents: pd.DataFrame) -> float:
    """What a fork costs the smallest parent, ns: `os_fork`, or the control where that was not measured."""
    smallest = parents.sort_values("copied_bytes").iloc[0]
    total = float(smallest[SHARE.whole])
    return rounded(float(smallest[CONTROL.whole]) if math.isnan(total) else total)


def _thread(parents: pd.DataFrame, priced: Sequence[Price]) -> float | None:
    """What an idle thread costs with its mappings and page tables, ns; ``None``: no parents with threads."""
    threaded = parents[parents["scenario"] == "threads"]
    if threaded.empty:
        return None
    few, many = parents.sort_values("copied_bytes").iloc[[0]], threaded.sort_values("threads").iloc[[-1]]
    dose = doses_of(pd.concat([few, many]))
    (one, other), (less, more) = predicted(priced, dose), dose["threads"]
    return rounded(float((other - one) / (more - less))) if more > less else None


def _missing(control: tuple[str, ...], share: tuple[str, ...]) -> list[str]:
    """What the run does not tell, a line each, with what to add."""
    lines = [
        f"{term.one}: no price from this run; add --scenario {term.scenario}"
        for term in CONTROL_TERMS
        if term.scenario and term.key not in control
    ]
    if not share:
        return [*lines, "Python's share: not in this run; add --mechanism os_fork"]
    return lines + [
        f"{term.many}: no price from this run; add --scenario {term.scenario}"
        for term in SHARE_TERMS
        if term.scenario and term.key not in share and term.key.startswith("handlers_")
    ]
