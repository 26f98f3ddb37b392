"""Turns the options of `model` into what it prints."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from analysis.text.formats import FORMATS
from analysis.text.notes import print_note


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `model`."""
    parser.description = (
        "What does a fork pay for? Fits its cost to what the parents of a run really held: ns a page, µs a mapping, an "
        "open file, a thread, for a fork in C and for what Python adds, with 95 % intervals over rounds. It is checked "
        "on combined parents that were not in the fit, and left in the run as model.json."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run of os_fork over scenarios (make sweep)")
    parser.add_argument("--python", metavar="LABEL", help="of which interpreter (default: the one with most cells)")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")


def act(arguments: Namespace) -> int:
    """Print the model of a run, and leave it there."""
    from analysis.model.cost_model import fit_model
    from analysis.model.model_text import write
    from analysis.model.stored import MODEL_FILE, store
    from analysis.read.run import load_run

    run = load_run(arguments.run)
    model = fit_model(run, arguments.python)
    try:
        store(run.path, model)
    except OSError as error:
        print_note(f"analysis model: {run.path}: {MODEL_FILE} not written ({error.strerror})")
    write(model, arguments.format, sys.stdout)
    return 0
