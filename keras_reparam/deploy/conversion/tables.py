"""Tables: constants of several axes that are no weights of a linear layer (positions, gains)."""

import numpy as np

from keras_reparam.deploy.tflite.tflite_file import Operator
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

_LINEAR = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_MATMUL")
_SUMS, _PRODUCTS = ("ADD", "SUB"), ("MUL", "DIV")
# Storing a smaller constant in fewer bits saves less than the operator that restores it takes.
_MIN_STORED_VALUES = 256
# What one int8 scale may change a value by, in the mean. Normally distributed ones: 0.04.
_MOST_RELATIVE_ERROR = 0.05
_FLOAT16_TINY = float(np.finfo(np.float16).tiny)


def is_table(graph: TFLiteGraph, index: int) -> bool:
    """Whether a tensor is a float32 constant that is worth storing, no bias or gain."""
    if not graph.is_constant(index) or graph.tensors[index].dtype != "float32":
        return False
    axes = sum(n > 1 for n in graph.tensors[index].shape)
    return axes > 1 and graph.tensors[index].values >= _MIN_STORED_VALUES


def table_storage(operator: Operator, values: np.ndarray, *, raw: bool) -> str | None:
    """The dtype of a table that an operator reads, or `None` if it stays float32.

    A factor must keep its relative error, however small it is beside the others. What is added to
    the model's raw input may have to be as exact as that input is, of which nothing is known: the
    mean of a `Normalization`, beside which the deviation is small. Behind a linear layer int8 will
    do, if one scale suits all values.

    Args:
        operator: The operator.
        values: The table's values.
        raw: Whether the operator's other input has been through no linear layer yet.
    """
    if operator.name in _SUMS and raw:
        return None
    if operator.name in _PRODUCTS:
        sizes = np.abs(values[values != 0])
        return "float16" if sizes.min(initial=1) >= _FLOAT16_TINY else None
    return "int8" if suits_int8(values) else "float16"


def suits_int8(values: np.ndarray) -> bool:
    """Whether one int8 scale keeps what most of the values are."""
    sizes = np.abs(values[values != 0]).astype("float64")
    if not sizes.size:
        return True
    scale = sizes.max() / 127
    return (
        float(np.mean(np.abs(np.round(sizes / scale) * scale / sizes - 1))) <= _MOST_RELATIVE_ERROR
    )


def projected_tensors(graph: TFLiteGraph) -> set[int]:
    """What the backbone's linear operators make, and all that is made of it."""
    found: set[int] = set()
    for index in sorted(graph.backbone):
        operator = graph.operators[index]
        constant = any(map(graph.is_constant, operator.inputs)) or operator.name != "BATCH_MATMUL"
        if (operator.name in _LINEAR and constant) or found.intersection(operator.inputs):
            found.update(operator.outputs)
    return found
