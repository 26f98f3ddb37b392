"""The command line: `python -m bench run | list | check | selftest | twin | fleet | gather | completion | demo`."""

from __future__ import annotations

import os
import sys

# Nothing else is loaded here: the list of commands then costs little more than a start of Python.
TYPE_CHECKING = False  # as in typing, which takes as long to load as all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "python -m bench"
COMMANDS = {
    "run": "measure; the last line of standard output is the run's directory",
    "list": "mechanisms and scenarios, and what is unavailable here and why",
    "check": "is this machine fit to measure on? exit status 1 if not",
    "selftest": "measure the instrument's own error, about 30 s",
    "twin": "measure what a fork would cost a running process, in a subject with the same memory",
    "fleet": "the same run on many hosts of a Dask cluster, or on this host alone",
    "gather": "bring runs from other hosts together under results/, each checked",
    "completion": "a script by which bash, zsh or fish completes both programs",
    "demo": "fork a child for every line you type; q ends it",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status: 0 done, 1 a check failed, 2 wrong usage, 130 interrupted."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
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

            what = f"{command}: no such command{near(command, COMMANDS)}" if command else "no command"
            print(f"bench: error: {what}; there is {', '.join(COMMANDS)}", file=sys.stderr)
            return 2
        return _carry_out(command, rest)
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        print(f"bench {command}: out of memory; end other programs, or raise the limit (ulimit -v)", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _complete(words: Sequence[str]) -> Sequence[str]:
    """What the last of `words` may become; asked for by the scripts of `bench completion`."""
    if len(words) < 2:
        return [name for name in COMMANDS if name.startswith("".join(words))]
    if words[0] not in COMMANDS:
        return []
    from bench.commands import complete

    return complete(words[0], words[1:])


def usage() -> str:
    """The list of commands."""
    rows = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
    return (
        f"usage: {PROGRAM} COMMAND [OPTION]...\n\nHow long does starting a process take?\n\n{rows}\n\n"
        f"{PROGRAM} COMMAND --help shows the options of one; --version the version."
    )


def _carry_out(command: str, rest: Sequence[str]) -> int:
    from bench.commands import BAD_INPUT, carry_out
    from bench.schema.visible import visible

    try:
        return carry_out(f"{PROGRAM} {command}", command, COMMANDS[command], rest)
    except BAD_INPUT as error:
        print(visible(f"bench {command}: {error}"), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
