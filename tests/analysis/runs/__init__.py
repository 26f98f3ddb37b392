"""Tests of the list of runs."""
