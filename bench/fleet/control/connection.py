"""Turns the address of a scheduler into a client of it, and into another one where the scheduler was started anew."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.fleet.control.events import EngineError

CONNECT_S = 5.0
RECONNECT_S = 60.0
# One attempt to connect again; the screen stands still that long.
_ATTEMPT_S = 2.0
_PAUSE_S = 0.3
# An answer of a scheduler that is there takes milliseconds.
_ANSWER_S = 10.0
_ADDRESS = re.compile(r"(?:[a-z]+://)?[^\s/]+:\d+")


class LostError(Exception):
    """The scheduler is gone, or another one is in its place. The text says which."""


class Connection:
    """A client of the scheduler at `place`: an address, or the path of a scheduler file. Raises `EngineError`.

    What workers tell under `topic` goes to `hear`. After `lose`, `try_again` makes another client.
    """

    def __init__(self, place: str, topic: str, hear: Callable[[Any], None], reconnect_s: float = RECONNECT_S) -> None:
        self.place = place
        self._topic, self._hear, self._reconnect_s = topic, hear, reconnect_s
        self._scheduler = ""
        self._lost_at: float | None = None
        logging.disable(logging.CRITICAL)  # what matters of the engine's messages is said in our words
        try:
            self.client = self._connect(CONNECT_S)
        except EngineError:
            logging.disable(logging.NOTSET)
            raise

    @property
    def is_lost(self) -> bool:
        """Whether there is no client that can be used."""
        return self._lost_at is not None

    def workers(self) -> dict[str, dict[str, Any]]:
        """What the scheduler says of each worker, by its address. Raises `LostError`."""
        client = self.client
        if client.status != "running":
            raise LostError("the connection is lost")
        try:
            says = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=_ANSWER_S)
        except Exception:
            raise LostError("it does not answer") from None
        if says["id"] != self._scheduler:
            raise LostError("it was started anew")
        return {address: worker for address, worker in says["workers"].items() if worker["status"] != "closed"}

    def lose(self) -> str:
        """Let go of the client, and say what comes now."""
        self._lost_at = time.monotonic()
        with contextlib.suppress(Exception):
            self.client.close(timeout=1)
        return f"trying again for {self._reconnect_s:g} s"

    def try_again(self) -> bool:
        """Whether there is a client again. Raises `EngineError` where it is too late for that."""
        assert self._lost_at is not None
        try:
            self.client = self._connect(_ATTEMPT_S)
        except EngineError as error:
            if time.monotonic() - self._lost_at > self._reconnect_s:
                raise EngineError(f"{error}; given up after {self._reconnect_s:g} s") from None
            time.sleep(_PAUSE_S)
            return False
        self._lost_at = None
        return True

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(Exception):
            self.client.close(timeout=2)
        logging.disable(logging.NOTSET)

    def _connect(self, timeout_s: float) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise EngineError(
                "--scheduler: needs the package distributed, which is not installed here; `make fleet` installs it"
            ) from None
        try:
            address = _address_at(self.place)
            # A client that does not come to its start leaves threads and tracebacks behind, and may wait for minutes.
            self._scheduler = asyncio.run(asyncio.wait_for(_scheduler_at(address, timeout_s), timeout_s + 1))
            client = Client(address, timeout=timeout_s, set_as_default=False, name="forkbench-fleet")
            client.subscribe_topic(self._topic, self._hear)
        except EngineError as error:
            raise EngineError(f"--scheduler {self.place}: {error}") from None
        except Exception as error:
            text = " ".join(str(error).split())[:200] or "it does not speak as one"
            raise EngineError(f"--scheduler {self.place}: no scheduler answers there ({text})") from None
        return client


def _address_at(place: str) -> str:
    """The address that `place` is, or that the scheduler file there holds. Raises `EngineError`."""
    path = place.removeprefix("file:")
    if path == place and not path.endswith(".json") and not os.path.isfile(path):
        address = place
    elif not os.path.isfile(path):
        raise EngineError("there is no such scheduler file")
    else:
        try:
            address = json.loads(Path(path).read_bytes())["address"]
        except (OSError, ValueError, KeyError, TypeError):
            raise EngineError("no scheduler file; dask scheduler --scheduler-file FILE writes one") from None
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise EngineError(f"{'' if address == place else repr(address) + ' is '}no address, as in tcp://HOST:8786")
    return address


async def _scheduler_at(address: str, timeout_s: float) -> str:
    """The id of the scheduler at `address`. Raises `EngineError`, and what the engine does."""
    from distributed.core import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    if address.startswith("tls:") and arguments.get("ssl_context") is None:
        raise EngineError("needs certificates; name them in a file that DASK_CONFIG names, as docs/fleet.md says")
    comm = await connect(address, timeout=timeout_s, **arguments)
    try:
        await comm.write({"op": "identity", "n_workers": 0, "reply": True})
        says = await comm.read()
    finally:
        comm.abort()
    if says.get("type") != "Scheduler":
        raise EngineError(f"a {str(says.get('type', 'service')).lower()} listens there, no scheduler")
    return str(says["id"])
