"""Many machines at once: the same run on a fleet of hosts."""
