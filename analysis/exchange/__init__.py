"""Other tools' formats: pyperf files out and in."""
