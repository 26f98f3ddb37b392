"""Measurements of the instrument itself that take minutes: identical runs, schedules."""
