"""Turns many damaged inputs into a count for each reader: what it loads, refuses, and where it fails.

    python -m tests.fuzz [--inputs N] [--reader csv|document|pyperf] [--seed S]

The inputs are read one after another in a worker with 2 GiB of address space. A new one is started only where one
died or hung. Exit status 1 where a reader failed in any other way than by one line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.fuzz.readers import READERS
from tests.fuzz.worker import fuzz


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz one reader or all, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000, help="of each reader (default: 1000)")
    parser.add_argument("--reader", choices=READERS, help="default: all")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs: the same seed gives the same (default: 1)")
    args = parser.parse_args(argv)
    failed = False
    for reader in [args.reader] if args.reader else READERS:
        found = fuzz(reader, args.inputs, args.seed)
        print(
            f"{reader:9} {found.inputs} inputs: {found.loads} loads, {found.refusals} refusals, "
            f"{found.tracebacks} tracebacks, {found.hangs} hangs, peak {found.peak / 2**20:.0f} MiB",
            flush=True,
        )
        for failure in found.failures[:20]:
            print(f"  {failure}")
        failed |= bool(found.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
