"""Holds that the files beside docs/fleet.md name what there is: commands, options, the version of Dask."""

from __future__ import annotations

import re
import shlex

import pytest

from analysis import commands as analysis_commands
from bench import commands
from tests import ROOT
from tests.documents.test_documents import parse

FILES = sorted((ROOT / "docs" / "fleet").iterdir())
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
TYPED = re.findall(r"python -m (bench|analysis) ([^>\n]*)", TEXT)


@pytest.mark.parametrize(("program", "line"), sorted(set(TYPED)))
def test_commands_in_the_files_can_be_typed(program: str, line: str) -> None:
    """The parsers take every command of the manifests and scripts with its options."""
    name, *words = shlex.split(line)
    parse((commands if program == "bench" else analysis_commands)._COMMANDS[name].add_options, words)


def test_every_file_is_named_by_the_document() -> None:
    """A manifest or script that the document does not link to is found by nobody."""
    document = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    assert FILES
    assert [path.name for path in FILES if f"(fleet/{path.name})" not in document] == []


def test_hosts_are_given_the_version_of_dask_that_the_lock_has() -> None:
    """Scheduler, workers and controller have one version: documents and manifests say what the lock file says."""
    (locked,) = re.findall(r"^distributed==(\S+)", (ROOT / "requirements-fleet.lock").read_text(), re.MULTILINE)
    document = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    assert set(re.findall(r"distributed==([\d.]+)", TEXT + document)) == {locked}


def test_the_script_for_batch_systems_compiles() -> None:
    """It runs where dask-jobqueue is, so that here it is only read."""
    path = ROOT / "docs" / "fleet" / "slurm.py"
    compile(path.read_text(encoding="utf-8"), str(path), "exec")
