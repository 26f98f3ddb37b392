"""Turns the rules of the project itself into tests: commands, top level, lock, and what no file may hold."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT

MAKEFILE = ROOT / "Makefile"
TOP_LEVEL = {
    *(".ci", ".github", ".gitignore", "bench", "results", "analysis", "tests", "docs"),
    *("Makefile", "pyproject.toml", "requirements.lock", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    *("CITATION.cff", "requirements-fleet.lock"),
}
# Others script against these names.
CONTRACT = ("bench", "quick", "sweep", "selftest", "compare", "report", "fleet", "demo", "test", "check", "help")
# A path under the home of the superuser, or where the suite was written.
A_PATH_OF_ONE_MACHINE = re.compile(rb"(^|[^A-Za-z0-9_])/(root|work|farm)/[a-z.]", re.MULTILINE)


@cache
def tracked() -> tuple[Path, ...]:
    """All files that git keeps and that are there; the test is skipped where there is no checkout."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"not a checkout that git reads: {done.stderr.decode(errors='replace').strip()}")
    return tuple(path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


def modules() -> list[Path]:
    """All Python files of the project."""
    return [path for folder in ("bench", "analysis", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


def targets() -> dict[str, str]:
    """The Makefile's targets, each with the sentence behind ``##``, which is empty where there is none."""
    found = re.findall(r"^([a-z]+):(?!=)[^#\n]*(?:## (.*))?$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout, as from a terminal: what a make around it left in the environment is not for it."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("make is not installed")
    inherited = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "TESTS")
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    return subprocess.run([program, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_make_alone_prints_every_target_with_its_sentence() -> None:
    """`make` without a target prints each target and the sentence that says what it does."""
    done = make()
    assert done.returncode == 0, done.stderr
    for name, sentence in targets().items():
        assert sentence, f"{name} has no sentence"
        assert re.search(rf"^  {name} +{re.escape(sentence)}$", done.stdout, re.MULTILINE)


def test_targets_that_others_script_against_are_there() -> None:
    """The targets of the command line's contract exist, and none of them is taken for a file."""
    phony = re.search(r"^\.PHONY:(.*)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(targets())
    assert set(CONTRACT) <= set(targets())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare",), "make compare: name two runs"),
        (("compare", "BASE=results/a"), "make compare: name two runs"),
        (
            ("report", "RESULTS=nowhere"),
            "analysis report: latest: no run under nowhere; make one first with: make bench",
        ),
    ],
)
def test_make_says_what_it_needs(arguments: tuple[str, ...], said: str) -> None:
    """A target without the variables that it needs says which in one line and fails."""
    done = make("-o", "setup", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said)


@pytest.mark.parametrize(("given", "said"), [("BUGET=5", ", the nearest is BUDGET; "), ("XYZQ=1", "; there is ")])
def test_make_names_a_variable_that_nothing_reads(given: str, said: str) -> None:
    """A mistyped variable ends `make` in one line before anything is done, with the nearest that there is."""
    done = make("bench", given)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"{given.partition('=')[0]}: no such variable{said}" in done.stderr
    assert " LABEL " in done.stderr


STUB = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in
    *"-m $FAILS"*) exit "$STATUS" ;;
    *"-m bench run"*) printf 'said before\\n%s\\n' "a place/run" ;;
    *"-m analysis report --table"*) printf 'TABLE\\nreport: %s/report/index.html\\n' "$5" ;;
esac
"""


@pytest.mark.parametrize(
    ("fails", "status", "shown", "commands"),
    [
        ("nothing", 0, ["said before", "a place/run", "TABLE", "report: a place/run/report/index.html"], 2),
        ("bench run", 2, [], 1),
        ("analysis report", 1, ["said before", "a place/run"], 2),
    ],
)
def test_measuring_ends_with_table_and_report(
    fails: str, status: int, shown: list[str], commands: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make quick` measures, then shows table and report; a step that fails ends it, and the run's place is told."""
    stub, log = tmp_path / "python", tmp_path / "log"
    stub.write_text(STUB)
    stub.chmod(0o755)
    for name, value in (("LOG", str(log)), ("FAILS", fails), ("STATUS", str(status))):
        monkeypatch.setenv(name, value)
    done = make("-o", "setup", "quick", f"PY={stub}", "BUDGET=7", "LABEL=x", "RESULTS=some where", "PYTHON=a b")
    assert (done.returncode, done.stdout.splitlines()) == (2 * bool(status), shown)
    called = log.read_text().splitlines()
    assert len(called) == commands
    assert called[0] == "-m bench run --profile quick --results some where --budget 7 --label x --python a --python b"
    assert all(line.endswith(" a place/run") for line in called[1:])


def test_top_level_holds_nothing_else() -> None:
    """The top level of the repository holds the agreed files and folders only."""
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_file_names_a_path_of_one_machine() -> None:
    """No file that git keeps holds an absolute path of a machine that it was made on."""
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in tracked()
        if (match := A_PATH_OF_ONE_MACHINE.search(path.read_bytes()))
    }
    assert not found


LOCKS = [
    "requirements.lock",
    "requirements-fleet.lock",
    "tests/browser/requirements.lock",
    "tests/mutation/requirements.lock",
]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_registry_and_pins_by_content(lock: str) -> None:
    """A lock holds no address of a registry, pins every package to one version, and has a hash for each."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "-index" not in text
    packages = re.findall(r"^([A-Za-z0-9._-]+)(.*?)(?=^[A-Za-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert packages
    for name, rest in packages:
        assert re.match(r"==[^ ]+ ", rest), name
        assert "--hash=sha256:" in rest, name


def locked(lock: str) -> set[str]:
    """The packages in a lock."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
    return {name.lower().replace("_", "-") for name in names}


def test_locks_hold_what_the_project_needs() -> None:
    """Every dependency of pyproject.toml is in the lock, those for a fleet in one of their own, and none in both."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert {*project["dependencies"], *extras["dev"]} <= locked("requirements.lock")
    assert {*extras["fleet"]} <= locked("requirements-fleet.lock")
    assert not locked("requirements.lock") & locked("requirements-fleet.lock")


def test_every_module_says_what_it_turns_into_what() -> None:
    """Every module begins with a docstring whose first line is a sentence."""
    for path in modules():
        if path.name == "__init__.py" and "tests" in path.parts:
            continue  # a folder of tests needs no words
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert said, path
        assert re.match(r"[A-Z`].*[.:?,;)\w]$", said.splitlines()[0]), path


def test_every_test_says_which_behaviour_it_holds() -> None:
    """Every test function has a docstring."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name}"


def test_the_workflow_runs_the_same_as_the_project_runs() -> None:
    """What the GitHub workflow runs is `.ci/run`, which can be run by hand and stops at the first failure."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"^\s*- run: (.*)$", workflow, re.MULTILINE) == ["bash .ci/run"]
