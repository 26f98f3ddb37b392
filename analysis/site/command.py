"""Turns the options of `analysis publish` into a site."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from analysis.errors import LoadError
from analysis.text.notes import print_note

DOCS = Path(__file__).parents[2] / "docs"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `publish`."""
    parser.add_argument("--site", type=Path, required=True, metavar="DIR", help="a new folder, or a site to update")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument(
        "--redraw",
        action="store_true",
        help="make all answers and figures from the raw files (some seconds a run), and take none from a run's report",
    )


def act(arguments: Namespace) -> int:
    """Write the site and print its front page; 1: a run was left out."""
    from analysis.site.build import build

    if not arguments.results.is_dir():
        raise LoadError(f"--results {arguments.results}: no such folder; make a run with: make bench")
    try:
        built = build(arguments.results, DOCS, arguments.site, arguments.redraw)
    except OSError as error:
        raise LoadError(f"--site {arguments.site}: cannot be written ({error.strerror}); name another place") from None
    for problem in built.problems:
        print_note(f"analysis publish: left out: {problem}")
    removed = f", {len(built.removed)} removed" if built.removed else ""
    print_note(f"{len(built.written)} files written{removed}")
    print(arguments.site / "index.html")
    return 1 if built.problems else 0
