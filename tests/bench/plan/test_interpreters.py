"""Holds which interpreters are measured, under which labels, and with which words the others are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.plan import availability, interpreters
from bench.plan.interpreters import InterpreterError, find, tilde
from tests.engine import PYTHON


def script(path: Path, text: str) -> str:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def fake(path: Path, version: str, implementation: str = "cpython", **facts: object) -> str:
    """A program that answers as an interpreter of that version does."""
    answer: dict[str, object] = {"version": version, "implementation": implementation, "executable": str(path)}
    answer |= {"free_threaded": False, "debug": False, "missing": {}, **facts}
    lists = "case \"$*\" in *sorted*) echo \"{'modules': [], 'missing': [], 'site_path': []}\";; *)"
    return script(path, f'{lists} cat <<"END"\n{answer!r}\nEND\n;; esac')


def installed(*versions: str) -> list[str]:
    """Paths of real old interpreters, as far as they are here."""
    folders = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    paths = [str(path) for folder in folders for version in versions for path in folder.glob(f"{version}.*/bin/python")]
    return paths + [path for version in versions if (path := shutil.which(f"python{version}")) and "shims" not in path]


def test_the_default_is_the_one_behind_the_environment() -> None:
    """What is installed for the suite is not measured: the default has no site-packages of ours."""
    assert Path(PYTHON).exists()
    code = "import sys; print(sys.prefix == sys.base_prefix)"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True"


def test_an_interpreter_tells_what_it_is() -> None:
    """Version, kind, build and what its site loads are facts; nothing that this one needs is missing here."""
    (interpreter,) = find([PYTHON], availability.needs())
    assert interpreter.label == ".".join(map(str, sys.version_info[:3]))
    assert interpreter.facts["implementation"] == sys.implementation.name
    assert interpreter.facts["executable"] == tilde(interpreter.executable)
    assert interpreter.facts["site_modules"] >= 1
    assert interpreter.facts["pointer_bits"] in (32, 64)
    if hasattr(os, "fork"):
        assert "os.fork" not in interpreter.missing
    assert "missing" not in interpreter.facts


def test_the_same_version_twice_has_two_labels(tmp_path: Path) -> None:
    """Two paths of one version are two rows, told apart by label, and each is run by its own path."""
    link = tmp_path / "the-other"
    link.symlink_to(PYTHON)
    first, second, third = find([PYTHON, str(link), PYTHON], [])
    assert (second.label, third.label) == (f"{first.label}~2", f"{first.label}~3")
    assert second.executable == str(link)


def test_a_wrapper_script_is_not_what_is_measured(tmp_path: Path) -> None:
    """Where the path is a script that starts an interpreter, the interpreter itself is measured."""
    (interpreter,) = find([script(tmp_path / "python", f'exec "{PYTHON}" "$@"')], [])
    assert interpreter.executable == str(Path(PYTHON).resolve()) or Path(interpreter.executable).samefile(PYTHON)


@pytest.mark.parametrize(
    ("version", "implementation", "facts", "label"),
    [
        ("3.13.0", "cpython", {"free_threaded": True}, "3.13.0t"),
        ("3.12.1", "cpython", {"debug": True}, "3.12.1d"),
        ("3.10.14", "pypy", {}, "pypy-3.10.14"),
        ("3.14.0rc1", "cpython", {}, "3.14.0rc1"),
    ],
)
def test_labels_tell_builds_apart(
    tmp_path: Path, version: str, implementation: str, facts: dict[str, object], label: str
) -> None:
    """Free-threaded, debug and other implementations carry it in their label."""
    assert find([fake(tmp_path / "python", version, implementation, **facts)], [])[0].label == label


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit 0", "is not a Python (it did not answer as one)"),
        ("echo 3", "is not a Python (it did not answer as one)"),
        ("echo '{\"version\": 3}'", "is not a Python (it did not answer as one)"),
        ("echo nonsense >&2; exit 5", "is not a Python that can be measured (exit status 5: nonsense)"),
        ("kill -9 $$", "is not a Python that can be measured (exit status -9)"),
    ],
)
def test_a_program_that_is_no_interpreter_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """What does not answer as an interpreter does is named, with what it said."""
    path = script(tmp_path / "program", text)
    with pytest.raises(InterpreterError) as caught:
        find([path], [])
    assert str(caught.value) == f"{path}: {said}"


def test_a_path_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    """A file that is missing, a directory, one that may not be run, and a name with a zero byte."""
    (tmp_path / "text").write_text("no program")
    for path in (str(tmp_path / "missing"), str(tmp_path), str(tmp_path / "text"), "a\0b"):
        with pytest.raises(InterpreterError, match="cannot be started") as caught:
            find([path], [])
        assert "give --python an interpreter's path" in str(caught.value)


def test_a_program_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that hangs is killed after a while, and refused."""
    monkeypatch.setattr(interpreters, "PROBE_TIMEOUT_S", 0.3)
    with pytest.raises(InterpreterError, match="did not answer within"):
        find([script(tmp_path / "slow", "exec sleep 1000")], [])


@pytest.mark.parametrize("version", ["2.7.18", "3.6.15", "3.7.16"])
def test_too_old_an_answer_is_refused(tmp_path: Path, version: str) -> None:
    """A version before 3.8 is refused with its number."""
    with pytest.raises(InterpreterError, match=f"is Python {version}; 3.8 is the oldest that can be measured$"):
        find([fake(tmp_path / "python", version)], [])


OLD = installed("2.7", "3.6", "3.7")
NEW = installed("3.8", "3.9", "3.13")


@pytest.mark.skipif(not OLD, reason="no interpreter before 3.8 is here")
@pytest.mark.parametrize("path", OLD)
def test_real_old_interpreters_are_refused(path: str) -> None:
    """A real one before 3.8 gives the same words, whatever its own errors would be."""
    with pytest.raises(InterpreterError, match=r"is Python \d\.\d+\.\d+; 3\.8 is the oldest that can be measured$"):
        find([path], availability.needs())


@pytest.mark.skipif(not NEW, reason="no other interpreter from 3.8 on is here")
@pytest.mark.parametrize("path", NEW)
def test_real_other_interpreters_are_found(path: str) -> None:
    """Any CPython from 3.8 on answers, and can do what this system can."""
    (interpreter,) = find([path], availability.needs())
    assert interpreter.label.startswith("3.")
    assert interpreter.missing == {}


def test_what_site_prints_does_not_matter(tmp_path: Path) -> None:
    """An interpreter whose start-up files print something is found all the same."""
    chatty = script(tmp_path / "python", f'case "$*" in "-c "*) echo "hello from site";; esac\nexec "{PYTHON}" "$@"')
    answer = interpreters._site_facts(chatty, interpreters._state(chatty))
    assert answer["site_modules"] >= 1


def test_modules_are_looked_for_as_a_program_would() -> None:
    """What is installed or part of the library is found without an import; what is not there is named."""
    here = find([sys.executable], [], ["json", "pandas", "no_such_module", "json.nothing"])[0]
    assert here.missing == {
        f"module:{name}": f"this Python has no module {name}" for name in ("json.nothing", "no_such_module")
    }
    assert "site-packages" in here.site_path


@pytest.mark.parametrize(
    ("home", "path", "short"),
    [
        ("/home/me", "/home/me/bin/python", "~/bin/python"),
        ("/home/me", "/home/meet/python", "/home/meet/python"),
        ("/home/me", "/usr/bin/python", "/usr/bin/python"),
        ("/", "/usr/bin/python", "/usr/bin/python"),
    ],
)
def test_paths_name_nobody(monkeypatch: pytest.MonkeyPatch, home: str, path: str, short: str) -> None:
    """The home directory becomes a tilde, and only it."""
    monkeypatch.setenv("HOME", home)
    assert tilde(path) == short


def test_how_an_interpreter_was_built_names_no_directory() -> None:
    """Of the options of its build, those with a path are left out: it may be somebody's home."""
    options = "'--prefix=/home/me/python' '--enable-shared' 'LDFLAGS=-L/home/me/lib -Wl,-rpath,/x' 'CFLAGS=-O2 -g'"
    assert interpreters._without_paths(options) == "--enable-shared CFLAGS=-O2 -g"
