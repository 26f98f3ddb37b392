"""Turns a command of `python -m analysis` into a process of its own: `bench` imports nothing of that program."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def ask_analysis(
    *words: str, capture_output: bool = False, timeout: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m analysis WORDS`` of this checkout until it ends. Raises what `subprocess.run` does."""
    return subprocess.run(
        [sys.executable, "-m", "analysis", *words],
        stdin=subprocess.DEVNULL,
        capture_output=capture_output,
        timeout=timeout,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path}


class NoAnswerError(Exception):
    """The process ended, or took too long; the text says which."""


class Answering:
    """A process of `analysis` that answers each line on its standard input with one on its standard output.

    Starting one takes a second, an answer a tenth of that. One thread at a time may ask. Use it as a context manager.
    """

    def __init__(self, *words: str) -> None:
        # In a session of its own: Ctrl-C is for the program that asks, which ends this one when it has the answer.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "analysis", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment() | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def ask(self, question: str, seconds: float) -> str:
        """The answer to `question` within `seconds`, both without their line end. Raises `NoAnswerError`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{question}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise NoAnswerError(f"ended with status {self._process.wait()}") from None
        return self._line(time.monotonic() + seconds)

    def _line(self, end: float) -> str:
        assert self._process.stdout is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise NoAnswerError("took too long")
                part = os.read(self._process.stdout.fileno(), 1 << 16)
                if not part:
                    raise NoAnswerError(f"ended with status {self._process.wait()}")
                line += part
        return line.decode()[:-1]

    def kill(self) -> None:
        """End the process, also while another thread asks: that one gets `NoAnswerError`."""
        self._process.kill()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
