"""Recipes: from a corpus on disk to a model on the phone, one command each."""
