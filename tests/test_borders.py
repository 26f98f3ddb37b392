"""Turns the borders between the packages into tests: what may import what, and who may start a process."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT
from tests.fake_run import FakeCell, FakeRun, write_run

SUBJECT = ROOT / "bench" / "subject"
BENCH = sorted((ROOT / "bench").rglob("*.py"))
ANALYSIS = sorted((ROOT / "analysis").rglob("*.py"))
# Everything that `analysis` needs would be loaded into the controller, and its start-up paid by every command.
NOT_FOR_BENCH = {"pandas", "matplotlib", "scipy", "analysis"}
ANALYSIS_MAY = {"schema"}
# The modules at the top of a program, and the files of a run as data.
FOR_ALL = {"top", "schema"}
STARTS_PROCESSES = {"subprocess", "multiprocessing", "pty", "concurrent", "asyncio"}

_IMPORT_ALL = """
import importlib, json, pkgutil, sys
import bench
names = [one.name for one in pkgutil.walk_packages(bench.__path__, "bench.")]
skipped = {"bench.subject.__main__", "bench.subject.probe"}  # scripts that run when they are loaded
for name in names:
    if name not in skipped:
        importlib.import_module(name)
print(json.dumps([names, sorted({name.partition(".")[0] for name in sys.modules})]))
"""

_WATCHED = """
import sys
import matplotlib.font_manager  # at its very first use it asks the system for fonts by a program, and keeps the answer
from analysis.__main__ import main

STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn", "os.system",
          "os.startfile", "pty.spawn")
started = []

def watch(event, arguments):
    if event in STARTS:
        started.append(event)
        raise RuntimeError(f"analysis started a process: {event}")

sys.addaudithook(watch)
for command in ("summary", "report", "export-pyperf"):
    status = main([command, sys.argv[1]])
    assert not status, (command, status)
assert not started, started
try:
    import os
    os.system("true")
except RuntimeError:
    print("watched")
"""


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Absolute names of all modules that the file imports, inside of functions too, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def arrows(program: str) -> dict[str, set[str]]:
    """What each package of `bench` or `analysis` imports of the others, functions included; top modules: ``top``."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / program).rglob("*.py")):
        inside = path.relative_to(ROOT / program).parts
        package = inside[0] if len(inside) > 1 else "top"
        for name, _ in imports(path):
            parts = name.split(".")
            if parts[0] == program and len(parts) > 1:
                target = parts[1] if (ROOT / program / parts[1]).is_dir() else "top"
                if target != package:
                    found.setdefault(package, set()).add(target)
    return found


def allowed(program: str) -> dict[str, set[str]]:
    """What each package may import, as the tables of CONTRIBUTING say; every one may import `FOR_ALL`."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{program}/(\w+)/` \|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    return {package: {*re.findall(r"\w+", others), *FOR_ALL} - {package} for package, others in rows}


@pytest.mark.parametrize("program", ["bench", "analysis"])
def test_packages_import_along_the_arrows_of_contributing(program: str) -> None:
    """Every package is in CONTRIBUTING's table, imports no more than it says there, and no two import each other."""
    table, real = allowed(program), arrows(program)
    packages = {path.parent.name for path in (ROOT / program).glob("*/__init__.py")}
    assert set(table) == packages | ({"subject"} if program == "bench" else set())
    for package in table:
        assert real.get(package, set()) <= table[package], package
    order: list[str] = []
    while len(order) < len(table):
        free = [name for name in table if name not in order and table[name] <= {*order, *FOR_ALL}]
        assert free, f"a circle among {sorted(set(table) - set(order))}"
        order += free


@pytest.mark.parametrize("program", ["bench", "analysis"])
def test_top_modules_that_packages_use_import_no_package(program: str) -> None:
    """What packages import of the top loads none of them back; `options` alone takes deadlines from the driver."""
    used = {
        parts[1]
        for path in (ROOT / program).glob("*/**/*.py")
        for name, _ in imports(path)
        if (parts := name.split("."))[0] == program and len(parts) > 1 and (ROOT / program / f"{parts[1]}.py").is_file()
    }
    for module in used:
        inside = {
            name.split(".")[1] for name, _ in imports(ROOT / program / f"{module}.py") if name.startswith(f"{program}.")
        }
        packages = {name for name in inside if (ROOT / program / name).is_dir()}
        assert packages - {"schema"} <= ({"driver"} if module == "options" else set()), module


def test_packages_hold_at_most_a_dozen_modules() -> None:
    """No package, and neither top, has more than twelve modules: more cannot be taken in at a glance."""
    for folder in [path.parent for program in ("bench", "analysis") for path in (ROOT / program).rglob("__init__.py")]:
        assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= 12, folder


def at_module_level(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run when the module is loaded: those in functions do not."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ast.iter_child_nodes(node):
                if isinstance(part, ast.stmt):
                    yield from at_module_level([part])
                elif isinstance(part, ast.ExceptHandler):
                    yield from at_module_level(part.body)


def test_bench_loads_nothing_of_the_analysis_half() -> None:
    """Loading every module of `bench` loads neither pandas, matplotlib, scipy nor `analysis`."""
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names, loaded = json.loads(done.stdout)
    assert "bench.measure.run" in names
    assert "pyperf" in loaded
    assert not NOT_FOR_BENCH & set(loaded)


@pytest.mark.parametrize("path", BENCH, ids=lambda path: str(path.relative_to(ROOT)))
def test_bench_names_nothing_of_the_analysis_half(path: Path) -> None:
    """No module of `bench` imports pandas, matplotlib, scipy or `analysis`, not even inside of a function."""
    assert not [(name, line) for name, line in imports(path) if name.partition(".")[0] in NOT_FOR_BENCH]


@pytest.mark.parametrize("path", ANALYSIS, ids=lambda path: str(path.relative_to(ROOT)))
def test_analysis_knows_only_the_files_of_a_run(path: Path) -> None:
    """A module of `analysis` imports of `bench` what describes the files, and nothing that starts processes."""
    for name, line in imports(path):
        first, _, rest = name.partition(".")
        assert first != "bench" or not rest or rest.partition(".")[0] in ANALYSIS_MAY, f"{path}:{line}: {name}"
        assert first not in STARTS_PROCESSES, f"{path}:{line}: {name}"


def test_analysis_starts_no_process(tmp_path: Path) -> None:
    """Summary, report and export of a run are made without a single process being started."""
    run = write_run(tmp_path, FakeRun([FakeCell(calls=5, blocks=2)], rounds=6))
    done = subprocess.run([sys.executable, "-c", _WATCHED, str(run)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("watched\n")
    assert (run / "report" / "index.html").is_file()


@pytest.mark.parametrize("path", sorted(SUBJECT.rglob("*.py")), ids=lambda path: str(path.relative_to(SUBJECT)))
def test_subject_is_python_3_8_and_loads_nothing(path: Path) -> None:
    """What runs inside the measured process is Python 3.8, and loads only os, sys, time and its own modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    own = {module.stem for module in SUBJECT.glob("*.py")} | {"mechanisms"}
    for node in at_module_level(tree.body):
        if isinstance(node, ast.ImportFrom):
            names = [] if node.level else [str(node.module)]
        else:
            names = [alias.name for alias in node.names]
        assert set(names) <= {"os", "sys", "time"} | own, f"{path}:{node.lineno}: {names}"


def test_imports_at_module_level_are_found_wherever_they_hide() -> None:
    """The check above sees imports under if, try and class, and leaves those of functions out."""
    source = (
        "import a\nif x:\n    import b\ntry:\n    import c\nexcept E:\n    import d\nelse:\n    import e\nclass C:\n"
        "    import f\n    def m(self):\n        import g\ndef h():\n    import i\nwith x:\n    import j\n"
    )
    found = [node.names[0].name for node in at_module_level(ast.parse(source).body)]
    assert found == ["a", "b", "c", "d", "e", "f", "j"]
