"""Turns the rules for workflows into tests: least permissions, pinned actions, and added runs are checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import ROOT

# The example for a fleet is meant to be copied beside the others.
WORKFLOWS = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), ROOT / "docs" / "fleet" / "matrix.yml"]
SCRIPT = ROOT / ".ci" / "contributed"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_little_and_trust_nobody(path: Path) -> None:
    """A workflow reads by default, never runs with a stranger's request and secrets, and puts no text into a script."""
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^permissions:\n  contents: read\n(?! )", text, re.MULTILINE)
    assert "pull_request_target" not in text
    assert "secrets." not in text
    assert not re.search(r"run: .*\$\{\{", text)
    for line in re.findall(r"^ +[\w-]+: write$", text, re.MULTILINE):
        assert path.name == "site.yml", line


@pytest.mark.parametrize("name", ["contributed.yml", "site.yml"])
def test_actions_are_pinned_by_commit(name: str) -> None:
    """Every action is named by the 40 digits of its commit, with its version beside it."""
    used = re.findall(r"uses: (.*)$", (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def git(repository: Path, *arguments: str) -> None:
    """Carry out a git command as nobody in particular."""
    identity = ["-c", "user.name=x", "-c", "user.email=x", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(repository), *identity, *arguments], check=True, capture_output=True)


def add(repository: Path, *files: str) -> None:
    """Commit files with nothing in them to speak of."""
    for file in files:
        path = repository / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    git(repository, "add", "-A")
    git(repository, "commit", "-m", "x")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_added_runs_are_validated_and_compared(tmp_path: Path) -> None:
    """Runs that commits add are validated together, each compared with the newest before; what lies beside is told."""
    git(tmp_path, "init", "-b", "main")
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "contributed")
    stub = tmp_path / "python"
    stub.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/log\n')
    stub.chmod(0o755)
    add(tmp_path, "results/a/20260101T000000Z/run.json", "results/a/20260102T000000Z/run.json")
    git(tmp_path, "tag", "before")

    def contributed() -> subprocess.CompletedProcess[str]:
        (tmp_path / "log").write_text("")
        environment = os.environ | {"PYTHON": str(stub)}
        script = [str(tmp_path / ".ci" / "contributed"), "before"]
        return subprocess.run(script, env=environment, capture_output=True, text=True)

    assert contributed().stdout == "No run was added.\n"
    add(tmp_path, "results/a/20260103T000000Z/run.json", "results/a/20260103T000000Z/report/x y.svg", "docs/x")
    assert contributed().returncode == 0
    assert (tmp_path / "log").read_text().splitlines() == [
        "-m analysis validate --format markdown -- results/a/20260103T000000Z",
        "-m analysis compare --format markdown -- results/a/20260102T000000Z results/a/20260103T000000Z",
    ]
    add(tmp_path, "results/b/20260103T000000Z/run.json")
    assert "The first run of its machine" in contributed().stdout
    add(tmp_path, "results/a/stray", "results/odd\nname")
    done = contributed()
    assert done.returncode == 1
    assert done.stdout.startswith("2 files under results/ belong to no run")
    stub.write_text("#!/bin/sh\nexit 1\n")
    assert contributed().returncode == 1
