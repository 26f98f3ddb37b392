"""Turns a model of cost into the file model.json of its run, and back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from analysis.errors import LoadError
from analysis.model import terms
from analysis.model.cost_model import CostModel, fit_model
from analysis.model.model_text import to_json
from analysis.read.bounded_file import MOST_DOCUMENT, read_bytes
from analysis.read.run import load_run
from analysis.write_file import write_file

MODEL_FILE = "model.json"


def store(directory: Path, model: CostModel) -> Path:
    """Write model.json beside the run's files and return its path. Raises `OSError`."""
    path = directory / MODEL_FILE
    write_file(path, to_json(model))
    return path


def model_of(path: Path, python: str | None) -> CostModel:
    """The model in a file, or a new one of a run: a stored one may be older than the run. Raises `LoadError`."""
    if path.suffix != ".json" or path.name == "run.json":
        return fit_model(load_run(path), python)
    model = read(path)
    if python is not None and python != model.python:
        raise LoadError(f"--python {python}: {path} is the model of {model.python}; name the run instead")
    return model


def read(path: Path) -> CostModel:
    """The model in the file `path`. Raises `LoadError`."""
    try:
        model = msgspec.json.decode(read_bytes(path, MOST_DOCUMENT), type=CostModel)
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror or error}); name a run or its {MODEL_FILE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LoadError(f"{path}: no model ({error}); make it again: python -m analysis model RUN") from None
    if not model.control:
        raise LoadError(f"{path}: no model (it has no prices); make it again: python -m analysis model RUN")
    unknown = [one.term for one in (*model.control, *model.share) if one.term not in terms.TERMS]
    if unknown:
        raise LoadError(f"{path}: no model ({unknown[0]!r} is no term); make it again: python -m analysis model RUN")
    return model
