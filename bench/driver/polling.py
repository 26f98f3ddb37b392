"""Waits for a file descriptor to become readable."""

from __future__ import annotations

import select


def readable(descriptor: int, seconds: float) -> bool:
    """Whether there is data or an end of file within `seconds`; select would not take descriptors above 1023."""
    if not hasattr(select, "poll"):  # Windows cannot wait for a pipe: reads have no deadline there
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(seconds, 0.0) * 1000))  # a negative time would be for ever
