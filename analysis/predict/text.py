"""Turns a prediction into lines for people, or into JSON."""

from __future__ import annotations

import json
from typing import Any

from analysis.model import terms
from analysis.model.cost_model import CostModel
from analysis.predict.prediction import LEAST_PART, Cause, Prediction, most_of
from analysis.text.units import bytes_text, time_text


def lines(model: CostModel, found: Prediction) -> list[str]:
    """The answer first, then its causes, what else would cost, what would help, and what it rests on."""
    total, name = (found.os_fork, "os.fork") if found.os_fork else (found.control, "a fork in C")
    reach = f", beyond the {_reach(model, found)} that the fit reaches" if found.beyond else ""
    process = found.process
    shown = [
        f"{name} in process {process.pid} ({process.name}) would take "
        f"{time_text(total.ns, total.lo_ns, total.hi_ns)}{reach}"
    ]
    shown += [f"  {_cause_text(cause)}: {time_text(cause.ns)}" for cause in found.causes if _matters(cause, total.ns)]
    small = sum(cause.ns for cause in found.causes if not _matters(cause, total.ns))
    shown += [f"  all else: {time_text(small)}"] if small > 0 else []
    if found.os_fork:
        control = found.control
        shown.append(f"of that a fork in C: {time_text(control.ns, control.lo_ns, control.hi_ns)}")
    shown += _instead(found)
    if found.helps:
        helps = "; ".join(f"{one.what}: {time_text(one.before_ns)} → {time_text(one.after_ns)}" for one in found.helps)
        shown.append(f"would help most: {helps}")
    return [*shown, *notes(model, found)]


def notes(model: CostModel, found: Prediction) -> list[str]:
    """What a reader must know about the figures."""
    said = []
    if found.unseen_ns > 0:
        said.append(
            f"no file gives away whether it has imported threading; that would add {time_text(found.unseen_ns)}, and "
            "the upper end has it"
        )
    if not found.process.is_python:
        said.append("not a Python process, as far as its files tell: it has no share of Python in truth")
    for key in found.unpriced:
        term = terms.TERMS[key]
        said.append(
            f"not counted: {_amount_text(Cause(key, _amount(found, key), 0.0))}, of which {model.run} tells no price "
            f"(add --scenario {term.scenario})"
        )
    said.append(f"by the model of {model.run} on {model.machine}, Python {model.python}, {model.rounds} rounds")
    return said


def to_json(model: CostModel, found: Prediction) -> str:
    """One object; times in ns, null where the run does not tell."""
    total = found.os_fork
    others = {f"{name}_ns": None if one is None else round(one.ns) for name, one in sorted(found.alternatives.items())}
    values: dict[str, Any] = {
        "pid": found.process.pid,
        "name": found.process.name,
        "os_fork_ns": None if total is None else round(total.ns),
        "os_fork_lo_ns": None if total is None else round(total.lo_ns),
        "os_fork_hi_ns": None if total is None else round(total.hi_ns),
        "control_ns": round(found.control.ns),
        "control_lo_ns": round(found.control.lo_ns),
        "control_hi_ns": round(found.control.hi_ns),
        **others,
        "causes": [
            {"term": cause.key, "text": _cause_text(cause), "amount": round(cause.amount, 3), "ns": round(cause.ns)}
            for cause in found.causes
        ],
        "helps": [
            {"what": one.what, "before_ns": round(one.before_ns), "after_ns": round(one.after_ns)}
            for one in found.helps
        ],
        "beyond_fit": list(found.beyond),
        "dose": dict(found.process.dose),
        "notes": notes(model, found),
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def _matters(cause: Cause, whole_ns: float) -> bool:
    return cause.ns >= LEAST_PART * whole_ns


def _cause_text(cause: Cause) -> str:
    if cause.key == terms.CONSTANT.key or cause.key.startswith("handlers_"):
        return terms.TERMS[cause.key].many
    return _amount_text(cause)


def _amount_text(cause: Cause) -> str:
    term = terms.TERMS[cause.key]
    return f"{bytes_text(cause.amount * term.size)} in {term.many}" if term.size else f"{cause.amount:.0f} {term.many}"


def _amount(found: Prediction, key: str) -> float:
    return float(terms.TERMS[key].amount(found.process.doses())[0])


def _reach(model: CostModel, found: Prediction) -> str:
    return " and ".join(_amount_text(Cause(key, most_of(model, key), 0.0)) for key in found.beyond)


def _instead(found: Prediction) -> list[str]:
    """What other ways would cost, with the reach of what was measured in the same sentence."""
    said, absent = [], []
    size = found.process.dose["copied_bytes"]
    for name, one in found.alternatives.items():
        if one is None:
            absent.append(name)
            continue
        reach = f", measured in parents of up to {bytes_text(one.copied_bytes)}" if size > one.copied_bytes else ""
        said.append(f"instead, {name}: {time_text(one.ns, one.lo_ns, one.hi_ns)}{reach}")
    if absent:
        asked = " ".join(f"--mechanism {name}" for name in absent)
        said.append(f"instead, {' or '.join(absent)}: not measured in this run (add {asked} --scenario parent=bare)")
    return said
