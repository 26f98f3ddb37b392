"""Tests of `analysis.validate`."""
