"""Whole models: put layers in training form, take it away, and say what was done."""

from keras_reparam.transforms.expand import expand
from keras_reparam.transforms.merge import merge
from keras_reparam.transforms.merge_error import MergeError
from keras_reparam.transforms.prune import prune
from keras_reparam.transforms.pruning_rounds import PruningRounds
from keras_reparam.transforms.quantize_aware import quantize_aware
from keras_reparam.transforms.summary import ModelSummary, summary

__all__ = [
    "MergeError",
    "ModelSummary",
    "PruningRounds",
    "expand",
    "merge",
    "prune",
    "quantize_aware",
    "summary",
]
