"""Figures that set the same mechanisms side by side: on several interpreters, on several machines."""
