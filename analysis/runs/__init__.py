"""The runs that there are."""
