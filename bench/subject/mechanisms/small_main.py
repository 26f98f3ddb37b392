"""The main module that spawned children import: empty, so that only the mechanism is measured."""
