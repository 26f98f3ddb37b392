"""Finds inputs at which a reader fails in any other way than by one line."""
