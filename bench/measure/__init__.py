"""Turns cells into rounds, rounds into blocks, and blocks into the rows of a run."""
