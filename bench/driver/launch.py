"""Turns the settings of a subject into its command line and its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.driver.guard import GUARD
from bench.own_file import OwnFile

SUBJECT_FOLDER = Path(__file__).parent.parent / "subject"

# No site: its .pth files would be part of every figure. No PYTHON* variables either. Children that are
# started with `python -c` do load site: that is what they measure.
INTERPRETER_FLAGS = ("-E", "-s", "-S")

# The subject keeps only these variables. Any other variable would change the size of the environment, and so
# the cost of every exec, from machine to machine. pyperf's workers follow the same idea.
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
)


@dataclass(frozen=True)
class Settings:
    """What a subject is given at its start. Mechanisms are entry points, ``module:name``.

    `scenarios` are ``module:name=level``, in the order in which they are applied. A subject that is `verified` waits
    before and after them, so that its dose can be read. The subject starts on any of `allowed_cpus`, and pins itself
    to `cpu` once it is set up. `true_program` is the path of the program `true`. `control_folder` holds the C control.
    `tell_program` does the same as `true` and tells when it began, for a cell with the scenario `phases` alone.
    `module_path` holds more folders for `sys.path`. `padding` is the length of an argument without a meaning: it
    shifts what lies in memory (see `Round`). A user's `program` runs in its subject as ``python FILE.py`` would: with
    site and the whole environment. `files` are a user's, and have to be what they were when the run began. `at_once`
    such subjects work at the same time.
    """

    python: str
    mechanism: str
    control_mechanism: str = ""
    scenarios: tuple[str, ...] = ()
    verified: bool = False
    cpu: int | None = None
    allowed_cpus: tuple[int, ...] = ()
    true_program: str = ""
    control_folder: str = ""
    tell_program: str = ""
    module_path: str = ""
    padding: int = 0
    program: bool = False
    files: tuple[OwnFile, ...] = ()
    at_once: int = 1

    def command(self) -> list[str]:
        """The command line that starts the subject."""
        arguments = {
            "mechanism": self.mechanism,
            "control_mechanism": self.control_mechanism,
            "verified": "yes" if self.verified else "",
            "cpu": "" if self.cpu is None else str(self.cpu),
            "true_program": self.true_program,
            "control_folder": self.control_folder,
            "tell_program": self.tell_program,
            "module_path": self.module_path,
            "padding": "x" * self.padding,
            "program": "yes" if self.program else "",
        }
        stub = str(SUBJECT_FOLDER / "__main__.py")
        words = [f"scenario={scenario}" for scenario in self.scenarios]
        words += [f"{name}={value}" for name, value in arguments.items() if value]
        return [self.python, *(() if self.program else INTERPRETER_FLAGS), stub, *words]

    def changed(self) -> str:
        """Which of its files is no longer what it was, in one line, or an empty string."""
        return next(filter(None, (file.problem() for file in self.files)), "")


def environment(whole: bool = False) -> dict[str, str]:
    """The environment of every subject, or the `whole` one of this process.

    Temporary files go where the guard of the run removes them.
    """
    own = {"TMPDIR": GUARD.folder} if GUARD.folder else {}
    names = os.environ if whole else [name for name in KEPT_VARIABLES if name in os.environ]
    return {name: os.environ[name] for name in names} | own
