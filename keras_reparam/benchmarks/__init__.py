"""The commands behind the published speed figures: `python -m keras_reparam.benchmarks.<name>`."""
