"""The command line: `python -m analysis COMMAND`; `COMMANDS` has them all."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Nothing else is loaded here: the list of commands answers at once, and each command loads what it needs.
PROGRAM = "python -m analysis"
COMMANDS = {
    "runs": "the runs that there are: machine, label, Python, rounds, certificate, size",
    "summary": "a table of every cell; writes summary.csv into the run as well",
    "plot": "the figures of runs",
    "report": "summary.csv, pyperf.json.gz, figures, report.md and index.html",
    "compare": "did it change? a verdict for every cell",
    "trend": "latency over the runs of a machine: where did it change, and what differed?",
    "hosts": "which host is faster, and which is odd? the same run on many hosts",
    "model": "what does a fork pay for? ns a page, µs a mapping; writes model.json into the run as well",
    "predict": "what would a fork cost a process that runs?",
    "export": "a run for dashboards (github-action, bencher) and other tools (markdown, csv, json)",
    "validate": "may these runs be published? every finding with file and line",
    "publish": "a static site from everything under results/",
    "export-pyperf": "a run as a file that pyperf's tools read",
    "import-pyperf": "a pyperf file of any benchmark as a run; prints its directory",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status: 0 done, 1 the gate failed, 2 wrong usage, 130 interrupted."""
    command, *rest = (sys.argv[1:] if argv is None else list(argv)) or [""]
    try:
        if command in ("-h", "--help"):
            print(usage())
            return 0
        if command == "--complete":
            print(*_complete(rest), sep="\n")
            return 0
        if command == "--version":
            from bench.schema.usage import VERSION

            print(f"forkbench {VERSION}")
            return 0
        if command not in COMMANDS:
            from bench.schema.usage import near

            problem = f"{command}: no such command{near(command, COMMANDS)}" if command else "no command"
            print(f"analysis: error: {problem}; there is {', '.join(COMMANDS)}", file=sys.stderr)
            return 2
        status = _carry_out(command, rest)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has seen enough. What is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        print(f"analysis {command}: out of memory; end other programs, or raise the limit (ulimit -v)", file=sys.stderr)
        return 2


def _complete(words: Sequence[str]) -> Sequence[str]:
    """What the last of `words` may become; asked for by the scripts of `bench completion`."""
    if len(words) < 2:
        return [name for name in COMMANDS if name.startswith("".join(words))]
    if words[0] not in COMMANDS:
        return []
    from analysis.commands import complete

    return complete(words[0], words[1:])


def usage() -> str:
    """The list of commands."""
    rows = "\n".join(f"  {name:<14} {text}" for name, text in COMMANDS.items())
    return (
        f"usage: {PROGRAM} COMMAND [OPTION]...\n\nWhat do the files of a run say?\n\n{rows}\n\n"
        f"{PROGRAM} COMMAND --help shows the options of one; --version the version."
    )


def _carry_out(command: str, rest: Sequence[str]) -> int:
    from analysis.commands import carry_out
    from analysis.errors import BAD_INPUT
    from analysis.text.notes import print_note

    try:
        return carry_out(f"{PROGRAM} {command}", command, COMMANDS[command], rest)
    except BAD_INPUT as error:
        print_note(f"analysis {command}: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
