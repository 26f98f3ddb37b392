"""Turns everything under results/ into a static site: one page for each run and machine, and those above them."""
