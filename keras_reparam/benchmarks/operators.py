"""Where the time of a `.tflite` file goes, operator by operator.

LiteRT's Python interface times no operators, so each one is cut out and run alone.
"""

import copy
import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.quiet import quiet
from keras_reparam._utils.turns import take_turns
from keras_reparam.benchmarks.any_file import load_any
from keras_reparam.deploy.inspection.inspect_graph import keeps_state
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

_WARM_UP = 2
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclasses.dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """One operator, run alone on the values that it gets in the file.

    Attributes:
        index: Place among the file's operators.
        operator: Builtin name.
        tensor: Name of its output, which says the Keras layer.
        part: `"front end"` (from the waveform to the logarithm) or `"backbone"`.
        int8: Whether it has int8 weights or an int8 result.
        milliseconds: Median, less what a call that computes nothing takes.
    """

    index: int
    operator: str
    tensor: str
    part: str
    int8: bool
    milliseconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileProfile:
    """The operators of one file, one thread; prints as a table of the kinds of operators.

    Attributes:
        file: Its path.
        milliseconds: Median of the whole file, measured in turns with its operators.
        rows: One `OperatorTime` per operator that is timed, in order of execution. Their sum is
            not quite the whole: what the runtime leaves in place in the file, such as a RESHAPE,
            it copies when run alone.
    """

    file: str
    milliseconds: float
    rows: tuple[OperatorTime, ...]

    @property
    def total(self) -> float:
        """Sum of the operators' milliseconds."""
        return sum(row.milliseconds for row in self.rows)

    def __rich__(self) -> Table:
        table = Table(
            title=Text(f"Operators of '{self.file}', each run alone"),
            caption=f"sum {self.total:.3f} ms; the whole file, in turns with them: "
            f"{self.milliseconds:.3f} ms",
            title_justify="left",
            caption_justify="left",
        )
        for column in ("part", "operator"):
            table.add_column(column, no_wrap=True)
        for column in ("count", "ms", "share"):
            table.add_column(column, justify="right", no_wrap=True)
        groups = defaultdict(list)
        for row in self.rows:
            name = f"{row.operator} int8" if row.int8 else row.operator
            groups[row.part, name].append(row.milliseconds)
        for key, times in sorted(groups.items(), key=lambda group: -sum(group[1])):
            share = sum(times) / self.total if self.total else 0
            table.add_row(*key, str(len(times)), f"{sum(times):.3f}", f"{share:.1%}")
        return table


def profile_tflite(content: bytes, *, file: str, rounds: int) -> FileProfile:
    """Times every operator of a `.tflite` file.

    Each operator becomes a model of its own, with its constants, and gets the values that it has
    in the file for noise. All of them and the whole file take turns; each has its data in the
    cache, as an operator has in the file what the one before it made.

    Two sorts of operators have no row and are timed with those that read from them: operators on
    constants alone, which run once, when the file is loaded; and a PAD that one convolution alone
    reads, since LiteRT's CPU delegate makes one of the two.

    Args:
        content: Bytes of the file.
        file: Its path, for the report.
        rounds: Turns of each.

    Returns:
        A `FileProfile`.

    Raises:
        ValueError: If the file has several graphs or changing shapes, or keeps a state from call
            to call.
    """
    graph = TFLiteGraph(content)
    if graph.num_subgraphs > 1 or keeps_state(graph.file.subgraphs):
        raise ValueError(
            "Only a file of one graph without a state can be profiled: no loops, no branches, no "
            f"variables. Received: '{file}' with {graph.num_subgraphs} graphs"
        )
    if any(tensor.dynamic for tensor in graph.tensors):
        raise ValueError(f"Only a file of fixed shapes can be profiled. Received: '{file}'")
    unpacked = unpack_model(content)
    joined = _constant_operators(graph) | _convolved_pads(graph)
    indices = [i for i in range(len(graph.operators)) if i not in joined]
    with quiet():
        values = _values(content)
        whole, _ = load_any(content, origin=f"'{file}'")
        models = [whole, _interpreter(_no_operator())]
        for index in indices:
            models.append(
                _alone(unpacked, graph, [*_joined_to(graph, index, joined), index], values)
            )
    seconds = take_turns(
        [model.invoke for model in models],
        rounds,
        _WARM_UP,
        description="Operators",
        cached=True,
    )
    milliseconds, nothing, *times = (1000 * np.median(seconds, axis=0)).tolist()
    rows = tuple(
        OperatorTime(
            index=index,
            operator=graph.operators[index].name,
            tensor=graph.tensors[graph.operators[index].outputs[0]].name,
            part="front end" if index in graph.front_end else "backbone",
            int8=graph.is_int8(graph.operators[index]),
            milliseconds=max(time - nothing, 0.0),
        )
        for index, time in zip(indices, times, strict=True)
    )
    return FileProfile(file=file, milliseconds=milliseconds, rows=rows)


def _constant_operators(graph: TFLiteGraph) -> set[int]:
    """Operators that depend on no input of the file, such as DEQUANTIZE of float16 weights."""
    found: set[int] = set()
    for index, operator in enumerate(graph.operators):
        read = [t for t in operator.inputs if t >= 0 and not graph.is_constant(t)]
        if all(graph.producer.get(t) in found for t in read):
            found.add(index)
    return found


def _convolved_pads(graph: TFLiteGraph) -> set[int]:
    """PADs whose result goes to one convolution and nowhere else."""
    readers = defaultdict(list)
    for operator in graph.operators:
        for tensor in operator.inputs:
            readers[tensor].append(operator.name)
    found = set()
    for index, operator in enumerate(graph.operators):
        if operator.name != "PAD" or operator.outputs[0] in graph.outputs:
            continue
        names = readers[operator.outputs[0]]
        if len(names) == 1 and names[0] in _CONVOLUTIONS:
            found.add(index)
    return found


def _joined_to(graph: TFLiteGraph, index: int, joined: set[int]) -> list[int]:
    """Those of `joined` that an operator reads from, directly or through others of them."""
    found: set[int] = set()
    waiting = [index]
    while waiting:
        for tensor in graph.operators[waiting.pop()].inputs:
            source = graph.producer.get(tensor)
            if source in joined and source not in found:
                found.add(source)
                waiting.append(source)
    return sorted(found)


def _values(content: bytes) -> "Interpreter":
    """An interpreter that has run the file on noise and kept all tensors."""
    from ai_edge_litert.interpreter import OpResolverType

    interpreter, _ = load_any(
        content,
        origin="the file",
        experimental_preserve_all_tensors=True,
        # A delegate doesn't show what is inside.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    return interpreter


def _interpreter(content: bytes) -> "Interpreter":
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(model_content=content, num_threads=1)
    model.allocate_tensors()
    return model


def _alone(
    unpacked: schema.ModelT, graph: TFLiteGraph, indices: Sequence[int], values: "Interpreter"
) -> "Interpreter":
    """A model of the given operators alone, its inputs set to what they are in the file."""
    main = unpacked.subgraphs[0]
    operators = [copy.copy(main.operators[index]) for index in indices]
    used = {int(t) for operator in operators for t in (*operator.inputs, *operator.outputs)}
    places = {t: place for place, t in enumerate(sorted(used - {-1}))}
    buffers, tensors = [schema.BufferT()], []
    for t in places:
        tensor = copy.copy(main.tensors[t])
        buffers.append(unpacked.buffers[tensor.buffer] if graph.is_constant(t) else buffers[0])
        tensor.buffer, tensor.isVariable = len(buffers) - 1, False
        tensors.append(tensor)
    for operator in operators:
        operator.intermediates = None
        operator.inputs = [places.get(int(t), -1) for t in operator.inputs]
        operator.outputs = [places.get(int(t), -1) for t in operator.outputs]
    last = graph.operators[indices[-1]]
    made = {t for index in indices for t in graph.operators[index].outputs}
    read = {t for t in places if not graph.is_constant(t)} - made
    model = _interpreter(
        _packed(
            unpacked.operatorCodes,
            operators,
            tensors,
            buffers,
            inputs=[places[t] for t in sorted(read)],
            outputs=[places[t] for t in last.outputs if t in places],
        )
    )
    for t in read:
        model.set_tensor(places[t], values.get_tensor(t))
    return model


def _no_operator() -> bytes:
    """A model that computes nothing: a call of it is what any call costs."""
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer, tensor.name = [1], schema.TensorType.FLOAT32, 0, "x"
    return _packed([], [], [tensor], [schema.BufferT()], inputs=[0], outputs=[0])


def _packed(
    codes: list[schema.OperatorCodeT],
    operators: list[schema.OperatorT],
    tensors: list[schema.TensorT],
    buffers: list[schema.BufferT],
    *,
    inputs: list[int],
    outputs: list[int],
) -> bytes:
    main, model = schema.SubGraphT(), schema.ModelT()
    main.tensors, main.operators, main.inputs, main.outputs = tensors, operators, inputs, outputs
    model.version, model.operatorCodes = 3, codes
    model.subgraphs, model.buffers = [main], buffers
    return pack_model(model)
