"""The operators and tensors of a `.tflite` file."""

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Collection

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.tflite_buffers import unpack_model

_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
_TYPE_NAMES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor: `data_bytes` is what its constant takes in the file, 0 for an activation."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    data_bytes: int
    buffer: int

    @property
    def values(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator: `name` is the builtin one, or `"CUSTOM <name>"`."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TFLiteGraph:
    """What the first subgraph of a `.tflite` file computes, in order of execution.

    Args:
        model: The file's bytes. They must be a model that a converter made; a file of unknown
            origin goes through the interpreter's verifier first.
    """

    def __init__(self, model: bytes) -> None:
        packed = unpack_model(bytes(model))
        self.num_subgraphs = len(packed.subgraphs)
        subgraph = packed.subgraphs[0]
        sizes = [0 if buffer.data is None else len(buffer.data) for buffer in packed.buffers]
        self.inputs = tuple(int(i) for i in subgraph.inputs)
        self.outputs = tuple(int(i) for i in subgraph.outputs)
        self.tensors = [
            Tensor(
                name=(tensor.name or b"").decode(),
                shape=() if tensor.shape is None else tuple(int(n) for n in tensor.shape),
                dtype=_TYPE_NAMES[tensor.type],
                data_bytes=sizes[tensor.buffer],
                buffer=tensor.buffer,
            )
            for tensor in subgraph.tensors
        ]
        names = [_operator_name(code) for code in packed.operatorCodes]
        self.operators = [
            Operator(
                name=names[operator.opcodeIndex],
                inputs=_indices(operator.inputs),
                outputs=_indices(operator.outputs),
            )
            for operator in subgraph.operators
        ]

    @functools.cached_property
    def producer(self) -> dict[int, int]:
        """Index of the operator that makes each tensor that isn't a constant or an input."""
        return {t: i for i, operator in enumerate(self.operators) for t in operator.outputs}

    @functools.cached_property
    def front_end(self) -> frozenset[int]:
        """Indices of the operators of a waveform's features: what the first logarithm depends on.

        Empty if the model takes features, or has no logarithm.
        """
        if len(self.tensors[self.inputs[0]].shape) != 2:
            return frozenset()
        for index, operator in enumerate(self.operators):
            if operator.name == "LOG":
                return frozenset(self._upstream(index))
        return frozenset()

    @functools.cached_property
    def backbone(self) -> frozenset[int]:
        """Indices of the operators that depend on the features, or all if the model takes them.

        Those that restore constants stored in fewer bits belong to what reads them.
        """
        if not self.front_end:
            return frozenset(range(len(self.operators)))
        made = set(self.operators[max(self.front_end)].outputs)
        found = set()
        for index, operator in enumerate(self.operators):
            if made.intersection(operator.inputs):
                found.add(index)
                made.update(operator.outputs)
        read = {tensor for index in found for tensor in self.operators[index].inputs}
        for index, operator in enumerate(self.operators):
            if read.intersection(operator.outputs) and all(map(self.is_constant, operator.inputs)):
                found.add(index)
        return frozenset(found)

    def _upstream(self, index: int) -> set[int]:
        seen: set[int] = set()
        waiting = [index]
        while waiting:
            index = waiting.pop()
            if index not in seen:
                seen.add(index)
                inputs = self.operators[index].inputs
                waiting.extend(self.producer[t] for t in inputs if t in self.producer)
        return seen

    def is_constant(self, tensor: int) -> bool:
        """Whether the tensor is stored in the file."""
        return tensor >= 0 and self.tensors[tensor].data_bytes > 0

    def is_int8(self, operator: Operator) -> bool:
        """Whether the operator has int8 weights or gives an int8 result."""
        made = [self.tensors[t].dtype for t in operator.outputs]
        weights = [self.tensors[t].dtype for t in operator.inputs if self.is_constant(t)]
        return "int8" in made + weights

    def operator_counts(self) -> list[tuple[str, int, int]]:
        """Rows (operator, count, how many of them int8), most frequent first."""
        total = Counter(operator.name for operator in self.operators)
        int8 = Counter(o.name for o in self.operators if self.is_int8(o))
        return [(n, c, int8[n]) for n, c in sorted(total.items(), key=lambda r: (-r[1], r[0]))]

    def constants(self, operators: Collection[int]) -> list[Tensor]:
        """The constants that the given operators read, each once."""
        found: dict[int, Tensor] = {}
        for index in operators:
            for tensor in self.operators[index].inputs:
                if self.is_constant(tensor):
                    found.setdefault(self.tensors[tensor].buffer, self.tensors[tensor])
        return list(found.values())


def _operator_name(code: schema.OperatorCodeT) -> str:
    # Files from before 2021 hold the code in the deprecated field alone.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM {(code.customCode or b'').decode()}"
    return _OPERATOR_NAMES[builtin]


def _indices(values: np.ndarray | None) -> tuple[int, ...]:
    return () if values is None else tuple(int(i) for i in values)
