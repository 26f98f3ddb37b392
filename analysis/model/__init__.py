"""How latency grows with what the parent holds."""
