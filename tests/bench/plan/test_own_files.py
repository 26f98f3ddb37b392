"""Holds how users' files are named in a run, and what is said of those that cannot be measured."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from textwrap import dedent

import pytest

from bench.driver.launch import Settings
from bench.driver.process import Subject
from bench.errors import UsageError
from bench.own_file import look_at
from bench.plan import cells, own_files, own_mechanism
from bench.plan.levels import PlanError, parse_scenarios
from bench.schema import Role, Work
from tests import ROOT
from tests.engine import PATIENCE_S, PYTHON, needs_fork, status

MINE = """
    import os
    from time import perf_counter_ns
    from mechanisms import exit_code, mechanism
    print("printed while it is loaded")

    @mechanism("fork", control="native_fork", needs=("os.fork",))
    def my_fork(subject):
        '''Mine: the first line.

        And no other.
        '''
        def call():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            return perf_counter_ns(), 0, exit_code(os.waitpid(pid, 0)[1])
        return call

    def plain(subject):
        pass
    """


def write(path: Path, text: str) -> str:
    """Write the file, and return the first 12 digits of its hash."""
    path.write_text(dedent(text))
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_a_file_is_known_by_its_name_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the path, the recorded name is the same; another content has another name."""
    digest = write(tmp_path / "server.py", "x = 1\n")
    monkeypatch.chdir(tmp_path)
    assert look_at(str(tmp_path / "server.py")).name == look_at("server.py").name == f"server.py@{digest}"
    write(tmp_path / "server.py", "x = 2\n")
    assert look_at("server.py").name != f"server.py@{digest}"


@pytest.mark.parametrize("name", ["none.py", "folder.py", "pipe.py", "a@b.py"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    """In one line that names it, and without waiting for a pipe's writer."""
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path / name}: ")) as caught:
        parse_scenarios([f"program={tmp_path / name}"])
    assert "\n" not in str(caught.value)


def test_a_program_is_a_level_by_its_recorded_name(tmp_path: Path) -> None:
    """Two paths of one file are one level; two files of one name and content cannot be told apart."""
    digest = write(tmp_path / "server.py", "x = 1\n")
    path = tmp_path / "server.py"
    (level,) = parse_scenarios([f"program={path},{tmp_path}/./server.py"])
    assert (level.scenario, level.text, level.runs_program) == ("program", f"server.py@{digest}", True)
    assert level.words == (f"scenarios.program:program={path}",)
    (both,) = parse_scenarios([f"program={path}+threads=8"])
    assert (both.scenario, both.text) == ("program+threads", f"server.py@{digest}+8")
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "server.py", "x = 1\n")
    with pytest.raises(PlanError, match="have one name and one content"):
        parse_scenarios([f"program={path},{tmp_path}/other/server.py"])


def test_options_are_recorded_without_a_path_and_found_again(tmp_path: Path) -> None:
    """What a run records of its options leads back to them once the files are named again."""
    digest, mine = write(tmp_path / "server.py", "x = 1\n"), write(tmp_path / "mine.py", MINE)
    mechanisms, scenarios = ["os_fork", f"{tmp_path}/mine.py:my_fork"], [f"program={tmp_path}/server.py+threads=1,2"]
    recorded = own_files.recorded_mechanisms(mechanisms), own_files.recorded_scenarios(scenarios)
    assert recorded == (["os_fork", f"mine.py:my_fork@{mine}"], [f"program=server.py@{digest}+threads=1,2"])
    named = own_files.named([mechanisms[1]], [f"program={tmp_path}/server.py"])
    assert own_files.with_paths(*recorded, named) == (tuple(mechanisms), tuple(scenarios))
    assert own_files.arguments(mechanisms, scenarios) == f" --mechanism {mechanisms[1]} --scenario {scenarios[0]}"
    assert own_files.arguments(["os_fork"], ["rss=0"]) == ""


def test_files_of_a_run_that_are_not_named_or_not_the_same_are_asked_for(tmp_path: Path) -> None:
    """The text shows the option to give; what has another content is refused with both hashes."""
    digest = write(tmp_path / "server.py", "x = 1\n")
    recorded = [f"program=server.py@{digest}"]
    with pytest.raises(UsageError, match=r"name it again: --scenario program=server\.py$"):
        own_files.with_paths([], recorded, {})
    with pytest.raises(UsageError, match=r"name it again: --mechanism mine\.py:my_fork$"):
        own_files.with_paths([f"mine.py:my_fork@{digest}"], [], {})
    now = write(tmp_path / "server.py", "x = 2\n")
    with pytest.raises(UsageError, match=rf"server\.py@{digest} then, server\.py@{now} now"):
        own_files.with_paths([], recorded, own_files.named([], [f"program={tmp_path}/server.py"]))
    with pytest.raises(UsageError, match="rss=0: a run goes on with its own"):
        own_files.named([], ["rss=0"])
    with pytest.raises(UsageError, match="os_fork: a run goes on with its own"):
        own_files.named(["os_fork"], [])


@needs_fork
def test_a_function_of_a_users_file_is_a_mechanism(tmp_path: Path) -> None:
    """Work, control, needs and first line are what its decorator and docstring say; its name has the hash."""
    digest = write(tmp_path / "mine.py", MINE)
    ((mechanism, level),) = cells.requested("standard", [f"{tmp_path}/mine.py:my_fork"], [], PYTHON)
    assert (mechanism.name, mechanism.work) == (f"mine.py:my_fork@{digest}", Work.FORK)
    assert (mechanism.control, mechanism.needs) == ("native_fork", ("os.fork",))
    assert (mechanism.description, level.name) == ("Mine: the first line.", "parent=bare")
    assert mechanism.entry_point == f"{tmp_path}/mine.py:my_fork"


BAD = {
    "plain": (MINE, "is not marked as a mechanism; write `from mechanisms import mechanism` and `@mechanism("),
    "absent": (MINE, r"mine.py: has no function absent"),
    "f": ("x = 1\nraise ValueError('oh\\nno')\n", "mine.py:2: ValueError: oh no"),
    "g": ("import os\nos._exit(4)\n", "Python ended with exit status 4 when it loaded the file"),
    "h": ("import sys\nsys.exit()\n", "mine.py:2: sys.exit()"),
    "i": ("from mechanisms import mechanism\n@mechanism('dance')\ndef i(s): pass\n", "no such work; there is"),
    "j": ("from mechanisms import mechanism\n@mechanism('fork', 'os_fork')\ndef j(s): pass\n", "no such control;"),
    "k": ("from mechanisms import mechanism\n@mechanism('fork', '', (1,))\ndef k(s): pass\n", "is a tuple of words"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_without_the_mechanism_is_refused_with_what_to_write(tmp_path: Path, name: str) -> None:
    """In one line: what is missing, or the file's own error with its line."""
    text, reason = BAD[name]
    write(tmp_path / "mine.py", text)
    with pytest.raises(UsageError) as caught:
        own_mechanism.find(f"{tmp_path}/mine.py:{name}", PYTHON)
    assert str(caught.value).startswith(f"mine.py:{name}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_called_like_another_module_is_refused(tmp_path: Path) -> None:
    """A spawned child could not import it by its name."""
    write(tmp_path / "json.py", MINE)
    with pytest.raises(UsageError, match=r"there is another module json; rename the file"):
        own_mechanism.find(f"{tmp_path}/json.py:my_fork", PYTHON)


def test_a_user_reads_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, as program and as mechanism, ends the command before anything is measured."""
    for words in (("--mechanism", f"{tmp_path}/no.py:f"), ("--scenario", f"program={tmp_path}/no.py")):
        assert status("run", *words, "--results", str(tmp_path / "results")) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "no.py: cannot be read (No such file or directory)" in said
    assert not (tmp_path / "results").exists()


@needs_fork
def test_the_documented_mechanism_works_from_a_users_file(tmp_path: Path) -> None:
    """The example of CONTRIBUTING, behind the one line that its text asks for, is looked at and measured."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(r"^```python\n(@mechanism\(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    (line,) = re.findall(r"`(from mechanisms import [^`]*)`", text)
    write(tmp_path / "mine.py", f"{line}\n\n\n{found[1]}")
    mechanism = own_mechanism.find(f"{tmp_path}/mine.py:my_fork", PYTHON)
    with Subject(Settings(PYTHON, mechanism.entry_point)) as subject:
        subject.ready(PATIENCE_S)
        assert subject.block(Role.MECHANISM, 2, PATIENCE_S).calls == 2
