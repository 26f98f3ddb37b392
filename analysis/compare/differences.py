"""Turns the documents of two sides' runs into a list of what differs besides the code that is compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# Named first, because they explain most; all else follows in the order of its name.
_FIRST = ("machine", "kernel", "cpu_model", "cpu_model_name", "cpu_count", "virtualisation", "thp", "governor")
# Of the moment, not of the set-up: they differ between any two runs.
_OPTIONS_SET_APART = ("label", "seed")

Documents = Sequence[Mapping[str, Any]]
Difference = tuple[str, str, str]


def differences(base: Documents, new: Documents) -> list[Difference]:
    """What is not the same in all runs: its name, the values on the base side, the values on the new side."""
    before, after = ([_facts(document) for document in side] for side in (base, new))
    names = {name for facts in (*before, *after) for name in facts}
    order = sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    found = []
    for name in order:
        values = [list(dict.fromkeys(facts.get(name, "–") for facts in side)) for side in (before, after)]
        if len({value for side in values for value in side}) > 1:
            found.append((name, ", ".join(values[0]), ", ".join(values[1])))
    return found


def _facts(document: Mapping[str, Any]) -> dict[str, str]:
    """What may explain a change, flat: machine, kernel and its settings, interpreters, options, the suite itself."""
    found: dict[str, Any] = {"machine": document.get("machine"), "status": document.get("status")}
    found |= dict(_mapping(document, "machine_facts"))
    found |= {f"suite {name}": value for name, value in _mapping(document, "suite").items()}
    found |= {
        f"option {name}": value
        for name, value in _mapping(document, "options").items()
        if name not in _OPTIONS_SET_APART
    }
    found |= {"control": _mapping(document, "control").get("available"), "unfit": document.get("unfit") or None}
    pythons = _mapping(document, "pythons")
    found["python"] = ", ".join(str(label) for label in pythons)
    for label, facts in pythons.items():
        if isinstance(facts, Mapping):
            # With one interpreter a side, its facts are compared even where the label differs.
            prefix = "python" if len(pythons) == 1 else f"python {label}"
            found |= {f"{prefix} {name}": value for name, value in facts.items()}
    return {name: _text(value) for name, value in found.items() if value is not None}


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Part of a document; edited or older documents may lack it."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split()) or "–"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
