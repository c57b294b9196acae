"""Tasks by models by seeds, on whatever corpora are prepared: one table."""
