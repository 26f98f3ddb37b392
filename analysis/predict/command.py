"""Turns the options of `predict` into what it prints."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `predict`."""
    parser.description = (
        "What would os.fork cost a process that runs? Reads its smaps, status and fd in /proc, without stopping or "
        "tracing it, and adds up what it holds at the prices of a run's model."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run of `model`, or a model.json")
    parser.add_argument("--pid", required=True, metavar="PID", help="the process")
    parser.add_argument("--python", metavar="LABEL", help="the interpreter of the run to go by")
    parser.add_argument("--json", action="store_true", help="print one JSON object, times in ns")


def act(arguments: Namespace) -> int:
    """Print what a fork would cost a process."""
    from analysis.model.stored import model_of
    from analysis.predict import text
    from analysis.predict.prediction import predict
    from analysis.predict.process import read_process
    from bench.schema.visible import visible

    process = read_process(arguments.pid)  # first: it may be gone before a run is read
    model = model_of(arguments.run, arguments.python)
    found = predict(model, process)
    if arguments.json:
        sys.stdout.write(text.to_json(model, found))
    else:
        sys.stdout.writelines(f"{visible(line)}\n" for line in text.lines(model, found))
    return 0
