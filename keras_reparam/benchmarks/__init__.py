"""The commands behind the published figures: `python -m keras_reparam.benchmarks.<name>`."""
