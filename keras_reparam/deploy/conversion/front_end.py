"""Which operators of a converted model are its front end: what makes features of a waveform."""

from collections.abc import Collection

import keras
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.audio import LogMel
from keras_reparam.deploy.tflite.tensor_names import layer_parts

_FRONT_ENDS = (LogMel, keras.layers.MelSpectrogram, keras.layers.STFTSpectrogram)


def front_end_tensors(packed: schema.ModelT, model: keras.Model) -> set[int]:
    """Tensors of the first subgraph that only the front end makes or reads.

    A front end is what a layer made for it computes (`LogMel` and Keras's own spectrograms). One
    that a user wrote is known by this: a logarithm of what no layer with trainable weights had a
    part in. So a logarithm late in a network (log-mean-exp, softplus, mish) makes no front end of
    the network.

    Args:
        packed: What the converter made of the model, with its long names.
        model: The Keras model.
    """
    layers = model._flatten_layers()
    known = {layer.name for layer in layers}
    made_for_it = {layer.name for layer in layers if isinstance(layer, _FRONT_ENDS)}
    # `trainable_weights` would leave out a layer that is frozen for now.
    learning = {layer.name for layer in layers if layer._trainable_variables}
    graph = packed.subgraphs[0]
    names = [graph.tensors[o.outputs[0]].name or b"" for o in graph.operators]
    parts = [layer_parts(name, known) for name in names]
    producer = {t: i for i, operator in enumerate(graph.operators) for t in operator.outputs}
    sources = [{producer[t] for t in o.inputs if t in producer} for o in graph.operators]
    found = {i for i, own in enumerate(parts) if _is_made(own, made_for_it, learning)}
    # Operators stand in order of execution.
    fixed: set[int] = set()
    for index, operator in enumerate(graph.operators):
        if sources[index] <= fixed and not learning.intersection(set().union(*parts[index])):
            fixed.add(index)
            code = packed.operatorCodes[operator.opcodeIndex].builtinCode
            if code == schema.BuiltinOperator.LOG:
                found |= _upstream(sources, index)
    return _tensors_of(graph, found)


def _is_made(paths: list[list[str]], made_for_it: set[str], learning: set[str]) -> bool:
    """Whether an operator is a front end's, and no layer's behind it has been folded into it."""
    others = [path for path in paths if not made_for_it.intersection(path)]
    return paths[0] not in others and not learning.intersection(set().union(*others))


def _upstream(sources: list[set[int]], index: int) -> set[int]:
    """An operator, and all that it depends on."""
    found, waiting = set(), [index]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += sources[index]
    return found


def _tensors_of(graph: schema.SubGraphT, operators: Collection[int]) -> set[int]:
    """What they make, and what they alone read: their constants."""
    inside, outside = set(), set(graph.inputs)
    for index, operator in enumerate(graph.operators):
        (inside if index in operators else outside).update(operator.inputs)
    made = {t for index in operators for t in graph.operators[index].outputs}
    made_by_others = {t for operator in graph.operators for t in operator.outputs} - made
    return (inside - outside - made_by_others | made) - {-1}
