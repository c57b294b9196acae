"""What even `int8_full` leaves in float, since no int8 scale holds it."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.conversion.constant_storage import constant_values
from keras_reparam.deploy.conversion.tables import is_table, suits_int8
from keras_reparam.deploy.tflite.tflite_file import Operator
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

# Nothing but a mask is so large.
_MASK = 1e6
# exp(-32) is nothing beside 1; with 256 steps for more than that, a softmax's scores lose theirs.
_WIDEST = 32.0
_PRODUCTS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_MATMUL")


def float_operators(
    graph: TFLiteGraph, packed: schema.ModelT, ranges: Mapping[str, Mapping[str, np.ndarray]]
) -> list[Operator]:
    """The operators that stay float.

    They are those that make or read masked values (-1e9); a softmax within the model whose scores
    reach far, as masked ones do, with what makes these of the scores before the mask; and those
    that read a table of values too different for one scale.

    Args:
        graph: The float model.
        packed: The same.
        ranges: `min` and `max` by the tensors' names.
    """
    width, size = {}, {}
    for index, tensor in enumerate(graph.tensors):
        if tensor.name in ranges:
            low, high = (
                float(np.asarray(ranges[tensor.name][k]).ravel()[0]) for k in ("min", "max")
            )
            width[index], size[index] = high - low, max(abs(low), abs(high))
    found = {i for i, o in enumerate(graph.operators) if _reads_bad_table(graph, packed, o)}
    for index, operator in enumerate(graph.operators):
        tensors = (*operator.inputs, *operator.outputs)
        if operator.name not in _PRODUCTS and any(size.get(t, 0) > _MASK for t in tensors):
            found.add(index)
        is_head = bool(set(operator.outputs) & set(graph.outputs))
        if (
            operator.name == "SOFTMAX"
            and not is_head
            and width.get(operator.inputs[0], 0) > _WIDEST
        ):
            found |= {index} | _wide_before(graph, operator, width)
    return [graph.operators[index] for index in sorted(found)]


def _wide_before(graph: TFLiteGraph, operator: Operator, width: Mapping[int, float]) -> set[int]:
    """What makes an operator's wide input, back to the products of weights and queries."""
    found: set[int] = set()
    waiting = list(operator.inputs)
    while waiting:
        tensor = waiting.pop()
        index = graph.producer.get(tensor)
        if index is None or index in found or width.get(tensor, 0) <= _WIDEST:
            continue
        if graph.operators[index].name not in _PRODUCTS:
            found.add(index)
            waiting += graph.operators[index].inputs
    return found


def _reads_bad_table(graph: TFLiteGraph, packed: schema.ModelT, operator: Operator) -> bool:
    return operator.name not in _PRODUCTS and any(
        is_table(graph, t) and not suits_int8(constant_values(packed, t)) for t in operator.inputs
    )
