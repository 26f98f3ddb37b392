"""One row of figures for every cell of a run, and that as text."""
