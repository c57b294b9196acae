"""Clips' features by models that stay as they are, and a linear head on them."""
