"""The same server one release later: a child gets new locks, as many libraries do it after a fork."""

import logging
import os
import socketserver
import threading

logging.basicConfig(level=logging.WARNING)


class Connection:
    """One connection of the pool, with the lock that its user holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


POOL = [Connection() for _ in range(1000)]
TABLE = {number: [str(number)] for number in range(50_000)}
HANDLER = socketserver.StreamRequestHandler


def renew_locks() -> None:
    """Give every connection a new lock: the old one may be held by a thread that the child does not have."""
    for connection in POOL:
        connection.lock = threading.Lock()


os.register_at_fork(after_in_child=renew_locks)
