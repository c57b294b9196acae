"""Pruning to a latency: measured tables, the widths that they allow, and their option in layers."""

from keras_reparam.pruning.latency_table import LatencyTable
from keras_reparam.pruning.pruning import Pruning

__all__ = ["LatencyTable", "Pruning"]
