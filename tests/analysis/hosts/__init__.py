"""Tests of `analysis.hosts`."""
