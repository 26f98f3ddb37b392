"""Turns what came from a host into a run that may be renamed to its place: files, names, a directory beside."""
