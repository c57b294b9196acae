"""What a `.tflite` file holds and no runtime reads, left out."""

from ai_edge_litert import schema_py_generated as schema

# What the converter says about the float model; both are wrong once the model is quantized.
_OF_THE_FLOAT_MODEL = (b"min_runtime_version", b"CONVERSION_METADATA")


def compact(packed: schema.ModelT, *, quantized: bool) -> None:
    """Drops what no runtime reads, in place: a quarter of a light int8 model.

    That is the names of constants, the ranges that calibration leaves beside the scales, empty
    quantization parameters, and buffers that nothing refers to. Once quantized, a tensor is named
    by the layer that makes it, not by its operator too: equal names are stored once.

    Args:
        packed: The model.
        quantized: Whether it was quantized after conversion.
    """
    if quantized:
        packed.metadata = [m for m in packed.metadata or () if m.name not in _OF_THE_FLOAT_MODEL]
    for graph in packed.subgraphs:
        if quantized:
            _name_by_layer(graph)
        for tensor in graph.tensors:
            buffer = packed.buffers[tensor.buffer]
            if buffer.data is not None and len(buffer.data):
                tensor.name = None
            parameters = tensor.quantization
            if parameters is not None:
                parameters.min = parameters.max = None
                if parameters.scale is None or not len(parameters.scale):
                    tensor.quantization = None
    _drop_buffers(packed)


def _name_by_layer(graph: schema.SubGraphT) -> None:
    for index, tensor in enumerate(graph.tensors):
        layer = (tensor.name or b"").rpartition(b"/")[0]
        if layer and index not in graph.inputs and index not in graph.outputs:
            tensor.name = layer


def _drop_buffers(packed: schema.ModelT) -> None:
    referring = [t for graph in packed.subgraphs for t in graph.tensors] + (packed.metadata or [])
    # By the schema the first buffer is the empty one.
    used = [0, *sorted({item.buffer for item in referring} - {0})]
    new = {old: index for index, old in enumerate(used)}
    for item in referring:
        item.buffer = new[item.buffer]
    packed.buffers = [packed.buffers[old] for old in used]
