"""Holds the behaviour of `bench` and `analysis`; run it with ``python -m pytest``."""
