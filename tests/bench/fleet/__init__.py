"""Tests of `bench.fleet`."""
