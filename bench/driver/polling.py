"""Waits for file descriptors to become readable."""

from __future__ import annotations

import select
from collections.abc import Iterable


def readable(descriptor: int, seconds: float) -> bool:
    """Whether there is data or an end of file within `seconds`."""
    return bool(any_readable([descriptor], seconds))


def any_readable(descriptors: Iterable[int], seconds: float) -> list[int]:
    """Wait until one of them is readable, for `seconds` at most, and return those that are."""
    if not hasattr(select, "poll"):  # Windows cannot wait for a pipe: reads have no deadline there
        return list(descriptors)
    poll = select.poll()  # select would not take descriptors above 1023
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [found for found, _ in poll.poll(max(seconds, 0.0) * 1000)]  # a negative time would be for ever
