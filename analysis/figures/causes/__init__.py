"""Figures of what goes with the time of a call: its course, its page faults, and how long its parent is blocked."""
