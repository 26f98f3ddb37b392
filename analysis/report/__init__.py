"""The report of a run: answers, tables, figures, machine."""
