"""Ratios of cells with a verdict, between runs or inside one run."""
