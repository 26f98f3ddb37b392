"""Turns options into the cells of a run, and says why a cell is unavailable here."""
