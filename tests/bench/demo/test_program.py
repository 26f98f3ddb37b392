"""Turns the demo into evidence: real processes, pipes and a terminal, and no process left behind."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the demo forks")

DEMO = [sys.executable, "-m", "bench.demo.program"]
PATIENCE_S = 30.0  # only for a demo that hangs: the tests wait for text and ends, not for time
PARENT = re.compile(r"^parent: pid (\d+), my parent is (\d+), fork returned (\d+)$", re.M)
CHILD = re.compile(r"^child:  pid (\d+), my parent is (\d+), fork returned (\d+)$", re.M)
REAPED = re.compile(r"^parent: pid (\d+) reaped (\d+), (.+)$", re.M)


def patched(lines: str, *options: str) -> list[str]:
    """The command of a demo whose interpreter ran `lines` first."""
    first = "import errno, os, signal, sys\nfrom bench.demo import program as demo"
    code = f"{first}\n{lines}\nsys.exit(demo.main({list(options)}))"
    return [sys.executable, "-c", code]


class Started:
    """A demo in a session of its own, by which every process that comes of it can be found."""

    def __init__(self, command: list[str], **streams: object) -> None:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        # Without PYTHONUNBUFFERED: the buffers are what some of the tests are about.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            command, cwd=ROOT, env=environment, start_new_session=True, **streams
        )
        self.text = ""

    def left_behind(self) -> list[str]:
        """The processes of its session in /proc, zombies included."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if text.rpartition(")")[2].split()[3] == str(self.process.pid):  # proc_pid_stat(5): session
                found.append(text)
        return found

    def read_until(self, pattern: str, descriptor: int) -> None:
        """Read `descriptor` into `text` until `pattern` is in it."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.text):
            assert select.select([descriptor], [], [], end - time.monotonic())[0], f"no {pattern} in {self.text!r}"
            part = os.read(descriptor, 1 << 16)
            assert part, f"ended without {pattern}: {self.text!r}"
            self.text += part.decode().replace("\r\n", "\n")

    def finish(self, given: bytes | None = None) -> tuple[int, str, str]:
        """Wait for the end; return the exit code, standard output and standard error."""
        out, err = self.process.communicate(given, timeout=PATIENCE_S)
        return self.process.returncode, (out or b"").decode(), (err or b"").decode()


@pytest.fixture
def start() -> Iterator[type[Started]]:
    """`Started`, with the check that nothing is left behind by those started in the test."""
    all_started: list[Started] = []

    class Watched(Started):
        def __init__(self, command: list[str], **streams: object) -> None:
            super().__init__(command, **streams)
            all_started.append(self)

    yield Watched
    for started in all_started:
        started.process.kill()
        started.process.wait()
        for stream in (started.process.stdin, started.process.stdout, started.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
        assert started.left_behind() == []


@pytest.mark.parametrize("given", [b"k\nk\nq\nk\n", b"k\nk", b"k\n\n", b"\xff\nk\n q \n"])
def test_every_line_forks_another_child_until_q_or_the_end(start: type[Started], given: bytes) -> None:
    """Two lines make three children, and parent and child each say once who they are, in a pipe."""
    started = start(DEMO)
    code, out, err = started.finish(given)
    assert (code, err) == (0, "")
    parents, children, reaped = PARENT.findall(out), CHILD.findall(out), REAPED.findall(out)
    assert len(out.splitlines()) == 3 * 3 + 1
    pid = str(started.process.pid)
    pids = [child for child, _, _ in children]
    assert len(set(pids)) == 3
    assert parents == [(pid, str(os.getpid()), child) for child in pids]
    assert children == [(child, pid, "0") for child in pids]
    assert reaped == [(pid, child, "exit status 0") for child in pids]
    assert out.endswith(f"parent: pid {pid} stops; children forked and reaped: 3, failed: 0\n")


def test_the_output_of_a_terminal_is_the_same(start: type[Started]) -> None:
    """On a terminal every message comes exactly once too, each turn waits for its line, and a hint comes first."""
    master, slave = os.openpty()
    started = start(DEMO, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    for turn in (1, 2):
        started.read_until(rf"(?s)(reaped.*){{{turn}}}exit status 0\n", master)
        os.write(master, b"\n" if turn == 1 else b"q\n")
    started.read_until("stops.*\n", master)
    assert started.process.wait(PATIENCE_S) == 0
    os.close(master)
    assert len(PARENT.findall(started.text)) == len(CHILD.findall(started.text)) == 2
    assert started.text.startswith("Enter forks another child")
    assert started.text.count("Enter forks another child") == 1


def test_text_that_was_not_flushed_is_not_in_the_child_as_well(start: type[Started]) -> None:
    """What somebody printed before the demo comes out once, before the demo's own lines."""
    code, out, _ = start(patched("print('before', end='\\n')")).finish(b"q\n")
    assert code == 0
    assert out.startswith("before\n")
    assert out.count("before") == 1


def test_ctrl_c_on_a_terminal_stops_it(start: type[Started]) -> None:
    """Ctrl-C, sent by the terminal to parent and children alike, ends the demo with 130 and one line."""
    master, slave = os.openpty()
    # The session's first open of a terminal makes it the controlling one, which is what turns the byte into a signal.
    take = f"os.close(os.open({os.ttyname(slave)!r}, os.O_RDWR))"
    started = start(patched(take), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    started.read_until("exit status 0\n", master)
    os.write(master, b"\x03")
    started.read_until("stopped by .*\n", master)
    assert started.process.wait(PATIENCE_S) == 130
    os.close(master)
    assert "Traceback" not in started.text
    assert started.text.endswith("demo: stopped by SIGINT; no child is left\n")


@pytest.mark.parametrize(("name", "expected"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_while_a_child_lives_leaves_none(start: type[Started], name: str, expected: int) -> None:
    """A child that hangs in its work is killed and reaped when a signal stops the parent."""
    hang = (
        "say = demo._print_line\n"
        "demo._print_line = lambda text: (say(text), text.startswith('child') and signal.pause())"
    )
    started = start(patched(hang))
    assert started.process.stdout is not None
    for speaker in ("parent", "child"):
        started.read_until(f"{speaker}:.*\n", started.process.stdout.fileno())
    started.process.send_signal(getattr(signal, name))
    code, _, err = started.finish()
    assert (code, err) == (expected, f"demo: stopped by {name}; no child is left\n")
    assert started.left_behind() == []


def test_an_ignored_signal_stays_ignored(start: type[Started]) -> None:
    """Under nohup a hang-up does not stop the demo: it takes the next line as ever."""
    started = start(["nohup", *DEMO])
    assert started.process.stdout is not None
    started.read_until("exit status 0\n", started.process.stdout.fileno())
    started.process.send_signal(signal.SIGHUP)
    code, out, _ = started.finish(b"k\nq\n")
    assert code == 0
    assert len(CHILD.findall(started.text + out)) == 2


@pytest.mark.parametrize("options", [[], ["--without-exit"]])
def test_a_reader_that_leaves_ends_it_quietly(start: type[Started], options: list[str]) -> None:
    """With the reader of the pipe gone (`| head -1`) the demo ends, with 0 and without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    started = start([*DEMO, *options], stdout=writer)
    os.close(writer)
    assert started.finish(b"k\n" * 100) == (0, "", "")
    assert started.left_behind() == []


@pytest.mark.parametrize("options", ["", "--without-exit"])
@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [("<&-", 0, ""), (">&-", 1, "standard output is closed"), (">/dev/full", 1, "No space left"), ("2>&-", 0, "")],
)
def test_a_stream_that_is_no_use(start: type[Started], options: str, redirection: str, code: int, said: str) -> None:
    """Closed standard input is an end of input; output that cannot be written is one clear line and status 1."""
    started = start(["sh", "-c", f'exec "$0" -m bench.demo.program {options} {redirection}', sys.executable])
    got, _, err = started.finish(b"")
    assert got == code
    assert err.startswith(f"demo: {'' if said in err else said}") if said else err == ""
    assert len(err.splitlines()) == bool(said)
    assert said in err


def test_a_failed_child_is_said_and_counted(start: type[Started]) -> None:
    """A child that a signal killed is named with the signal, and the demo's own status is 1."""
    dies = "fork = os.fork\nos.fork = lambda: fork() or os.kill(os.getpid(), signal.SIGKILL)"
    code, out, err = start(patched(dies)).finish(b"")
    assert (code, err) == (1, "")
    assert [how for _, _, how in REAPED.findall(out)] == ["killed by signal 9 (Killed)"]
    assert out.endswith("children forked and reaped: 1, failed: 1\n")


@pytest.mark.parametrize("options", [[], ["--without-exit"]])
def test_a_refused_fork_is_one_line(start: type[Started], options: list[str]) -> None:
    """EAGAIN from fork is one line that names the remedy, and status 1."""
    refuse = "def fork(): raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))\nos.fork = fork"
    code, out, err = start(patched(refuse, *options)).finish(b"k\n")
    assert (code, out) == (1, "")
    assert err.startswith("demo: cannot fork (Resource temporarily unavailable)")
    assert "ulimit -u" in err
    assert len(err.splitlines()) == 1


def test_a_fork_refused_in_the_tree_ends_it_whole(start: type[Started]) -> None:
    """Where the limit is reached half-way, the tree so far is shown, one line says why, and nothing is left."""
    refuse = (
        "fork, top, calls = os.fork, os.getpid(), []\n"
        "def limited():\n"
        "    calls.append(1)\n"
        "    if len(calls) > 3: raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))\n"
        "    return fork()\n"
        "os.fork = limited"
    )
    started = start(patched(refuse, "--without-exit"))
    code, out, err = started.finish()
    assert code == 1
    assert len(re.findall(r"forked in turn", out)) == 3  # made in turns 1 and 2; the third is refused to all
    assert err.count("cannot fork") == len(err.splitlines()) == 1
    assert started.left_behind() == []


def test_without_fork_it_is_status_two(start: type[Started]) -> None:
    """Where the platform has no os.fork, one line says so and the status is 2."""
    code, out, err = start(patched("del os.fork")).finish(b"")
    assert (code, out) == (2, "")
    assert err == "demo: this Python has no os.fork (Windows has none): run the demo on Linux, macOS or WSL\n"


def test_without_exit_the_tree_doubles_every_turn(start: type[Started]) -> None:
    """Three turns without os._exit are seven children: a child of turn n has 3 - n of its own, all reaped, in order."""
    started = start([*DEMO, "--without-exit"])
    code, out, err = started.finish()
    assert (code, err) == (0, "")
    nodes = re.findall(r"^( +)pid (\d+) forked in turn (\d)$", out, re.M)
    assert [(len(indent) // 2, turn) for indent, _, turn in nodes] == [
        (1, "1"),
        (2, "2"),
        (3, "3"),
        (2, "3"),
        (1, "2"),
        (2, "3"),
        (1, "3"),
    ]
    assert len({pid for _, pid, _ in nodes}) == 7
    assert "7 children instead of 3" in out
    assert "7 of 7 reaped by their parents with exit status 0; the first process: exit status 0" in out
    assert started.left_behind() == []


HANG_IN_THE_TREE = "os.wait = lambda: (demo._print_line('waiting'), signal.pause())"


def test_the_tree_has_a_deadline(start: type[Started]) -> None:
    """A tree that does not end is killed as a group and reaped, and the status is 1."""
    started = start(patched(f"{HANG_IN_THE_TREE}\ndemo.DEADLINE_S = 0.5", "--without-exit"))
    code, out, err = started.finish()
    assert code == 1
    assert "the first process: killed by signal 9 (Killed)" in out
    assert err == "demo: not done after 0.5 s: all of its processes were killed\n"
    assert started.left_behind() == []


def test_a_signal_ends_the_tree(start: type[Started]) -> None:
    """A signal to the demo kills and reaps the whole tree, orphans included."""
    started = start(patched(HANG_IN_THE_TREE, "--without-exit"))
    assert started.process.stdout is not None
    started.read_until("(waiting\n){8}", started.process.stdout.fileno())
    started.process.send_signal(signal.SIGINT)
    code, _, err = started.finish()
    assert (code, err) == (130, "demo: stopped by SIGINT; no child is left\n")
    assert started.left_behind() == []
