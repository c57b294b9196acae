"""Where in a `.tflite` file its values leave those of its float twin."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_reparam._utils.quiet import quiet
from keras_reparam.deploy.tflite.tflite_graph import Operator, TFLiteGraph

# They change the form of numbers and have no counterpart in the twin.
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
# Attention adds a number far beyond this to what it masks; beside it, all else would vanish.
_MASKED = 1e6


@dataclasses.dataclass(frozen=True, kw_only=True)
class OperatorDifference:
    """What one operator gives, in the file and in its float twin.

    Attributes:
        index: Place among the file's operators.
        operator: Builtin name.
        tensor: Name of its output, which says the Keras layer.
        int8: Whether it has int8 weights or an int8 result.
        error: Relative error of its output over all clips: the root of the sum of the squared
            differences to the sum of the twin's squares, without what attention masks.
        growth: `error` less the largest one among the operators that it reads from.
    """

    index: int
    operator: str
    tensor: str
    int8: bool
    error: float
    growth: float


def compare_operators(
    model: bytes, twin: bytes, clips: Sequence[np.ndarray]
) -> tuple[OperatorDifference, ...]:
    """Relative error of the output of every operator of `model`, in order of execution.

    Both run with LiteRT's builtin kernels, since a delegate doesn't show what is inside. int8
    outputs are compared as the numbers that they stand for.

    Args:
        model: Bytes of the file.
        twin: Bytes of a float file of the same Keras model: but for conversions between float and
            int8, it has the same operators in the same order, or outputs of the same names.
        clips: Inputs of the model without the batch axis.

    Returns:
        One row per operator that has a counterpart.

    Raises:
        ValueError: If no operator has one.
    """
    graphs = TFLiteGraph(model), TFLiteGraph(twin)
    pairs = _pairs(*graphs)
    if not pairs:
        raise ValueError(
            "The file's operators can't be matched to the model's: neither their order nor the "
            "names of their outputs are the same. Was the file made from this model?"
        )
    runs = [_Tensors(content, graph) for content, graph in zip((model, twin), graphs, strict=True)]
    squares = np.zeros((len(pairs), 2))
    for clip in clips:
        for run in runs:
            run.invoke(clip)
        for row, indices in zip(squares, pairs, strict=True):
            ours, twins = (run.made_by(index) for run, index in zip(runs, indices, strict=True))
            seen = np.abs(twins) < _MASKED
            row += np.sum((ours - twins)[seen] ** 2), np.sum(twins[seen] ** 2)
    errors = np.sqrt(squares[:, 0] / np.maximum(squares[:, 1], np.finfo("float64").tiny))
    graph = graphs[0]
    by_index = dict(zip((index for index, _ in pairs), errors.tolist(), strict=True))
    # By the conversion's names: a file holds none within, to be small.
    made = {index: graphs[1].operators[twin].outputs[0] for index, twin in pairs}
    return tuple(
        OperatorDifference(
            index=index,
            operator=graph.operators[index].name,
            tensor=graphs[1].tensors[made[index]].name,
            int8=graph.is_int8(graph.operators[index]),
            error=error,
            growth=error - max((by_index.get(i, 0.0) for i in _read_from(graph, index)), default=0),
        )
        for index, error in by_index.items()
    )


def _pairs(graph: TFLiteGraph, twin: TFLiteGraph) -> list[tuple[int, int]]:
    """Indices of the operators of both that compute the same."""
    ours, twins = _computing(graph), _computing(twin)
    if [graph.operators[i].name for i in ours] == [twin.operators[i].name for i in twins]:
        return list(zip(ours, twins, strict=True))
    # A name that comes twice says nothing.
    by_name = [_by_output(graph, ours), _by_output(twin, twins)]
    return [(i, by_name[1][key]) for key, i in by_name[0].items() if key in by_name[1]]


def _computing(graph: TFLiteGraph) -> list[int]:
    return [i for i, o in enumerate(graph.operators) if o.name not in _CONVERSIONS]


def _by_output(graph: TFLiteGraph, indices: list[int]) -> dict[tuple, int]:
    keys = [_key(graph, graph.operators[i]) for i in indices]
    return {key: i for key, i in zip(keys, indices, strict=True) if keys.count(key) == 1}


def _key(graph: TFLiteGraph, operator: Operator) -> tuple:
    output = graph.tensors[operator.outputs[0]]
    return output.name, output.shape


def _read_from(graph: TFLiteGraph, index: int) -> set[int]:
    """The operators whose results the operator reads, seen through conversions."""
    found = set()
    for tensor in graph.operators[index].inputs:
        source = graph.producer.get(tensor)
        if source is None:
            continue
        conversion = graph.operators[source].name in _CONVERSIONS
        found |= _read_from(graph, source) if conversion else {source}
    return found


class _Tensors:
    """Runs a file and shows what every operator made."""

    def __init__(self, model: bytes, graph: TFLiteGraph) -> None:
        with quiet():
            from ai_edge_litert.interpreter import Interpreter, OpResolverType

            self._interpreter = Interpreter(
                model_content=model,
                num_threads=1,
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            self._interpreter.allocate_tensors()
        self._graph = graph
        self._scales = {
            about["index"]: (parameters["scales"], parameters["zero_points"])
            for about in self._interpreter.get_tensor_details()
            if len((parameters := about["quantization_parameters"])["scales"]) == 1
        }

    def invoke(self, clip: np.ndarray) -> None:
        (tensor,) = self._graph.inputs
        values = np.asarray(clip)[None]
        if self._graph.tensors[tensor].dtype == "int8":
            scale, zero = self._scales[tensor]
            values = np.clip(np.round(values / scale) + zero, -128, 127).astype("int8")
        self._interpreter.set_tensor(tensor, values)
        self._interpreter.invoke()

    def made_by(self, index: int) -> np.ndarray:
        outputs = self._graph.operators[index].outputs
        return np.concatenate([self._real(tensor).ravel() for tensor in outputs])

    def _real(self, tensor: int) -> np.ndarray:
        values = self._interpreter.get_tensor(tensor)
        if values.dtype == np.int8 and tensor in self._scales:
            scale, zero = self._scales[tensor]
            return (values.astype("float64") - zero) * scale
        return values.astype("float64")
