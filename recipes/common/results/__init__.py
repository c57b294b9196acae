"""Decisions, metrics, and what is written and shown of them."""
