"""The versions of operators that quantization changed.

A converter writes for every operator which version of its kernel it needs, so that an older
runtime refuses a file instead of computing nonsense. litert-quantizer changes the operators' types
and leaves the versions of the float model.
"""

from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.tflite.runtime_versions import PHONE_RUNTIME, first_runtime

_INT8, _INT16 = schema.TensorType.INT8, schema.TensorType.INT16
_INT4, _INT2 = schema.TensorType.INT4, schema.TensorType.INT2
_FLOAT16 = schema.TensorType.FLOAT16
_CODE = schema.BuiltinOperator
# The first version of each kernel that takes int8 activations, where that is not the first at all.
_INT8_VERSIONS = {
    _CODE.CONV_2D: 3,
    _CODE.DEPTHWISE_CONV_2D: 3,
    _CODE.FULLY_CONNECTED: 4,
    _CODE.BROADCAST_TO: 3,
    **dict.fromkeys(
        (
            *(_CODE.ADD, _CODE.SUB, _CODE.MUL, _CODE.MAXIMUM, _CODE.SQUARED_DIFFERENCE),
            *(_CODE.MEAN, _CODE.SUM, _CODE.REDUCE_MIN, _CODE.RSQRT, _CODE.BATCH_MATMUL),
            *(_CODE.AVERAGE_POOL_2D, _CODE.MAX_POOL_2D, _CODE.RESIZE_BILINEAR),
            *(_CODE.RESIZE_NEAREST_NEIGHBOR, _CODE.SPACE_TO_DEPTH, _CODE.PAD, _CODE.PADV2),
            *(_CODE.MIRROR_PAD, _CODE.CONCATENATION, _CODE.SPLIT, _CODE.SLICE, _CODE.PACK),
            *(_CODE.STRIDED_SLICE, _CODE.TRANSPOSE, _CODE.GATHER, _CODE.UNPACK, _CODE.SELECT),
            *(_CODE.EQUAL, _CODE.NOT_EQUAL, _CODE.SOFTMAX, _CODE.LOGISTIC, _CODE.TANH),
            *(_CODE.GELU, _CODE.RELU, _CODE.DEQUANTIZE),
        ),
        2,
    ),
}
# Float activations, int8 weights.
_HYBRID_VERSIONS = {_CODE.FULLY_CONNECTED: 9, _CODE.CONV_2D: 5, _CODE.DEPTHWISE_CONV_2D: 6}
# Old kernels of FULLY_CONNECTED take the first channel's scale for all: the scores are wrong, and
# the same for every input. Version 12 is the first that promises a scale per channel, and 11 the
# newest of TensorFlow Lite 2.16.1, whose kernel computes with all of them (shown by
# `python -m keras_reparam.benchmarks.compatibility`). So 11: what is older refuses the file.
_FULLY_CONNECTED_PER_CHANNEL = 11
_FULLY_CONNECTED_2_BITS = 14
# What the versions don't say, as measured by the same command: INT4 with a scale per channel is
# right from here on. Of INT2 they do.
_RUNTIMES = {_INT2: first_runtime("FULLY_CONNECTED", _FULLY_CONNECTED_2_BITS), _INT4: PHONE_RUNTIME}


def sub_byte_runtime(packed: schema.ModelT) -> str:
    """The first runtime that runs a model with weights of 4 or 2 bits; empty if it has none."""
    types = {tensor.type for tensor in packed.subgraphs[0].tensors}
    return next((runtime or "" for dtype, runtime in _RUNTIMES.items() if dtype in types), "")


def set_versions(packed: schema.ModelT) -> None:
    """Raises each operator's version to that which its types need, in place.

    Reference: TensorFlow, `lite/tools/versioning/op_version.cc`.
    """
    graph = packed.subgraphs[0]
    codes: dict[tuple, int] = {}
    found = []
    for operator in graph.operators:
        code = packed.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        version = max(code.version, _version(builtin, operator, graph.tensors))
        key = (builtin, version, code.customCode)
        if key not in codes:
            codes[key] = len(found)
            new = schema.OperatorCodeT()
            new.builtinCode, new.deprecatedBuiltinCode = builtin, code.deprecatedBuiltinCode
            new.customCode, new.version = code.customCode, version
            found.append(new)
        operator.opcodeIndex = codes[key]
    packed.operatorCodes = found


def _version(builtin: int, operator: schema.OperatorT, tensors: list) -> int:
    types = [tensors[index].type if index >= 0 else None for index in operator.inputs]
    if builtin == _CODE.DEQUANTIZE and types[0] in (_FLOAT16, _INT16):
        return 3
    if builtin == _CODE.FULLY_CONNECTED and types[1] == _INT2:
        return _FULLY_CONNECTED_2_BITS
    if builtin == _CODE.FULLY_CONNECTED and (
        types[1] == _INT4 or _has_scales(tensors[operator.inputs[1]])
    ):
        return _FULLY_CONNECTED_PER_CHANNEL
    if builtin in _HYBRID_VERSIONS and types[0] != _INT8 and types[1] == _INT8:
        return _HYBRID_VERSIONS[builtin]
    if _INT8 not in types:
        return 1
    if builtin == _CODE.MUL and _grows(operator, tensors):
        return 3
    return _INT8_VERSIONS.get(builtin, 1)


def _has_scales(tensor: schema.TensorT) -> bool:
    """Whether the tensor has a scale per channel."""
    parameters = tensor.quantization
    return parameters is not None and parameters.scale is not None and len(parameters.scale) > 1


def _grows(operator: schema.OperatorT, tensors: list) -> bool:
    """Whether the product of the inputs' scales is not below the output's."""
    first, second, made = (
        float(tensors[index].quantization.scale[0])
        for index in (*operator.inputs[:2], operator.outputs[0])
    )
    return first * second / made >= 1
