"""What follows from a graph's tensors and operators: kind, islands, memory."""

from collections import Counter
from collections.abc import Iterable, Sequence

from keras_reparam.deploy.tflite.packed_codes import PACKED_BITS
from keras_reparam.deploy.tflite.tflite_file import INTEGERS, Operator, Subgraph, Tensor

# Narrower than float16, or no IEEE type: quantized even without a scale.
_NARROW = ("int2", "int4", "uint4", "bfloat16", "float8_e4m3fn", "float8_e5m2")


def quantization_kind(subgraphs: Sequence[Subgraph]) -> str:
    """The kind, by the rule that `inspect_tflite` states."""
    constants: set[str] = set()
    activations: set[str] = set()
    hybrid = blockwise = False
    for graph in subgraphs:
        activations.update(_quantized(graph.tensors[t]) for t in graph.inputs)
        for operator in graph.operators:
            read = [t for t in operator.inputs if graph.is_constant(t)]
            constants.update(_quantized(graph.tensors[t]) for t in read)
            unpacks = operator.name == "DEQUANTIZE" and bool(read)
            types = {_quantized(graph.tensors[t]) for t in read}
            hybrid |= not unpacks and not types.isdisjoint(INTEGERS)
            blockwise |= any(graph.tensors[t].blockwise for t in read)
            if not unpacks:
                activations.update(_quantized(graph.tensors[t]) for t in operator.outputs if t >= 0)
    found = (constants | activations) - {""}
    if found <= {"float16"}:
        return "float16" if found else "float32"
    # Stored in 16 bits and unpacked to float, as tables beside int8 weights are.
    found -= {"float16", "int16"} - activations
    integers = constants.intersection(INTEGERS)
    multiplied = hybrid or "int8" in activations
    if not found <= integers | {"int8"} or not integers or blockwise or not multiplied:
        return "mixed"
    if "int8" not in activations:
        return "int4_dynamic" if "int4" in integers else "int8_dynamic"
    main = subgraphs[0]
    ends = {main.tensors[t].dtype for t in (*main.inputs, *main.outputs)}
    return "int8" if any(dtype.startswith("float") for dtype in ends) else "int8_full"


def _quantized(tensor: Tensor) -> str:
    """The type of a tensor that is not plain: quantized or in half precision, else `""`."""
    if tensor.dtype in _NARROW or tensor.dtype == "float16":
        return tensor.dtype
    # Biases of int8 operators are int32, with a scale.
    return tensor.dtype if tensor.scales and tensor.dtype not in ("float32", "int32") else ""


def is_hybrid_per_channel(graph: Subgraph, operator: Operator) -> bool:
    """Whether a linear layer has float inputs and integer weights with a scale per output."""
    if operator.name != "FULLY_CONNECTED" or len(operator.inputs) < 2:
        return False
    inputs, weights = operator.inputs[:2]
    return (
        min(inputs, weights) >= 0
        and graph.tensors[inputs].dtype == "float32"
        and graph.tensors[weights].dtype in INTEGERS
        and len(graph.tensors[weights].scales) > 1
    )


def unpacked_weights(graph: Subgraph) -> list[int]:
    """Constants of fewer than 8 bits that an operator turns into float before they are used."""
    return [
        t
        for operator in graph.operators
        if operator.name == "DEQUANTIZE"
        for t in operator.inputs
        if graph.is_constant(t) and graph.tensors[t].dtype in PACKED_BITS
    ]


def peak_activations(graph: Subgraph) -> int:
    """The largest sum of the bytes of activations that are alive at once.

    An activation lives from the operator that makes it to the last one that reads it; inputs,
    outputs and variables live all the time.
    """
    always = {t for t in (*graph.inputs, *graph.outputs) if not graph.is_constant(t)}
    always.update(t for t, tensor in enumerate(graph.tensors) if tensor.variable)
    last = {}
    for index, operator in enumerate(graph.operators):
        for t in (*operator.inputs, *operator.outputs):
            if t >= 0 and t not in always and not graph.is_constant(t):
                last[t] = index
    alive = peak = sum(graph.tensors[t].num_bytes for t in always)
    made: set[int] = set()
    for index, operator in enumerate(graph.operators):
        new = {t for t in operator.outputs if t in last} - made
        made |= new
        alive += sum(graph.tensors[t].num_bytes for t in new)
        peak = max(peak, alive)
        done = {t for t in (*operator.inputs, *operator.outputs) if last.get(t) == index} & made
        alive -= sum(graph.tensors[t].num_bytes for t in done)
    return peak


def initial_graphs(subgraphs: Sequence[Subgraph]) -> set[int]:
    """Indices of the graphs that run once, before the first call: they set variables."""
    called = {index for g in subgraphs for operator in g.operators for index in operator.calls}
    return {index for index in called if 0 < index < len(subgraphs)}


def keeps_state(subgraphs: Sequence[Subgraph]) -> bool:
    """Whether a call may leave something behind that the next one reads."""
    first = initial_graphs(subgraphs)
    later = [graph for index, graph in enumerate(subgraphs) if index not in first]
    return any(
        operator.name == "ASSIGN_VARIABLE"
        or any(t >= 0 and graph.tensors[t].variable for t in operator.inputs)
        for graph in later
        for operator in graph.operators
    )


def num_borders(graph: Subgraph) -> int:
    """Number of operators that only convert between float and int8 activations."""
    return sum(_leaves_int8(graph, o) or _enters_int8(graph, o) for o in graph.operators)


def float_islands(graph: Subgraph) -> list[dict[str, int]]:
    """The float operators between int8 ones, largest connected part first: names and counts.

    A value of int8 operators reaches them, and what they make reaches int8 operators again: at
    both shores it is converted. Float operators before the first int8 one (a front end) and after
    the last (a softmax) are none. An operator with float activations and int8 weights is float.
    """
    reached, after = set(), set()
    for index, operator in enumerate(graph.operators):
        if _leaves_int8(graph, operator):
            after.update(operator.outputs)
        elif not _enters_int8(graph, operator) and after.intersection(operator.inputs):
            reached.add(index)
            after.update(operator.outputs)
    inside, before = [], set()
    for index in reversed(range(len(graph.operators))):
        operator = graph.operators[index]
        if _enters_int8(graph, operator):
            before.update(operator.inputs)
        elif index in reached and before.intersection(operator.outputs):
            inside.append(index)
            before.update(operator.inputs)
    parts = _connected(graph, inside)
    counts = [Counter(graph.operators[i].name for i in part) for part in parts]
    return [dict(count.most_common()) for count in sorted(counts, key=Counter.total, reverse=True)]


def _leaves_int8(graph: Subgraph, operator: Operator) -> bool:
    return operator.name == "DEQUANTIZE" and _dtypes(graph, operator.inputs) == {"int8"}


def _enters_int8(graph: Subgraph, operator: Operator) -> bool:
    float_in = _dtypes(graph, operator.inputs) == {"float32"}
    return operator.name == "QUANTIZE" and float_in and "int8" in _dtypes(graph, operator.outputs)


def _dtypes(graph: Subgraph, tensors: Iterable[int]) -> set[str]:
    """Types of the activations among them."""
    return {graph.tensors[t].dtype for t in tensors if t >= 0 and not graph.is_constant(t)}


def _connected(graph: Subgraph, chosen: list[int]) -> list[list[int]]:
    """The chosen operators, in parts that share no activation."""
    users: dict[int, list[int]] = {}
    for index in chosen:
        operator = graph.operators[index]
        for t in {*operator.inputs, *operator.outputs}:
            if t >= 0 and not graph.is_constant(t):
                users.setdefault(t, []).append(index)
    parts, seen = [], set()
    for first in chosen:
        waiting, part = [first], []
        while waiting:
            index = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            part.append(index)
            for t in {*graph.operators[index].inputs, *graph.operators[index].outputs}:
                # Each activation is followed once.
                waiting += users.pop(t, [])
        if part:
            parts.append(part)
    return parts
