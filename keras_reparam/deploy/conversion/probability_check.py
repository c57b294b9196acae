"""Whether a model gives probabilities where logits are expected, found by its numbers."""

from collections.abc import Iterator, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.conversion.float_model import FloatModel
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.tflite_buffers import pack_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

_INPUTS = 16
# A sum of probabilities differs from 1 by rounding alone.
_ROUNDING = 1e-3
# What the weights of the last linear layers are multiplied by: logits grow with them.
_FACTORS = (1e4, -1e4)
_LINEAR = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "BATCH_MATMUL")


def refuse_probabilities(model: FloatModel, clips: Sequence[np.ndarray] = ()) -> None:
    """A `ValueError` if what enters a file's head are probabilities already.

    They are if, on random input and on clips, all values lie between 0 and 1, and either those of
    every clip sum to 1, or they stay between 0 and 1 with whatever weights the last linear layers
    have. So small logits of a `relu` or `softplus`, which may lie between 0 and 1 as well, are
    none; a softmax or sigmoid is found behind whatever comes after it.

    Args:
        model: A model that ends with its head.
        clips: Inputs of the model without the batch axis.
    """
    graph = model.graph
    logits = graph.operators[graph.producer[graph.outputs[0]]].inputs[0]
    if logits not in graph.producer or len(graph.tensors[logits].shape) != 2:
        return
    headless = _headless(model, logits)
    inputs = [*_random_inputs(graph.tensors[graph.inputs[0]].shape[1:]), *clips[:_INPUTS]]
    found = _values(headless, inputs)
    if found is None or not found.any():
        return
    sums = np.abs(found.sum(axis=1) - 1).max() < _ROUNDING
    if sums or _stay_between(headless, _last_linear(graph, logits), inputs):
        how = "sum to 1" if sums else "stay there whatever the last weights are"
        raise ValueError(
            "The model must give logits, and it gives probabilities: the softmax or sigmoid is "
            "part of the file (`head=`). Build the model's last layer without `activation`, and "
            "leave out what follows it. "
            f"Received: a model whose outputs lie between 0 and 1 and {how}"
        )


def _headless(model: FloatModel, logits: int) -> schema.ModelT:
    """The model without its last operator."""
    graph = model.packed.subgraphs[0]
    ends = set(graph.outputs)
    kept = [o for o in graph.operators if not ends.intersection(o.outputs)]
    packed = model.with_ends([logits], kept)
    # The signature would still name the tensor that is gone.
    packed.signatureDefs = None
    return packed


def _random_inputs(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(0)
    for _ in range(_INPUTS):
        yield generator.normal(size=shape).astype("float32")


def _values(packed: schema.ModelT, inputs: Sequence[np.ndarray]) -> np.ndarray | None:
    """Outputs `(inputs, classes)` that are numbers, or `None` if one is not between 0 and 1."""
    runtime = Runtime(pack_model(packed))
    found = []
    for example in inputs:
        values = runtime(example)
        if values.min() < 0 or values.max() > 1:
            return None
        # A model may make NaN of random input, and of weights as they never are.
        if np.isfinite(values).all():
            found.append(values)
    return np.array(found) if found else None


def _last_linear(graph: TFLiteGraph, tensor: int) -> set[int]:
    """Constants of the linear operators between which and the tensor there is no other one."""
    found, seen, waiting = set(), set(), [tensor]
    while waiting:
        index = graph.producer.get(waiting.pop())
        if index is None or index in seen:
            continue
        seen.add(index)
        operator = graph.operators[index]
        constants = {t for t in operator.inputs if graph.is_constant(t)}
        if operator.name in _LINEAR and constants:
            found |= constants
        else:
            waiting += operator.inputs
    return found


def _stay_between(packed: schema.ModelT, constants: set[int], inputs: Sequence[np.ndarray]) -> bool:
    """Whether the outputs lie between 0 and 1 with these constants made far larger, too."""
    tensors = packed.subgraphs[0].tensors
    buffers = {tensors[t].buffer: packed.buffers[tensors[t].buffer].data for t in constants}
    for factor in _FACTORS:
        for buffer, data in buffers.items():
            values = np.frombuffer(bytes(data), "<f4") * np.float32(factor)
            larger = schema.BufferT()
            larger.data = np.frombuffer(values.tobytes(), "uint8")
            packed.buffers[buffer] = larger
        if _values(packed, inputs) is None:
            return False
    return True
