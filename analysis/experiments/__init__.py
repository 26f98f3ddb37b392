"""Figures about the instrument itself, from many runs."""
