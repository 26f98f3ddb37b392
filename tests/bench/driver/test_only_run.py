"""One run at a time: two real processes that both want to measure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from bench.driver import only_run
from bench.errors import UsageError
from tests import ROOT
from tests.engine import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names for sockets without a file")

_HOLD = """
import sys
from bench.driver import only_run
with only_run.only_run(sys.argv[1], print):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of this test's own."""
    monkeypatch.setenv(only_run.NAME_VARIABLE, f"forkbench-test-{uuid4()}")


@contextmanager
def holder(when_busy: str = "refuse") -> Iterator[subprocess.Popen[str]]:
    """Another process that measures, until its standard input ends or it is killed."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", _HOLD, when_busy], cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()
        process.wait(PATIENCE_S)


def test_a_second_run_is_refused_with_the_process_that_measures() -> None:
    """The error names the process, and what to do; the first run goes on."""
    with holder() as process:
        with pytest.raises(UsageError, match=rf"another run \(process {process.pid}\) measures on this machine"):
            with only_run.only_run("refuse", print):
                pytest.fail("two runs at once")
        assert process.poll() is None


def test_a_second_run_waits_until_the_first_is_gone() -> None:
    """It says once that it waits, and begins when the first is killed."""
    said: list[str] = []
    with holder() as process:

        def say(text: str) -> None:
            said.append(text)
            process.kill()

        with only_run.only_run("wait", say):
            assert process.wait(PATIENCE_S) != 0
    assert said == [f"waiting: another run (process {process.pid}) measures on this machine"]


def test_a_run_that_ended_leaves_the_machine_free() -> None:
    """One after the other, also after an error, and one more beside where that is asked for."""
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), only_run.only_run("refuse", print):
            with only_run.only_run("ignore", print):
                1 / 0  # noqa: B018


def test_a_run_that_ignores_others_is_seen_by_them() -> None:
    """It is another run to one that comes later; beside one that measures already it begins without a word."""
    with holder("ignore") as process, holder("ignore"):
        with pytest.raises(UsageError, match=rf"another run \(process {process.pid}\) measures on this machine"):
            with only_run.only_run("refuse", print):
                pytest.fail("two runs at once")
        with only_run.only_run("ignore", lambda text: pytest.fail(text)):
            pass


def test_another_word_is_refused() -> None:
    """What to do is one of three words."""
    with pytest.raises(UsageError, match=r"--when-busy never: must be refuse, wait, ignore"):
        with only_run.only_run("never", print):
            pass
