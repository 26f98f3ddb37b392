"""The controlling side of a fleet: which host measures what next, by which engine, and what is shown of it."""
