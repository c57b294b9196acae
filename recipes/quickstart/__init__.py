"""The whole way on real speech: `python -m recipes.quickstart`."""
