"""The options of `python -m bench run`, checked as far as that is possible without a look at the machine."""

from __future__ import annotations

import math
import re
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path

from bench.driver import only_run
from bench.driver.process import BLOCK_DEADLINE_S
from bench.errors import UsageError

DEFAULT_BUDGET_S = {"quick": 10.0, "standard": 60.0, "full": 300.0, "sweep": 360.0}
# An exact 95 % interval of a median needs six values: 1 - 2 / 2**6 = 96.9 %, with five it is 93.8 %.
FEWEST_ROUNDS = 6
DEFAULT_BLOCK_NS = 12_000_000
# The most pairs of blocks that one cell can have in a round. The schedule shuffles so many places for every cell.
MOST_PAIRS = 16


@dataclass(frozen=True)
class Options:
    """Options of a run. `budget_s` covers the whole run; `rounds`, if given, replaces it.

    `module_path` has more folders for `sys.path` of the subjects.
    """

    results: Path
    profile: str = "standard"
    budget_s: float | None = None
    rounds: int | None = None
    mechanisms: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    cpu: str = "auto"
    seed: int = 1
    label: str | None = None
    machine: str | None = None
    certificate: bool = True
    block_ns: int = DEFAULT_BLOCK_NS
    core_pairs: int = 10
    other_pairs: int = 2
    deadline_s: float = BLOCK_DEADLINE_S
    module_path: str = field(default="", repr=False)
    when_busy: str = field(default_factory=only_run.default)

    def __post_init__(self) -> None:
        """Raises `UsageError` for values that can never be right."""
        if self.budget_s is not None and not 0 < self.budget_s < float("inf"):
            raise UsageError(f"--budget {self.budget_s:g}: must be a number of seconds, more than 0")
        if self.rounds is not None and self.rounds < 1:
            raise UsageError(f"--rounds {self.rounds}: must be at least 1")
        if not self.block_ns >= 100_000:
            raise UsageError(f"--block-ms {self.block_ns / 1e6:g}: must be at least 0.1")
        if self.cpu not in ("auto", "none") and not re.fullmatch(r"[0-9]{1,9}", self.cpu):
            raise UsageError(f"--cpu {self.cpu}: must be auto, none or the number of a CPU")
        for name, text in (("--label", self.label), ("--machine", self.machine)):
            if text is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,60}", text):
                raise UsageError(f"{name} {text!r}: up to 61 letters, digits and . _ + -, since it names a directory")

    @property
    def budget(self) -> float:
        """Seconds for the whole run."""
        return self.budget_s if self.budget_s is not None else DEFAULT_BUDGET_S.get(self.profile, 60.0)


def parse_block(milliseconds: float) -> int:
    """The length of a block in ns; 0, which no block may have, for a value that is not a number."""
    return int(milliseconds * 1e6) if math.isfinite(milliseconds) else 0


def parse_pairs(text: str) -> tuple[int, int]:
    """Read ``CORE,OTHERS``. Raises `UsageError`."""
    match = re.fullmatch(r"(\d+),(\d+)", text)
    if not match or not all(1 <= int(number) <= MOST_PAIRS for number in match.groups()):
        raise UsageError(f"--pairs {text}: write two numbers from 1 to {MOST_PAIRS}, as in 10,2")
    return int(match[1]), int(match[2])


def add_options(parser: ArgumentParser) -> None:
    """Add what says how a run measures and where it lies."""
    add = parser.add_argument
    add("--profile", default="standard", metavar="NAME", help="quick, standard (the default), full or sweep")
    add("--budget", type=float, metavar="SECONDS", help="for the whole run (default: 10, 60, 300 or 360)")
    add("--rounds", type=int, metavar="N", help="measure N rounds, however long they take")
    add(
        "--mechanism",
        action="append",
        default=[],
        metavar="NAME",
        help="instead of the profile's (repeatable); FILE.py:function is one of your own",
    )
    add(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME=LEVEL[,LEVEL]",
        help="instead of the profile's (repeatable), as in rss=0,64MiB or program=FILE.py, your program as the parent",
    )
    add("--python", action="append", default=[], metavar="PATH", help="interpreter to measure (repeatable)")
    add("--cpu", default="auto", metavar="auto|none|N", help="the CPU that subjects are pinned to")
    add("--seed", type=int, default=1, metavar="N", help="of the order of blocks (default: 1)")
    add("--label", metavar="TEXT", help="becomes part of the run's name")
    add("--machine", metavar="NAME", help="directory of this machine (default: made from its facts)")
    add("--results", default=Path("results"), type=Path, metavar="DIR", help="default: results")
    add("--block-ms", type=float, default=DEFAULT_BLOCK_NS / 1e6, metavar="MS", help="length of a block (default: 12)")
    add(
        "--pairs",
        default="10,2",
        metavar="CORE,OTHERS",
        help="most pairs of blocks a round for core cells and others; fewer where the budget is small (default: 10,2)",
    )


def read(arguments: Namespace) -> Options:
    """The options that the parser of `add_options` found. Raises `UsageError`."""
    core, others = parse_pairs(arguments.pairs)
    return Options(
        results=arguments.results,
        profile=arguments.profile,
        budget_s=arguments.budget,
        rounds=arguments.rounds,
        mechanisms=tuple(arguments.mechanism),
        scenarios=tuple(arguments.scenario),
        pythons=tuple(arguments.python),
        cpu=arguments.cpu,
        seed=arguments.seed,
        label=arguments.label,
        machine=arguments.machine,
        block_ns=parse_block(arguments.block_ms),
        core_pairs=core,
        other_pairs=others,
    )
