"""Turns parents into checks of a model of cost: how far it is off for those that were not in its fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd

from analysis.model import terms
from analysis.model.fit import identified, prices
from analysis.model.observations import doses_of
from analysis.model.terms import Numbers

CONFIDENCE = 0.95
# Amounts up to so much beyond the largest in a fit still lie in its reach.
REACH = 1.02
# Less than that, ns, no price can be.
_NOTHING = 1e-3


class Check(msgspec.Struct, frozen=True):
    """A parent that was not in the fit that predicted it.

    `kind`: ``held out``, or ``left out`` of a fit of all others; `part`: the time of ``control`` or of ``os_fork``.
    """

    name: str
    part: str
    kind: str
    predicted_ns: float
    measured_ns: float

    @property
    def error(self) -> float:
        """By which part of the measured time the prediction is off."""
        return self.predicted_ns / self.measured_ns - 1


@dataclass(frozen=True)
class Part:
    """What a model is fitted to: the column `cost`, with errors as parts of the column `whole`, for all of `whole`."""

    name: str
    cost: str
    whole: str

    def of(self, parents: pd.DataFrame) -> pd.DataFrame:
        """Those of `parents` that have this cost."""
        return parents[parents[self.cost].notna()]

    def fit(self, parents: pd.DataFrame, keys: tuple[str, ...]) -> Numbers:
        """The prices of terms `keys` in `parents`, ns."""
        amounts = terms.amounts(doses_of(parents), keys)
        return prices(amounts, *(parents[name].to_numpy(dtype=float) for name in (self.cost, self.whole)))


CONTROL = Part("control", "control_ns", "control_ns")
SHARE = Part("os_fork", "share_ns", "total_ns")


def rounded(value: float) -> float:
    """Six digits; what is next to nothing is nothing: a bound that the fit touched."""
    return float(f"{value:.6g}") if abs(value) >= _NOTHING else 0.0


def checks_of(parents: pd.DataFrame, control: tuple[str, ...], share: tuple[str, ...]) -> list[Check]:
    """How far predictions are off for parents that were not in the fit: held out, or left out in turn."""
    fitted, held = parents[~parents["held_out"]], parents[parents["held_out"]]
    found = left_out(fitted, CONTROL, control)
    price = CONTROL.fit(fitted, control)
    found += _compared(held, CONTROL, control, price, "held out")
    if share:
        found += left_out(SHARE.of(fitted), SHARE, share, control)
        both = np.concatenate([price, SHARE.fit(SHARE.of(fitted), share)])
        found += _compared(SHARE.of(held), SHARE, (*control, *share), both, "held out")
    return found


def left_out(
    parents: pd.DataFrame, part: Part, keys: tuple[str, ...], control: tuple[str, ...] = (), within: bool = True
) -> list[Check]:
    """Each parent predicted by a fit of all others, where these still tell every price.

    Checks are `within` reach of the others: beyond it, a prediction says so. A choice of terms is not.

    `control` are the terms of the control where `part` comes on top of it.
    """
    every = (*control, *keys)
    spreads = np.array([terms.TERMS[key].spread for key in every])
    found: list[Check] = []
    amounts = terms.amounts(doses_of(parents), every)
    for place in range(len(parents)):
        others, rest = parents.drop(parents.index[place]), np.delete(amounts, place, axis=0)
        beyond = bool((amounts[place] > REACH * rest.max(axis=0, initial=0.0)).any())
        if (within and beyond) or not identified(rest, spreads).all():
            continue
        price = part.fit(others, keys)
        if control:
            price = np.concatenate([CONTROL.fit(others, control), price])
        found += _compared(parents.iloc[[place]], part, every, price, "left out")
    return found


def _compared(parents: pd.DataFrame, part: Part, keys: tuple[str, ...], price: Numbers, kind: str) -> list[Check]:
    if parents.empty:
        return []
    guessed = terms.amounts(doses_of(parents), keys) @ price
    return [
        Check(str(name), part.name, kind, rounded(float(guess)), rounded(float(measured)))
        for name, guess, measured in zip(parents["name"], guessed, parents[part.whole], strict=True)
    ]


def error_of(checks: Sequence[Check]) -> float:
    """The size of logarithm that the error of a new parent stays below with 95 %, as far as the checks carry it.

    The k-th smallest of n, k = ceil(0.95 (n + 1)), which needs no assumption about errors (Vovk et al. 2005,
    "Algorithmic Learning in a Random World", split conformal prediction); the largest where n is below 19.
    """
    sizes = sorted(abs(math.log(max(check.predicted_ns, 1.0) / check.measured_ns)) for check in checks)
    if not sizes:
        return math.log(2.0)  # nothing was checked
    return rounded(sizes[min(len(sizes), math.ceil(CONFIDENCE * (len(sizes) + 1))) - 1])
