"""Constants stored in fewer bits than the operators that read them compute in."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_FLOAT16_MAX = float(np.finfo(np.float16).max)
_DTYPES = {
    "float16": schema.TensorType.FLOAT16,
    "int16": schema.TensorType.INT16,
    "int8": schema.TensorType.INT8,
}


def store_constants(packed: schema.ModelT, dtypes: Mapping[int, str]) -> None:
    """Stores float32 constants as float16, or as int16 or int8 with one scale, in place.

    A DEQUANTIZE before all other operators restores each as float32. Runtimes do that once, when
    they load the file, not for every input.

    Args:
        packed: The model.
        dtypes: Index of a float32 constant of the first subgraph to `"float16"`, `"int16"` or
            `"int8"`. Values beyond the range of float16 leave their constant as it is.
    """
    graph = packed.subgraphs[0]
    before = []
    for index, dtype in sorted(dtypes.items()):
        restored = graph.tensors[index]
        values = constant_values(packed, index)
        if dtype == "float16" and np.abs(values).max() > _FLOAT16_MAX:
            continue
        stored = schema.TensorT()
        stored.shape, stored.type = restored.shape, _DTYPES[dtype]
        stored.name = (restored.name or b"") + b"_" + dtype.encode()
        if dtype == "float16":
            data = values.astype("<f2")
        else:
            # A constant of zeros has no scale of its own.
            scale = float(np.abs(values).max()) / np.iinfo(dtype).max or 1.0
            data = np.round(values / scale).astype(np.dtype(dtype).newbyteorder("<"))
            stored.quantization = schema.QuantizationParametersT()
            stored.quantization.scale = np.array([scale], "float32")
            stored.quantization.zeroPoint = np.array([0], "int64")
        packed.buffers.append(schema.BufferT())
        packed.buffers[-1].data = np.frombuffer(data.tobytes(), "uint8")
        stored.buffer, restored.buffer = len(packed.buffers) - 1, 0
        graph.tensors.append(stored)
        operator = schema.OperatorT()
        operator.inputs = np.array([len(graph.tensors) - 1], "int32")
        operator.outputs = np.array([index], "int32")
        before.append(operator)
    if before:
        code = _dequantize_code(packed)
        for operator in before:
            operator.opcodeIndex = code
        graph.operators = before + list(graph.operators)


def constant_values(packed: schema.ModelT, index: int) -> np.ndarray:
    """The values, in a row, of a float32 constant of the first subgraph."""
    buffer = packed.buffers[packed.subgraphs[0].tensors[index].buffer]
    return np.frombuffer(bytes(buffer.data), "<f4")


def _dequantize_code(packed: schema.ModelT) -> int:
    builtin = schema.BuiltinOperator.DEQUANTIZE
    for index, code in enumerate(packed.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    packed.operatorCodes.append(code)
    return len(packed.operatorCodes) - 1
