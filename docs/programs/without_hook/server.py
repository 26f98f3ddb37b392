"""A small server's parent process: a connection pool, and a table that it looks things up in."""

import logging
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
