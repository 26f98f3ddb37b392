"""Turns the files of runs into tables, comparisons and figures; the command line is ``python -m analysis``."""
