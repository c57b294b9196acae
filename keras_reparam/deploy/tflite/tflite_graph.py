"""The operators and tensors of a `.tflite` file."""

import functools
import math
from collections import Counter
from collections.abc import Collection

import numpy as np

from keras_reparam.deploy.tflite.packed_codes import PACKED_BITS, unpack_codes
from keras_reparam.deploy.tflite.tensor_names import FRONT_END
from keras_reparam.deploy.tflite.tflite_file import Operator, Tensor, read_tflite

# The first one that a file has. Older files, the shipped ones too, name it after the layer alone,
# which by default is called so.
_FRONT_ENDS = (FRONT_END, "log_mel")


class TFLiteGraph:
    """What the first subgraph of a `.tflite` file computes, in order of execution.

    Args:
        model: The file's bytes; they may come from anywhere.

    Raises:
        ValueError: If they are no sound `.tflite` file.
    """

    def __init__(self, model: bytes) -> None:
        self._content = bytes(model)
        self.file = read_tflite(self._content)
        self._main = self.file.subgraphs[0]
        self.num_subgraphs = len(self.file.subgraphs)
        self.inputs, self.outputs = self._main.inputs, self._main.outputs
        self.tensors, self.operators = self._main.tensors, self._main.operators

    @functools.cached_property
    def producer(self) -> dict[int, int]:
        """Index of the operator that makes each tensor that isn't a constant or an input."""
        return {
            t: i for i, operator in enumerate(self.operators) for t in operator.outputs if t >= 0
        }

    @functools.cached_property
    def front_end(self) -> frozenset[int]:
        """Indices of the operators that make features of a waveform, known by the names they have.

        Empty in a file that `export_tflite` didn't write.
        """
        made_by = {first: set() for first in _FRONT_ENDS}
        for index, operator in enumerate(self.operators):
            # What makes int8 of the features belongs to the network, and has the features' name.
            if operator.outputs and operator.outputs[0] >= 0 and operator.name != "QUANTIZE":
                first = self.tensors[operator.outputs[0]].name.partition("/")[0]
                made_by.get(first, set()).add(index)
        return frozenset(next(filter(None, made_by.values()), ()))

    @functools.cached_property
    def backbone(self) -> frozenset[int]:
        """Indices of all other operators."""
        return frozenset(range(len(self.operators))) - self.front_end

    @functools.cached_property
    def macs(self) -> int:
        """Multiply-adds of one inference: those of linear layers, convolutions and products."""
        return sum(map(self._macs, self.operators))

    def _macs(self, operator: Operator) -> int:
        shapes = [self.tensors[i].shape for i in (*operator.inputs[:2], *operator.outputs[:1])]
        match operator.name:
            case "FULLY_CONNECTED":
                each = shapes[1][-1]
            case "CONV_2D":
                each = math.prod(shapes[1][1:])
            case "DEPTHWISE_CONV_2D":
                each = math.prod(shapes[1][1:3])
            case "BATCH_MATMUL":
                # The left matrix may be transposed: (rows, each) or (each, rows).
                rows = shapes[2][-2]
                each = shapes[0][-1] if shapes[0][-2] == rows else shapes[0][-2]
            case _:
                return 0
        return each * math.prod(shapes[2])

    def is_constant(self, tensor: int) -> bool:
        """Whether the tensor is stored in the file."""
        return self._main.is_constant(tensor)

    def is_int8(self, operator: Operator) -> bool:
        """Whether the operator has weights of at most 8 bits, or gives an int8 result."""
        return self._main.is_int8(operator)

    def operator_counts(self) -> list[tuple[str, int, int]]:
        """Rows (operator, count, how many of them int8), most frequent first."""
        total = Counter(operator.name for operator in self.operators)
        int8 = Counter(o.name for o in self.operators if self.is_int8(o))
        return [(n, c, int8[n]) for n, c in sorted(total.items(), key=lambda r: (-r[1], r[0]))]

    def values(self, tensor: int) -> np.ndarray | None:
        """What a constant stores, in its shape: numbers or integer codes; `None` of other types."""
        about = self.tensors[tensor]
        bits = PACKED_BITS.get(about.dtype)
        if about.dtype not in ("float32", "float16", "int8", *PACKED_BITS):
            return None
        if about.data_bytes != about.num_bytes or about.sparse:
            return None
        data = self._content[about.start : about.start + about.data_bytes]
        if bits is not None:
            return unpack_codes(data, bits, about.values).reshape(about.shape)
        return np.frombuffer(data, np.dtype(about.dtype).newbyteorder("<")).reshape(about.shape)

    def constants(self, operators: Collection[int]) -> list[Tensor]:
        """The constants that the given operators read, each once."""
        found: dict[int, Tensor] = {}
        for index in operators:
            for tensor in self.operators[index].inputs:
                if self.is_constant(tensor):
                    found.setdefault(self.tensors[tensor].buffer, self.tensors[tensor])
        return list(found.values())
