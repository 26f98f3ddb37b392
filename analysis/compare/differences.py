"""Turns the documents of two sides' runs into a list of what differs besides the code that is compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from bench.schema import RunDocument

# Named first, because they explain most; all else follows in the order of its name.
_FIRST = ("machine", "kernel", "cpu_model", "cpu_model_name", "cpu_count", "virtualisation", "thp", "governor")
# Of the moment, not of the set-up: they differ between any two runs.
_OPTIONS_SET_APART = ("label", "seed")
# Decide how much is measured, not what.
_OF_LENGTH = (
    "status",
    "unfit",
    *(f"option {name}" for name in ("profile", "budget_s", "rounds", "mechanisms", "scenarios")),
)

Documents = Sequence[RunDocument]
Difference = tuple[str, str, str]


def differences(base: Documents, new: Documents) -> list[Difference]:
    """What is not the same in all runs: its name, the values on the base side, the values on the new side."""
    before, after = ([_facts(document) for document in side] for side in (base, new))
    names = {name for facts in (*before, *after) for name in facts}
    order = sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    different = []
    for name in order:
        values = [list(dict.fromkeys(facts.get(name, "–") for facts in side)) for side in (before, after)]
        if len({value for side in values for value in side}) > 1:
            different.append((name, ", ".join(values[0]), ", ".join(values[1])))
    return different


def set_up(document: RunDocument) -> tuple[tuple[str, str], ...]:
    """What a run was measured with; runs that agree in it measured the same code in the same way."""
    facts = _facts(document)
    return tuple(sorted((name, value) for name, value in facts.items() if name not in _OF_LENGTH))


def _facts(document: RunDocument) -> dict[str, str]:
    """What may explain a change, flat: machine, kernel and its settings, interpreters, options, the suite itself."""
    facts: dict[str, Any] = {"machine": document.machine, "status": document.status, **document.machine_facts}
    facts |= {f"suite {name}": value for name, value in asdict(document.suite).items()}
    options = asdict(document.options)
    facts |= {f"option {name}": value for name, value in options.items() if name not in _OPTIONS_SET_APART}
    facts |= {"control": document.control.available, "unfit": document.unfit or None}
    facts["python"] = ", ".join(document.pythons)
    for label, python in document.pythons.items():
        # With one interpreter a side, its facts are compared even where the label differs.
        prefix = "python" if len(document.pythons) == 1 else f"python {label}"
        facts |= {f"{prefix} {name}": value for name, value in asdict(python).items()}
    return {name: _text(value) for name, value in facts.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split()) or "–"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
