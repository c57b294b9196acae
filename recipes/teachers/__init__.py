"""Large models that small ones learn from."""
