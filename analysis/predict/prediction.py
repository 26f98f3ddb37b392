"""Turns a model of cost and a process into what a fork would cost it, by cause, and what would help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import LoadError
from analysis.model import terms
from analysis.model.alternatives import MECHANISMS, Alternative, at_size
from analysis.model.checks import REACH
from analysis.model.cost_model import CostModel, Price, predicted
from analysis.predict.process import Process

# What is less than this part of the whole is no cause worth a line, and no help worth the work.
LEAST_PART = 0.02
# Less memory than that is too little for huge pages to be worth a thought.
LEAST_HUGE_BYTES = 16 << 20


@dataclass(frozen=True)
class Range:
    """A time with its 95 % interval, ns."""

    ns: float
    lo_ns: float
    hi_ns: float


@dataclass(frozen=True)
class Cause:
    """What a part of the time is for: `amount` of the term `key`, and what they cost C and Python together, ns."""

    key: str
    amount: float
    ns: float


@dataclass(frozen=True)
class Help:
    """What would make it cheaper: the cost of what it changes before and after, ns."""

    what: str
    before_ns: float
    after_ns: float


@dataclass(frozen=True)
class Prediction:
    """What a fork would cost `process`. `os_fork` is ``None`` where the run has no `os_fork`.

    `beyond` says what the process has more of than the parents of the fit, `unpriced` what the run tells no price of.
    `unseen_ns` is what at-fork handlers of `threading` would add that no file gives away; the upper end has it.
    """

    process: Process
    control: Range
    os_fork: Range | None
    causes: Sequence[Cause]
    alternatives: Mapping[str, Alternative | None]
    helps: Sequence[Help]
    beyond: Sequence[str]
    unpriced: Sequence[str]
    unseen_ns: float


def predict(model: CostModel, process: Process) -> Prediction:
    """Add up what the process holds at the prices of the model. Raises `LoadError` where /proc tells too little."""
    missing = [name for name in terms.NEEDED if name not in process.dose]
    if missing:
        raise LoadError(f"--pid {process.pid}: /proc does not tell its {', '.join(missing)}; read it on the host")
    dose = process.doses()
    unseen = 0.0
    if process.is_python and "threading" not in process.handlers:
        loaded = process.doses(process.handlers | {"threading"})
        unseen = float(predicted(model.share, loaded)[0] - predicted(model.share, dose)[0])
    beyond = _beyond(model, dose)
    control = _range(model.control, dose, model.control_error, beyond)
    total = None
    if model.share and model.os_fork_error is not None:
        total = _range([*model.control, *model.share], dose, model.os_fork_error, beyond, unseen)
    causes = _causes(model, dose)
    size = float(dose["copied_bytes"][0])
    whole = total or control
    return Prediction(
        process,
        control,
        total,
        causes,
        {name: at_size([one for one in model.alternatives if one.mechanism == name], size) for name in MECHANISMS},
        _helps(model, dose, causes, whole),
        beyond,
        _unpriced(model, dose),
        unseen,
    )


def _range(
    prices: Sequence[Price], dose: terms.Doses, error: float, beyond: Sequence[str], unseen: float = 0.0
) -> Range:
    """The sum with its interval: the model's error on parents that it did not know, the doubt in its prices included.

    Beyond the fit's reach the doubt in the price counts once more, in proportion to the amount; both add as squares.
    The upper end has what may be loaded and cannot be seen.
    """
    value = float(predicted(prices, dose)[0])
    amounts = terms.amounts(dose, tuple(price.term for price in prices))[0]
    below = above = 0.0
    for price, amount in zip(prices, amounts, strict=True):
        if price.term in beyond and price.lo_ns is not None and price.hi_ns is not None:
            below += (amount * (price.ns - price.lo_ns)) ** 2
            above += (amount * (price.hi_ns - price.ns)) ** 2
    low = math.hypot(value * -math.expm1(-error), math.sqrt(below))
    high = math.hypot(value * math.expm1(error), math.sqrt(above))
    return Range(value, max(0.0, value - low), value + unseen + high)


def _causes(model: CostModel, dose: terms.Doses) -> list[Cause]:
    """What the sum consists of, dearest first; what growth adds to pages is part of their price."""
    costs: dict[str, float] = {}
    for price in (*model.control, *model.share):
        key = terms.PAGES.key if price.term == terms.GROWTH.key else price.term
        costs[key] = costs.get(key, 0.0) + price.ns * float(terms.TERMS[price.term].amount(dose)[0])
    found = [Cause(key, float(terms.TERMS[key].amount(dose)[0]), cost) for key, cost in costs.items() if cost > 0]
    return sorted(found, key=lambda cause: -cause.ns)


def _helps(model: CostModel, dose: terms.Doses, causes: Sequence[Cause], whole: Range) -> list[Help]:
    """What would save most, best first."""
    found = []
    cost_of = {cause.key: cause.ns for cause in causes}
    huge = next((price.ns for price in model.control if price.term == terms.HUGE.key), None)
    pages = float(terms.pages(dose)[0])
    if huge is not None and pages * terms.PAGE >= LEAST_HUGE_BYTES:
        found.append(
            Help("these pages as huge pages", cost_of[terms.PAGES.key], huge * pages * terms.PAGE / terms.HUGE_PAGE)
        )
    found.append(Help("fork before loading", whole.ns, model.bare_ns))
    worth = [one for one in found if one.before_ns - one.after_ns >= 5 * LEAST_PART * whole.ns]
    return sorted(worth, key=lambda one: one.after_ns - one.before_ns)


def _beyond(model: CostModel, dose: terms.Doses) -> list[str]:
    """What there is more of than in any parent of the fit: the key of its term."""
    keys = []
    for price in model.control:
        if price.term == terms.CONSTANT.key or terms.TERMS[price.term] in terms.GROWTHS:
            continue
        if float(terms.TERMS[price.term].amount(dose)[0]) > REACH * price.most:
            keys.append(price.term)
    return keys


def _unpriced(model: CostModel, dose: terms.Doses) -> list[str]:
    """Terms that the run tells no price of, and of which there is enough to matter."""
    known = {price.term for price in model.control}
    return [
        term.key
        for term in terms.CONTROL_TERMS
        if term.key not in known and term.scenario and float(term.amount(dose)[0]) >= term.spread
    ]


def most_of(model: CostModel, key: str) -> float:
    """The largest amount of a term in the parents of the fit."""
    return next((price.most for price in model.control if price.term == key), float(np.nan))
