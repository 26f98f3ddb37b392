"""Units, names and tables for people."""
