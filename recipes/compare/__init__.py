"""Grids of trainings of every recipe, and what their comparison supports."""
