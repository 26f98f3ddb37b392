"""Checks a contributed run as a whole and names everything that is wrong with it."""
