"""How latency grows with what the parent holds, and what a fork pays for."""
