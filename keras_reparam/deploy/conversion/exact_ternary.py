"""Kernels of three values a channel, stored without error.

`{-a, 0, a}`: codes -1, 0, 1 and scale `a`. `{g - a, g, g + a}` with `g = k a / 63`, as
`keras_reparam.quantizers.DualLearnableTernary` trains them: codes `63 T + k` and scale `a / 63`.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.conversion.constant_storage import constant_values
from keras_reparam.deploy.conversion.float_model import FloatModel
from keras_reparam.deploy.tflite.linear_kernels import (
    CHANNEL_AXIS,
    LinearKernel,
    linear_kernels,
    shifted_channels,
    ternary_channels,
)
from keras_reparam.deploy.tflite.packed_codes import PACKED_BITS, pack_codes
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

_TYPES = {
    "int8": schema.TensorType.INT8,
    "int4": schema.TensorType.INT4,
    "int2": schema.TensorType.INT2,
}


def store_ternary(
    packed: schema.ModelT, graph: TFLiteGraph, model: FloatModel, sub_byte: str | None
) -> None:
    """Stores every ternary channel exactly, in place, where min-max would be off by an ulp.

    In int8 every shifted one, too, where min-max would be off by up to half a step.

    Args:
        packed: The quantized model.
        graph: The same.
        model: What it was made of. Its linear operators come in the same order.
        sub_byte: `"int2"`: linear layers of such channels alone get 2 bits a weight, if their
            number of inputs is a multiple of 4.
    """
    stored = list(linear_kernels(graph))
    for exact, kernel in zip(linear_kernels(model.graph), stored, strict=True):
        if graph.tensors[kernel.tensor].dtype not in ("int8", "int4"):
            continue
        rows = exact.channels
        sizes = np.abs(rows).max(axis=1)
        # A channel of zeros keeps its scale: 0 is none.
        chosen = ternary_channels(rows) & (sizes > 0) & (rows.shape[1] > 1)
        codes, scales = np.sign(rows), sizes
        if graph.tensors[kernel.tensor].dtype == "int8":
            shifted, shifted_codes, steps = shifted_channels(rows)
            codes = np.where(shifted[:, None], shifted_codes, codes)
            scales = np.where(shifted, steps, sizes)
            chosen |= shifted
        narrow = sub_byte == "int2" and exact.is_ternary and fits_int2(exact)
        if chosen.any() and len(graph.tensors[kernel.tensor].scales) == len(chosen):
            codes = np.where(chosen[:, None], codes, kernel.channels)
            _store(packed, graph, kernel, codes, "int2" if narrow else None)
            tensor = packed.subgraphs[0].tensors[kernel.tensor]
            scale = np.where(chosen, scales, tensor.quantization.scale).astype("float32")
            tensor.quantization.scale = scale
            _rescale_bias(packed, model, exact, kernel, scale)


def fits_int2(kernel: LinearKernel) -> bool:
    """Whether kernels for 2 bits take a layer of this shape."""
    return kernel.operation == "FULLY_CONNECTED" and kernel.channels.shape[1] % 4 == 0


def _store(
    packed: schema.ModelT,
    graph: TFLiteGraph,
    kernel: LinearKernel,
    codes: np.ndarray,
    narrow: str | None,
) -> None:
    about, tensor = graph.tensors[kernel.tensor], packed.subgraphs[0].tensors[kernel.tensor]
    axis = CHANNEL_AXIS[kernel.operation]
    moved = np.delete(about.shape, axis)
    codes = np.moveaxis(codes.astype("int8").reshape(about.shape[axis], *moved), 0, axis)
    dtype = narrow or about.dtype
    tensor.type = _TYPES[dtype]
    data = pack_codes(codes, PACKED_BITS[dtype]) if dtype in PACKED_BITS else codes.tobytes()
    # Another tensor may have had the same bytes.
    packed.buffers.append(schema.BufferT())
    packed.buffers[-1].data = np.frombuffer(data, "uint8")
    tensor.buffer = len(packed.buffers) - 1


def _rescale_bias(
    packed: schema.ModelT,
    model: FloatModel,
    exact: LinearKernel,
    kernel: LinearKernel,
    scale: np.ndarray,
) -> None:
    """An int32 bias is in steps of input times kernel, which are others now."""
    tensors = packed.subgraphs[0].tensors
    operator = packed.subgraphs[0].operators[kernel.operator]
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return
    bias = tensors[operator.inputs[2]]
    if bias.type != schema.TensorType.INT32:
        return
    values = constant_values(model.packed, model.graph.operators[exact.operator].inputs[2])
    steps = (np.float32(tensors[operator.inputs[0]].quantization.scale[0]) * scale).astype(
        "float32"
    )
    codes = np.round(values.astype("float64") / steps).astype("<i4")
    packed.buffers.append(schema.BufferT())
    packed.buffers[-1].data = np.frombuffer(codes.tobytes(), "uint8")
    bias.buffer, bias.quantization.scale = len(packed.buffers) - 1, steps
