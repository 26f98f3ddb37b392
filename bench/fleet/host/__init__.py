"""Everything that runs on a host before it has the suite; it is sent as it is, so it needs the standard library alone.

It imports nothing of `bench` but itself. What a job is doing is in a directory of its own on the host, so whoever asks
for it again, from wherever, finds it running or done.
"""

from bench.fleet.host.environment import needs, set_up, stop_set_up
from bench.fleet.host.identity import describe
from bench.fleet.host.jobs import forget, measure, stop
from bench.fleet.host.places import HostError

__all__ = ["HostError", "describe", "forget", "measure", "needs", "set_up", "stop", "stop_set_up"]
